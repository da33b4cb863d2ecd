"""Text that a terminal would obey, and what of it has got through to one."""

import re

SHOWN = "Hostile"
"""Stands in the text: where it was shown, this is."""
ORDERS = {
    "title": "\x1b]0;title of the window\x07",
    "clipboard": "\x1b]52;c;dGhlIGNsaXBib2FyZA==\x07",
    "link": "\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\",
    "clears": "\x1b[2J",
    "colour": "\x1b[38;5;199m",
    "resets": "\x1bc",
    "device": "\x1bP+q544e\x1b\\",
    "application": "\x1b_application\x1b\\",
    "C1": "\x9b2J\x9dtitle\x9c\x90device\x9c\x85",
    "C0": "\x01\x05\x08\x0b\x0c\x0e\x7f",
    "bidirectional": "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "zero width": "\u00ad\u200b\u2060\ufeff\U000e0041\U000e007f",
}
HOSTILE = SHOWN + " " + "".join(ORDERS.values())
"""All of them, on one line and without a slash in front, so that it may also be a name."""
HIDES = "Not seen\rSeen"
"""A line of which the first half would be written over."""

_OURS = re.compile(
    r"\x1b\[(?!38;5;199m)[\d;]*m"  # Rich's styles
    r"|\r\x1b\[K|\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*|\x1b\[\?25[lh]|(?:\x1b\[1A)?\x1b\[2K"  # lines that are drawn over
    r"|\x1b\]8;(?:id=\d+;[!-~]*|;)\x1b\\"  # Rich's links, with their ends
    r"|\r\n"
)


def obeyed(written: bytes) -> list[str]:
    """What a terminal would have obeyed of the bytes, but for the program's own styles and lines that are drawn over:
    control, format and unassigned characters, and bytes that are no text."""
    text = _OURS.sub("\n", written.decode("utf-8", "surrogateescape"))
    return [f"{text[max(0, at - 20) : at + 20]!r}" for at, mark in enumerate(text) if not _is_text(mark)]


def _is_text(mark: str) -> bool:
    return mark in "\n\t" or mark.isprintable() or mark in "\u00a0\u2009\u202f\u3000"
