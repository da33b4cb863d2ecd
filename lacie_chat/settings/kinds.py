"""What an option may hold: read from TOML, from words of the command line, or typed into the panel; one check for all.

A kind says in words what is wanted, takes a value as TOML has it, or raises ValueError; text is first read as TOML
would have it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

Value = str | int | float
"""Of an option, as TOML has it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`wanted`: what is allowed, as in "is not a whole number of 1 or more". `choices`: its words, if it has any."""

    wanted: str
    _check: Callable[[object], Value | None]
    choices: tuple[str, ...] = ()
    is_text: bool = False
    several_lines: bool = False

    def check(self, value: object) -> Value:
        """The value, if it is allowed. Raises ValueError with `wanted`."""
        found = self._check(value)
        if found is None:
            raise ValueError(self.wanted)
        return found

    def parse(self, text: str) -> Value:
        """The same of a text that somebody typed."""
        if self.is_text:
            return self.check(text if self.several_lines else text.strip())
        return self.check(_as_value(text.strip()))


def number(least: float, most: float | None = None) -> Kind:
    """Both bounds are in."""

    def check(value: object) -> Value | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
        return float(value) if value >= least and (most is None or value <= most) else None

    return Kind(f"a number from {least:g} to {most:g}" if most is not None else f"a number of {least:g} or more", check)


def whole(least: int, most: int | None = None, *, words: Sequence[str] = ()) -> Kind:
    """A whole number, or one of `words`."""
    wanted = f"a whole number from {least} to {most}" if most is not None else f"a whole number of {least} or more"

    def check(value: object) -> Value | None:
        if isinstance(value, str):
            return value if value in words else None
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if value >= least and (most is None or value <= most) else None

    return Kind(", ".join(words) + (" or " if words else "") + wanted, check, tuple(words))


def line() -> Kind:
    """A text that isn't empty, on one line."""
    return Kind(
        "a text on one line",
        lambda value: value if isinstance(value, str) and value.strip() and "\n" not in value else None,
        is_text=True,
    )


def lines() -> Kind:
    """Any text."""
    return Kind("a text", lambda value: value if isinstance(value, str) else None, is_text=True, several_lines=True)


def _as_value(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
