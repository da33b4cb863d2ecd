"""Other people's text as a terminal or a report may show it: text, and nothing that moves a cursor or hides words.

Models, files and people write what is shown here. Escape sequences would colour or overwrite the screen, name the
window or fill the clipboard, a lone carriage return hides the line before it, and bidirectional and zero-width marks
make one text look like another. Two of those marks are letters to their readers, though: the joiner and the non-joiner,
without which Persian, Hindi and emoji made of several fall apart. They stay behind a character that can be joined;
behind an ASCII one they only hide.

It is what is shown that is made harmless, not what is kept: a database, a file of rows and the places of hedges are of
the text as it was written. So the borders are the ways out: standard output and error (streams.py), Rich's console
(console.py), the lines of the interface (tui/harmless.py), the clipboard, and what is exported to be read. JSON has its
own way to write such a character, so there it is as it was: see `exact_json`.
"""

import json
import unicodedata
from collections.abc import Callable
from typing import Any

JOINERS = "\u200c\u200d"
_TAGS = range(0xE0020, 0xE0080)
"""Spell the region of a flag, behind it."""
_FLAG = "\U0001f3f4"
_NEW_PICTURES = range(0x1F000, 0x1FC00)
"""Emoji and signs, of which Unicode adds some each year: Python's list of characters is always older."""


def printable(text: str, *, instead: str = "", space: str = " ", before: str = "") -> str:
    """`text` with `instead` for each control and format character; only newline, tab, printed spaces and what joins
    characters are kept.

    White space that is a control (carriage return, form feed, U+0085 …) or a separator of lines becomes `space`.
    `before`: the character that stands before the text, where it comes in pieces.
    """
    if text.isprintable():
        return text
    shown = []
    for mark in text:
        kept = _shown(mark, before, instead, space)
        shown.append(kept)
        before = _FLAG if before == _FLAG and ord(mark) in _TAGS else mark
    return "".join(shown)


def exact_json(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """A value as JSON of which every text can be read back exactly, and which is harmless itself: what a terminal would
    obey is written as its number (`\\u001b`). `default`: what a value that is no JSON becomes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    if text.isprintable():
        return text
    return "".join(mark if _shown(mark, "", "", "") else _number(mark) for mark in text)


def _number(mark: str) -> str:
    return json.dumps(mark)[1:-1] if not mark.isascii() else f"\\u{ord(mark):04x}"  # DEL is the one that JSON leaves


def _shown(mark: str, before: str, instead: str, space: str) -> str:
    if mark in "\n\t" or mark.isprintable() or unicodedata.category(mark) == "Zs":
        return mark
    if (mark in JOINERS and _is_joined(before)) or (before == _FLAG and ord(mark) in _TAGS):
        return mark
    if ord(mark) in _NEW_PICTURES and unicodedata.category(mark) == "Cn":
        return mark
    return space if mark.isspace() else instead


def _is_joined(mark: str) -> bool:
    return bool(mark) and not mark.isascii() and (mark.isprintable() or ord(mark) in _NEW_PICTURES)
