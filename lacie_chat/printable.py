"""Other people's text as a terminal or a report may show it: text, and nothing that moves a cursor or hides words.

Models, files and people write what is shown here. Escape sequences would colour or overwrite the screen, a lone
carriage return hides the line before it, and bidirectional and zero-width marks make one text look like another. Two of
those marks are letters to their readers, though: the joiner and the non-joiner, without which Persian, Hindi and emoji
made of several fall apart. They stay behind a character that can be joined; behind an ASCII one they only hide.
"""

import unicodedata

JOINERS = "\u200c\u200d"
_TAGS = range(0xE0020, 0xE0080)
"""Spell the region of a flag, behind it."""
_FLAG = "\U0001f3f4"
_NEW_PICTURES = range(0x1F000, 0x1FC00)
"""Emoji and signs, of which Unicode adds some each year: Python's list of characters is always older."""


def printable(text: str, *, instead: str = "") -> str:
    """`text` with `instead` for each control and format character; only newline, tab, printed spaces and what joins
    characters are kept.

    White space that is a control (carriage return, form feed, U+0085 …) or a separator of lines becomes a space.
    """
    if text.isascii() and text.isprintable():
        return text
    shown, before = [], ""
    for mark in text:
        kept = _shown(mark, before, instead)
        shown.append(kept)
        before = _FLAG if before == _FLAG and ord(mark) in _TAGS else mark
    return "".join(shown)


def _shown(mark: str, before: str, instead: str) -> str:
    if mark in "\n\t" or mark.isprintable() or unicodedata.category(mark) == "Zs":
        return mark
    if (mark in JOINERS and _is_joined(before)) or (before == _FLAG and ord(mark) in _TAGS):
        return mark
    if ord(mark) in _NEW_PICTURES and unicodedata.category(mark) == "Cn":
        return mark
    return " " if mark.isspace() else instead


def _is_joined(mark: str) -> bool:
    return bool(mark) and not mark.isascii() and (mark.isprintable() or ord(mark) in _NEW_PICTURES)
