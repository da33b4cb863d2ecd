"""What terminals send for a key with alt, which Textual 8.2.8 (pinned, see pyproject.toml) knows only after a pause.

A letter with alt is escape and the letter, in one piece. Textual waits a tenth of a second for more of it; where
another key or the mouse came in that time it took the letter for text and put a `^` before it, and alt+enter became
enter, which sends. Such pieces are in its table of sequences now, so they are what they are at once.
"""

import string
from typing import Any, NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

_ESCAPE = "\x1b"
_INTRODUCER = "O"
"""The capital with which, after escape, function keys begin."""


class _Named(NamedTuple):
    """As the table has its keys: with a value."""

    value: str


def _pieces() -> dict[str, str]:
    """The keys, by what comes."""
    return {
        f"{_ESCAPE}\r": "alt+enter",
        **{f"{_ESCAPE}{letter}": f"alt+{letter}" for letter in string.ascii_lowercase},
        **{
            f"{_ESCAPE}{letter}": f"alt+shift+{letter.lower()}"
            for letter in string.ascii_uppercase
            if letter != _INTRODUCER
        },
    }


def know_alt() -> None:
    """Put them into Textual's table; what stands there already stays (alt+b and alt+f are moves by a word)."""
    table = cast(dict[str, Any], ANSI_SEQUENCES_KEYS)
    for piece, name in _pieces().items():
        table.setdefault(piece, (_Named(name),))
