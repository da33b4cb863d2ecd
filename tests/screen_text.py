"""What stands on the screen of a Textual app, read off the picture that it makes of itself (an SVG)."""

import re
from html import unescape
from typing import Any

from rich.cells import cell_len
from textual.app import App

_TEXT = re.compile(r'<text [^>]*?x="([\d.]+)" y="[\d.]+"[^>]*clip-path="url\([^)]*-line-(\d+)\)">([^<]*)</text>')
_CELL_WIDTH = 12.2
"""Of a character in the picture."""


def screen_text(app: App[Any]) -> str:
    """The screen line by line, without spaces at their ends."""
    found = _TEXT.findall(app.export_screenshot())
    lines = [""] * max([app.size.height, *(int(row) + 1 for _, row, _ in found)])  # a new size is not drawn at once
    for x, row, text in found:
        line = lines[int(row)]
        gap = round(float(x) / _CELL_WIDTH) - cell_len(line)
        lines[int(row)] = line + " " * gap + unescape(text.replace("&#160;", " "))
    return "\n".join(line.rstrip() for line in lines)
