"""Long pieces of a text that is being written: each stands in it as one line, and is sent whole.

The line (`[pasted: 214 lines, 12.3 kB]`) is text among text, so that one moves and deletes around it as ever; what it
stands for is remembered as long as the program runs, also of lines that were deleted, for undo brings them back.
"""

import re

from lacie_chat.chat.attached import blocks
from lacie_chat.printable import printable
from lacie_chat.sizes import text_size

LINES, CHARACTERS = 12, 1500
"""A paste of more than so many lines or characters stands as one line."""


def is_long(text: str) -> bool:
    """Is it better seen as one line?"""
    return len(text) > CHARACTERS or text.count("\n") >= LINES


def size_of(text: str) -> str:
    """`214 lines, 12.3 kB`."""
    lines = len(text.rstrip("\n").split("\n"))
    return f"{lines} {'line' if lines == 1 else 'lines'}, {text_size(len(text.encode('utf-8', 'replace')))}"


class Pieces:
    """The lines, and what they stand for."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def know_files(self, text: str) -> None:
        """The files that a question holds are pieces."""
        for block in blocks(text):
            self.label(text[block.start : block.end], printable(block.name), size_of(block.text))

    def label(self, text: str, kind: str = "pasted", size: str = "") -> str:
        """The line for this piece; no two pieces have one."""
        if text not in self._labels:
            size = size or size_of(text)
            label, number = f"[{kind}: {size}]", 2
            while label in self._texts:
                label, number = f"[{kind} {number}: {size}]", number + 1
            self._texts[label], self._labels[text] = text, label
        return self._labels[text]

    def whole(self, text: str) -> str:
        """The text with all its pieces."""
        pattern = self._pattern()
        return pattern.sub(lambda found: self._texts[found[0]], text) if pattern else text

    def folded(self, text: str) -> str:
        """The text with a line for each piece that is known to be one."""
        for piece in sorted(self._labels, key=len, reverse=True):
            text = text.replace(piece, self._labels[piece])
        return text

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the lines stand in the text, from the first on."""
        pattern = self._pattern()
        return [found.span() for found in pattern.finditer(text)] if pattern else []

    def around(self, text: str, start: int, end: int) -> tuple[int, int]:
        """What is edited instead of `start` to `end`: no line is cut in two."""
        for first, last in self.spans(text):
            if first < start == end < last:
                return last, last
            if start < last and first < end:
                start, end = min(start, first), max(end, last)
        return start, end

    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(map(re.escape, self._texts))) if self._texts else None
