"""Chat and study told to end by a signal leave the terminal as they found it, byte for byte as when they are quit."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import Terminal

from lacie_chat.study.records import SPEAKERS, answer_id, begin, finish

MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
KEYBOARD = re.compile(rb"\x1b\[>\d+u")
"""Codes of its own for the keyboard are taken so, and given back by CSI < u."""
QUIT = "\x11"


def chat(_: Path) -> tuple[list[str], str]:
    return ["chat", "--context", "512"], "Ask something"


def study(folder: Path) -> tuple[list[str], str]:
    for speaker in SPEAKERS:
        asked = {"id": answer_id("q", speaker), "question_id": "q", "speaker": speaker, "question": "Is it so?"}
        said = {"response": f"{speaker}: yes", "correct": True, "state": "answered", "acceptance": 0.9}
        begin(folder, {}, told_apart_by=[]).append([asked | said | {"finish": "stop"}])
    finish(folder)
    return ["study", "run", "--out", str(folder), "--person", "Ada"], "lacie · study"


def left_on(sent: bytes) -> set[bytes]:
    """The terminal's modes that a program switched on, or (lines that wrap, the cursor) off, and left so."""
    last = {mode: state for modes, state in MODES.findall(sent) for mode in modes.split(b";")}
    return {mode for mode, state in last.items() if (state == b"h") != (mode in (b"7", b"25"))}


def ending(sent: bytes) -> bytes:
    """What it writes from where it begins to give the terminal back, up to the terminal's own screen and cursor."""
    given_back = sent[sent.rindex(b"\x1b[?2004l") :]
    return given_back[: given_back.index(b"\x1b[?1004l") + len(b"\x1b[?1004l")]


def run(program: Callable[[Path], tuple[list[str], str]], folder: Path, number: int | None) -> tuple[int | None, bytes]:
    """Its exit status and all that it wrote; ended by the signal, or by its own key."""
    words, seen = program(folder)
    with Terminal(*words, columns=100, rows=30) as terminal:
        before = terminal.attributes()
        terminal.wait_for(seen, 120)
        during = left_on(terminal.sent)
        assert {b"1049", b"25", b"1000", b"2004"} <= during and terminal.attributes() != before
        if number is None:
            terminal.type(QUIT)
        else:
            os.kill(terminal.pid, number)
        status = terminal.wait_for_end(120)
        terminal.screen()
        assert left_on(terminal.sent) == set()
        assert terminal.attributes() == before
        assert terminal.sent.count(b"\x1b[<u") == len(KEYBOARD.findall(terminal.sent)) == 1
        return status, terminal.sent


@pytest.mark.parametrize("program", [chat, study], ids=["chat", "study"])
def test_the_terminal_is_as_it_was(program: Callable[[Path], tuple[list[str], str]], tmp_path: Path) -> None:
    quit_status, quit_sent = run(program, tmp_path / "quit", None)
    assert quit_status == 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        status, sent = run(program, tmp_path / number.name, number)
        assert status == 128 + number
        assert ending(sent) == ending(quit_sent)
