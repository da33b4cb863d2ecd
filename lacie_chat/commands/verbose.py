"""`--verbose`: what the engine logs, while it does, and how long the command took; on standard error.

The log is a file (engine/log.py), since native code may crash. It is read from where it ended when the command began,
so another chat that is open at the same time is heard, too. A command that fills the screen would be drawn over: there
the log follows when the screen is given back, unless standard error goes elsewhere.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lacie_chat import streams
from lacie_chat.engine.log import default_log_path
from lacie_chat.loudness import detail

_EVERY = 0.1
"""Seconds between two looks."""


@contextmanager
def told(*, fills_the_screen: bool) -> Iterator[None]:
    """For the time of a command."""
    path, began, over = default_log_path(), time.monotonic(), threading.Event()
    detail(f"the engine's log is {path}")
    tail = _Tail(path)
    live = not (fills_the_screen and sys.stderr.isatty())

    def follow() -> None:
        while not over.wait(_EVERY):
            tail.say()

    thread = threading.Thread(target=follow, daemon=True)
    if live:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if live:
            thread.join()
        tail.say()
        detail(f"{time.monotonic() - began:.2f} s in all")


class _Tail:
    """The lines that a file gets from now on; whole ones only. It may be put aside for a new one in between."""

    def __init__(self, path: Path) -> None:
        self._path, self._at, self._rest = path, _size(path), b""

    def say(self) -> None:
        if _size(self._path) < self._at:
            self._at = 0
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                *lines, self._rest = (self._rest + file.read()).split(b"\n")
                self._at = file.tell()
        except OSError:
            return
        for line in lines:
            streams.complain(line.decode("utf-8", "replace"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
