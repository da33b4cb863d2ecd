"""Other people's text as a terminal or a report may show it: text, and nothing that moves a cursor or hides words.

Models, files and people write what is shown here. Escape sequences would colour or overwrite the screen, a lone
carriage return hides the line before it, and bidirectional and zero-width marks make one text look like another.
"""

import unicodedata


def printable(text: str, *, instead: str = "") -> str:
    """`text` with `instead` for each control and format character; only newline, tab and printed spaces are kept.

    White space that is a control (carriage return, form feed, U+0085 …) or a separator of lines becomes a space.
    """
    return "".join(_shown(mark, instead) for mark in text)


def _shown(mark: str, instead: str) -> str:
    if mark in "\n\t" or mark.isprintable() or unicodedata.category(mark) == "Zs":
        return mark
    return " " if mark.isspace() else instead
