"""What terminals send and Textual 8.2.8 (pinned, see pyproject.toml) takes for something else: alt, and some pastes.

A letter with alt is escape and the letter, in one piece. Textual waits a tenth of a second for more of it; where
another key or the mouse came in that time it took the letter for text and put a `^` before it, and alt+enter became
enter, which sends. Such pieces are in its table of sequences now, so they are what they are at once. The same piece
comes when escape and a letter are typed one soon after the other (tmux keeps escape back for half a second): such a
key says so. Where it is no command, it is both (keys_in_order.py). Where it is one that can't be done now, nobody knows
which was meant: it is the letter, so that no text is lost, and no escape stops an answer that was not to be stopped.

A paste that has escape in it, such as a coloured log out of tmux, came as if it had been typed, up to its line ends,
which sent it. Colours and the like are taken out of a paste before Textual reads it.
"""

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, cast
from weakref import WeakKeyDictionary

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

_ESCAPE = "\x1b"
_INTRODUCER = "O"
"""The capital with which, after escape, function keys begin."""
_BEGIN, _END = f"{_ESCAPE}[200~", f"{_ESCAPE}[201~"
_SEQUENCE = re.compile(rf"{_ESCAPE}(?:\[[0-?]*[ -/]*[@-~]|\][^\x07{_ESCAPE}]*(?:\x07|{_ESCAPE}\\))?")


class EscapeAnd(str):
    """The name of a key with alt which may have been escape and a `letter`."""

    letter: str

    def __new__(cls, letter: str) -> Self:
        named = super().__new__(cls, f"alt+shift+{letter.lower()}" if letter.isupper() else f"alt+{letter}")
        named.letter = letter
        return named


class _Named(NamedTuple):
    """As the table has its keys: with a value."""

    value: str


@dataclass
class Pastes:
    """Takes escape sequences out of what stands between the two marks of a paste, however it is cut into pieces."""

    inside: bool = False
    before: str = ""
    """The end of what came outside, where the first mark may have begun."""
    held: str = ""
    """What came inside, till the second mark is there."""

    def cleaned(self, data: str) -> str:
        """What the parser is to read now."""
        found: list[str] = []
        while data:
            if self.inside:
                self.held += data
                text, mark, data = self.held.partition(_END)
                if not mark:
                    break
                found.append(_SEQUENCE.sub("", text) + mark)
                self.inside, self.held = False, ""
            else:
                place = (self.before + data).find(_BEGIN)
                end = place + len(_BEGIN) - len(self.before) if place >= 0 else len(data)
                self.inside = place >= 0
                self.before = "" if self.inside else (self.before + data)[1 - len(_BEGIN) :]
                found.append(data[:end])
                data = data[end:]
        return "".join(found)


_pastes: WeakKeyDictionary[XTermParser, Pastes] = WeakKeyDictionary()
_feed = XTermParser.feed


def _fed(self: XTermParser, data: str) -> Iterable[Message]:
    """`XTermParser.feed`; nothing at all is the end, so nothing yet is not handed on."""
    cleaned = _pastes.setdefault(self, Pastes()).cleaned(data)
    return _feed(self, cleaned) if cleaned or not data else ()


def _pieces() -> dict[str, str]:
    """The keys with alt, by what comes."""
    letters = string.ascii_letters.replace(_INTRODUCER, "")
    return {f"{_ESCAPE}\r": "alt+enter", **{f"{_ESCAPE}{letter}": EscapeAnd(letter) for letter in letters}}


def teach_textual() -> None:
    """What stands in Textual's table already stays there (alt+b and alt+f are moves by a word)."""
    table = cast(dict[str, Any], ANSI_SEQUENCES_KEYS)
    for piece, name in _pieces().items():
        table.setdefault(piece, (_Named(name),))
    XTermParser.feed = _fed  # type: ignore[method-assign]
