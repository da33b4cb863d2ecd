"""A terminal for tests: the installed `lacie` in a real pseudo-terminal, its screen kept by an emulator (pyte).

What a test asserts is what a person would see: `screen()` is the text of every line, after all escape sequences.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pexpect
import pyte

LACIE = str(Path(sys.executable).with_name("lacie"))
CONFIDENCE = re.compile(r"[▰▱]{10} (?:sounds|fairly|hedges)[a-z ]* · ")


class Terminal:
    """`lacie WORDS` in a pseudo-terminal of `columns` x `rows`; `variables` of the environment are as they say, instead
    of those of a terminal of all colours."""

    def __init__(
        self,
        *words: str,
        columns: int = 80,
        rows: int = 24,
        command: str = LACIE,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        environment = {**os.environ, "LANG": "C.UTF-8"}
        for name in ("NO_COLOR", "COLORTERM"):
            environment.pop(name, None)
        environment |= variables or {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.sent = b""
        """All that the program wrote, as it wrote it."""
        self.started = time.monotonic()
        self._child = pexpect.spawn(command, list(words), dimensions=(rows, columns), env=environment, timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if value is not None:
            print("\n".join(self.lines()), file=sys.stderr)
        with suppress(pexpect.ExceptionPexpect):  # killed, but on a busy machine not gone within its tenth of a second
            self._child.close(force=True)

    @property
    def pid(self) -> int:
        return int(self._child.pid)

    def engine_pid(self) -> int | None:
        """The process id of the engine's child process, None while there is none."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.pid), "-f", r"lacie_chat\.engine\.process"],
            capture_output=True,
            text=True,
            check=False,
        )
        return int(found.stdout.split()[0]) if found.stdout.strip() else None

    def attributes(self) -> list[Any]:
        """How the terminal treats what is typed and written (termios)."""
        return termios.tcgetattr(self._child.child_fd)

    def type(self, text: str) -> None:
        self._child.send(text)

    def lines(self) -> list[str]:
        """The screen as it is now, after reading what has come."""
        self._read(0.0)
        return [line.rstrip() for line in self._screen.display]

    def cells(self) -> Iterator[pyte.screens.Char]:
        """Those of the screen in which something stands, as it is now, with their colours."""
        self._read(0.0)
        for row in range(self._screen.lines):
            for column in range(self._screen.columns):
                cell = self._screen.buffer[row][column]
                if cell.data.strip():
                    yield cell

    def screen(self) -> str:
        return "\n".join(self.lines())

    def wait_for(self, seen: str | Callable[[str], bool], seconds: float = 60.0) -> str:
        """The first screen on which `seen` stands (or for which it holds). Fails with the screen after `seconds`."""
        holds = seen if callable(seen) else lambda screen: seen in screen
        end = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if holds(screen):
                return screen
            if time.monotonic() > end or not self._child.isalive():
                raise AssertionError(
                    f"waited {seconds:g} s for {seen!r} (alive: {self._child.isalive()}); saw:\n{screen}"
                )
            self._read(0.05)

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def kill(self) -> None:
        """kill -9, as a crash or the out-of-memory killer would."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait_for_end()

    def wait_for_end(self, seconds: float = 20.0) -> int | None:
        """Wait until the process has ended; returns its exit status (None if a signal ended it)."""
        end = time.monotonic() + seconds
        while self._child.isalive():
            if time.monotonic() > end:
                raise AssertionError(f"still running after {seconds:g} s:\n{self.screen()}")
            self._read(0.05)
        status = self._child.exitstatus
        return int(status) if status is not None else None

    def _read(self, seconds: float) -> None:
        """Feed the emulator with what is there, waiting for the first of it at most `seconds`."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                read = self._child.read_nonblocking(1 << 16, timeout=seconds)
                self.sent += read
                self._stream.feed(read)
                seconds = 0.0


def answered(question: str) -> Callable[[str], bool]:
    """A screen that shows the question, and below it a confidence line."""
    return lambda screen: question in screen and bool(CONFIDENCE.search(screen.partition(question)[2]))


def ask(terminal: Terminal, question: str) -> None:
    terminal.type(question)
    terminal.wait_for(question)  # typed text first, then the key: as fast as a person, never one paste
    terminal.type("\r")
