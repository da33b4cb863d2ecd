"""A line of a terminal, and the ctrl+c that comes while it is waited for."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from lacie_chat.streams import read_line


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input is a terminal; its other end."""
    theirs, ours = os.openpty()
    with open(ours, encoding="utf-8") as stdin:  # noqa: PTH123 - a descriptor, no path
        monkeypatch.setattr(sys, "stdin", stdin)
        yield theirs
    os.close(theirs)


def test_lines_come_one_by_one(terminal: int) -> None:
    os.write(terminal, "eins\nzwei \u00fc\n".encode())
    assert [read_line(), read_line()] == ["eins\n", "zwei \u00fc\n"]
    os.write(terminal, b"\x04")
    assert read_line() == ""


def test_a_signal_that_another_thread_gets_ends_the_wait(terminal: int) -> None:
    """It wakes no read: without the wait for both, this would last until a line is typed."""
    waits = threading.Event()

    def interrupt() -> None:
        waits.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        waits.set()
        read_line()
    other.join()
    os.write(terminal, b"still there\n")
    assert read_line() == "still there\n"


def test_a_signal_that_is_not_for_it_is_no_end(terminal: int) -> None:
    heard = []
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(True))

    def knock() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        while not heard:
            pass
        os.write(terminal, b"a line\n")

    other = threading.Thread(target=knock)
    try:
        other.start()
        assert read_line() == "a line\n" and heard
    finally:
        other.join()
        signal.signal(signal.SIGUSR1, before)
