"""Values as JSON can hold them, of any kind, for what must be read whatever stands there."""

from typing import Any

from hypothesis import strategies as st

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
"""A value of any kind."""


def changed(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The row with one of its values taken out or of any kind."""
    names = st.sampled_from(sorted(row))
    other = st.builds(lambda name, value: {**row, name: value}, names, ANY)
    return other | st.builds(lambda name: {key: value for key, value in row.items() if key != name}, names)
