"""Standard input, output and error as a program may find them: closed, full, gone, in another encoding, on a terminal
that takes no control codes.

A closed descriptor is the worst of them: the next file that is opened takes its number, and what is printed lands in
it (a database, a log). So the three are filled before anything else happens.

What goes out is harmless, whoever wrote it and whatever prints it, a library's warning and a traceback, too: the two
streams let no control or format character pass (see printable.py), on a terminal and in a pipe, for `| tee` ends on a
terminal. Only `draw` and Rich's consoles (console.py) write control codes, and those are our own.
"""

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from lacie_chat.errors import LacieError
from lacie_chat.printable import printable

_LONGEST_INPUT = 16 << 20
_NO_CODES = ("", "dumb", "unknown")


def make_usable() -> None:
    """Fill what is closed, let no character stop a line, and none through that a terminal would obey.

    Closed input is empty; what is said on closed error is lost; closed output is refused when it is written to, so that
    a command that has nothing to print doesn't fail. Files and pipes get UTF-8 whatever the locale, unless
    PYTHONIOENCODING names another; a terminal keeps its own, with `?` for what it hasn't.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _fill(number, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            stream = open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    for each in (unguarded(sys.stdout), unguarded(sys.stderr)):
        if isinstance(each, io.TextIOWrapper):
            if not _is_utf8(each) and not each.isatty() and not os.environ.get("PYTHONIOENCODING"):
                each.reconfigure(encoding="utf-8")
            each.reconfigure(errors="backslashreplace" if _is_utf8(each) else "replace")
    _guard()


class Guarded:
    """A stream through which only harmless text goes; in all else it is the stream that it guards."""

    def __init__(self, stream: TextIO) -> None:
        self.guarded = stream
        self._before = ""

    def write(self, text: str) -> int:
        """Write the text without what a terminal would obey; the number of characters that were given."""
        self.guarded.write(printable(text, before=self._before))
        self._before = text[-1:] or self._before
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.guarded, name)


def unguarded(stream: TextIO) -> TextIO:
    """The stream itself, to which our own control codes may go."""
    return stream.guarded if isinstance(stream, Guarded) else stream


def _guard() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, Guarded):
            setattr(sys, name, Guarded(stream))


@contextmanager
def guarded() -> Iterator[None]:
    """Guard the two streams as they are now: a live display of Rich's puts its own in their place, which reads escape
    sequences as styles and links."""
    before = sys.stdout, sys.stderr
    _guard()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def draw(text: str, stream: TextIO) -> None:
    """Write a line with control codes, which all are our own, to a stream that can be drawn on."""
    stream = unguarded(stream)
    stream.write(text)
    stream.flush()


def print_path(path: str | Path) -> None:
    """A path as the one result of a command: harmless on a terminal, and byte for byte where a program reads it."""
    if sys.stdout.isatty():
        print(path)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(path) + b"\n")
    sys.stdout.buffer.flush()


def read_input() -> str:
    """All of standard input, as text. Raises LacieError, one line, for what is none, or longer than any context."""
    try:
        data = sys.stdin.buffer.read(_LONGEST_INPUT + 1)
        if len(data) > _LONGEST_INPUT:
            raise LacieError(f"standard input is too long: over {_LONGEST_INPUT >> 20} MiB; give a part of it")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start} is 0x{error.object[error.start]:02x}"
        raise LacieError(f"standard input is not UTF-8 text ({byte}); convert it first, e.g. with iconv") from None
    except OSError as error:
        raise LacieError(f"standard input can't be read ({error.strerror or error})") from None
    if "\0" in text:
        raise LacieError("standard input is binary, not text (it has zero bytes)")
    return text


def read_line() -> str:
    """The next line of standard input, with its end; empty at the end of it. Ctrl+c ends it at any moment.

    A signal that comes just before the read has begun, or to another thread, doesn't wake a read: what it set off would
    wait for the next line. So on a terminal what is waited for is either of the two, a line or a signal.
    """
    if os.name != "posix" or not sys.stdin.isatty() or threading.current_thread() is not threading.main_thread():
        return sys.stdin.readline()
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    try:
        while not select.select([sys.stdin, woken], [], [])[0].count(sys.stdin):
            os.read(woken, 1)  # a signal that was not for us; ctrl+c has been raised by now
        return sys.stdin.readline()
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wakes)


def typed_text(argument: str) -> str:
    """A text of the command line, read as UTF-8 whatever the locale. Raises LacieError where it is none."""
    try:
        return os.fsencode(argument).decode("utf-8") if _has_surrogates(argument) else argument
    except UnicodeDecodeError:
        raise LacieError(f"{argument!a} is not UTF-8 text; convert it first, e.g. with iconv") from None


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= mark <= "\udfff" for mark in text)


def _fill(number: int, access: int) -> None:
    opened = os.open(os.devnull, access)
    os.dup2(opened, number)  # to be had by child processes, too
    if opened != number:
        os.close(opened)
    else:
        os.set_inheritable(number, True)


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").replace("_", "") == "utf8"


def terminal_takes_codes() -> bool:
    """Whether a terminal here understands control codes, by TERM (which Windows doesn't set)."""
    term = os.environ.get("TERM", "").strip().lower()
    return term not in _NO_CODES or (os.name == "nt" and not term)


def terminal_name() -> str:
    """What the environment calls the terminal, for a line that says that it isn't enough."""
    term = os.environ.get("TERM", "").strip()
    return f"this terminal (TERM={term})" if term else "a terminal of which TERM isn't set (try TERM=xterm-256color)"


def can_draw(stream: TextIO) -> bool:
    """Whether a line on this stream can be drawn over: a terminal that takes control codes."""
    return stream.isatty() and terminal_takes_codes()


def take_the_terminal() -> None:
    """For a program that fills the screen: with the terminal's own size, and no longer than the terminal is there."""
    size_of_the_terminal_itself()
    end_with_the_terminal()


def size_of_the_terminal_itself() -> None:
    """Forget COLUMNS and LINES where the terminal tells its size, and where they are no size at all: a program that
    fills the screen would fill another one, and not grow with its window."""
    try:
        known = min(os.get_terminal_size(sys.stdout.fileno())) > 0
    except OSError:
        known = False
    for name in ("COLUMNS", "LINES"):
        value = os.environ.get(name, "")
        if known or not (value.isascii() and value.isdigit() and len(value) <= 4):
            os.environ.pop(name, None)


def end_with_the_terminal() -> None:
    """From now on, end this process when its terminal goes. A terminal tells only the leader of its session, and not
    every leader passes it on (make waits for what it started); a program that fills the screen would go on for ever.
    """
    if not hasattr(select, "poll"):  # Windows
        return

    def wait() -> None:
        gone = select.poll()
        gone.register(0, 0)
        if any(state & (select.POLLHUP | select.POLLERR) for _, state in gone.poll()):
            os._exit(128 + 1)  # as SIGHUP would end it; all that was shown is kept already

    threading.Thread(target=wait, daemon=True).start()


def output_failure(error: OSError) -> str | None:
    """The line to say where `error` came of standard output: empty where its reader has gone (`| head`); None where it
    came of something else. Nothing more reaches a stream that failed, and Python doesn't try to at its exit."""
    if isinstance(error, BrokenPipeError):
        for stream in (sys.stdout, sys.stderr):
            if _refusal_of(stream, ""):
                silence(stream)
        return ""
    if error.filename is not None:
        return None
    refusal = _refusal_of(sys.stdout, "\n")
    if refusal is None:
        return None
    silence(sys.stdout)
    return f"can't write to standard output ({refusal})"


def _refusal_of(stream: TextIO, text: str) -> str | None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None


def silence(stream: TextIO) -> None:
    """Whatever is still to come on this stream goes nowhere."""
    with suppress(OSError, ValueError):  # a stream without a descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def complain(line: str) -> None:
    """One line on standard error, which may be gone itself. It stays one whatever a name in it holds."""
    try:
        print(printable(line.replace("\n", " ")), file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)
