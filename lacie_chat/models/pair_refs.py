"""A model with an adapter over it in one REF: `MODEL+ADAPTER`, or `MODEL+none` for one that usually has its own."""

from lacie_chat.errors import LacieError
from lacie_chat.paths import expanded

_ALONE = ("none", "baseline")
"""What stands for no adapter after a model's REF and a plus."""


def model_and_adapter(ref: str) -> tuple[str, str | None]:
    """`MODEL+ADAPTER` as its two REFs, without one where it is `none`. A plus in the name of a file that is there is
    part of the name; of several the first one parts the two, unless it only does at another. Raises LacieError."""
    if "+" not in ref or _is_there(ref):
        return ref, None
    places = [place for place, sign in enumerate(ref) if sign == "+"]
    parted = [(ref[:place].strip(), ref[place + 1 :].strip()) for place in places]
    model, adapter = next((each for each in parted if all(map(_is_there, each))), parted[0])
    if not model or not adapter:
        raise LacieError(f"{ref!r} is no model with an adapter: write MODEL+ADAPTER, or MODEL+none")
    return model, None if adapter in _ALONE else adapter


def _is_there(ref: str) -> bool:
    if ref in ("", "embedded", *_ALONE):
        return ref != ""
    try:
        return expanded(ref).exists()
    except OSError:  # far too long for a name
        return False
