"""A growing plain text in rows of a width, wrapped as it comes.

A thought can be a hundred times as long as an answer and comes a word at a time, so adding to it must cost the same at
its end as at its beginning: a row once begun keeps its start, and only the last one is broken anew.
"""

from typing import NamedTuple

from rich.cells import cell_len

from lacie_chat.printable import printable

TAB = "    "


class Row(NamedTuple):
    """Characters `start` to `end` (exclusive) of line `line`."""

    line: int
    start: int
    end: int


class WrappedText:
    """`lines` end where the text has a line's end, `rows` where the width does, at a space if there is one."""

    def __init__(self) -> None:
        self.width = 0
        """Cells; 0: as wide as it gets."""
        self.lines = [""]
        self.rows = [Row(0, 0, 0)]

    def add(self, text: str) -> None:
        """Put `text` to the end, without what would move a cursor."""
        before = self.lines[-1][-1:]  # what comes may join it
        if printable(before) != before:  # it joins what stands before it
            before = ""
        first, *more = printable(before + text)[len(before) :].replace("\t", TAB).split("\n")
        last = self.rows.pop()
        self.lines[-1] += first
        self._wrap(last.line, last.start)
        for line in more:
            self.lines.append(line)
            self._wrap(len(self.lines) - 1, 0)

    def resize(self, width: int) -> None:
        """Wrap all of it anew, if the width is another."""
        if width != self.width:
            self.width = width
            self.rows = []
            for line in range(len(self.lines)):
                self._wrap(line, 0)

    def row_text(self, row: Row) -> str:
        """What stands in a row; a space at its end may stand beyond the width."""
        return self.lines[row.line][row.start : row.end]

    def extract(self, spans: list[tuple[int, int, int]]) -> str:
        """The text of (line, start, end) spans; -1 as an end is the line's."""
        parts = [self.lines[line][start : None if end == -1 else end] for line, start, end in spans]
        return "\n".join(parts)

    def _wrap(self, line: int, start: int) -> None:
        text = self.lines[line]
        while True:
            end = self._end_of_row(text, start)
            self.rows.append(Row(line, start, end))
            if end >= len(text):
                return
            start = end

    def _end_of_row(self, text: str, start: int) -> int:
        stop = self._first_beyond(text, start)
        if stop == len(text):
            return stop
        if text[stop] == " ":
            while stop < len(text) and text[stop] == " ":
                stop += 1
            return stop
        space = text.rfind(" ", start, stop)
        return space + 1 if space >= 0 else max(stop, start + 1)

    def _first_beyond(self, text: str, start: int) -> int:
        """The first character from `start` on that has no room in the row."""
        if not self.width:
            return len(text)
        most = text[start : start + self.width]
        if most.isascii():
            return min(start + self.width, len(text))
        used = 0
        for place in range(start, len(text)):
            used += cell_len(text[place])
            if used > self.width:
                return place
        return len(text)
