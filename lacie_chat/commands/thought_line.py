"""What a model thinks before it answers, as a command shows it: one dim line on the terminal, which the answer follows.

The line goes to standard error, so that the answer alone is on standard output; where that is no terminal, nothing is
shown. A terminal that knows no control codes (TERM=dumb) gets the last line only: how long it was thought.
"""

import shutil
import sys
import time

from rich.cells import cell_len

from lacie_chat.loudness import is_quiet, shows_progress
from lacie_chat.printable import printable
from lacie_chat.streams import draw

_DIM, _PLAIN, _AGAIN = "\x1b[2m", "\x1b[0m", "\r\x1b[K"
_EVERY = 0.1
"""Seconds between two drawings of the line."""


class ThoughtLine:
    """Show a thought while it comes, fold it when the answer begins."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty() and not is_quiet()
        self._live = self._shown and shows_progress()
        self._tail = ""
        self._since: float | None = None
        self._drawn = 0.0

    def add(self, text: str) -> None:
        """More of the thought."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        self._tail = (self._tail + text)[-1000:]
        if self._live and now - self._drawn >= _EVERY:
            self._drawn = now
            self._draw(now - self._since)

    def fold(self) -> None:
        """The thought is over: one line is left of it. No-op where there is none."""
        if self._since is None or not self._shown:
            self._since = None
            return
        line = f"thought for {time.monotonic() - self._since:.1f} s"
        draw(f"{_AGAIN}{_DIM}{line}{_PLAIN}\n" if self._live else f"{line}\n", sys.stderr)
        self._since, self._tail = None, ""

    def _draw(self, seconds: float) -> None:
        head = f"thinking {seconds:.0f} s  "
        room = max(0, shutil.get_terminal_size().columns - len(head) - 1)
        tail = " ".join(printable(self._tail).split())
        while cell_len(tail) > room:
            tail = tail[max(1, (cell_len(tail) - room) // 2) :]
        draw(f"{_AGAIN}{_DIM}{head}{tail}{_PLAIN}", sys.stderr)
