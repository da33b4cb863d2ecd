"""Where a copy goes, and what can be said of it honestly.

A terminal takes a copy by an escape sequence (OSC 52), if it knows it and its user allows it; it never answers whether
it did, and tmux swallows it unless told otherwise. So the system's own programs come first (wl-copy, xclip, xsel,
pbcopy, clip.exe): they say whether it worked. Inside tmux its buffer is next, which always holds, and which tmux hands
on to the terminal by itself, whatever `set-clipboard` says. The sequence is the last way, and is told as what it is.

Over ssh the programs of the far machine would fill a clipboard that nobody looks at, so only a forwarded X is used
there. A program gets a few seconds in a thread of its own; one that hangs is ended with all that it started. What
serves the clipboard on (xclip and wl-copy do, in the background) is let live: with it the copy would end.
"""

import asyncio
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from textual.app import App
from textual.dom import DOMNode

from lacie_chat.printable import printable

LIMIT_SECONDS = 3.0
"""A program of the system that takes longer hangs: its display is gone, say."""

TAKE_NOTHING = ("linux", "dumb", "vt100", "vt220", "unknown")
"""Kinds of terminals ($TERM) that have no clipboard."""

Way = Literal["system", "tmux", "terminal", "nowhere"]


@dataclass(frozen=True, slots=True)
class Program:
    """A program that puts its standard input on the clipboard."""

    command: tuple[str, ...]
    encoding: str = "utf-8"


def programs(environment: Mapping[str, str], system: str = sys.platform, release: str = "") -> list[Program]:
    """Those that may reach the clipboard that the user looks at, the likeliest first, whether installed or not."""
    remote = "SSH_CONNECTION" in environment or "SSH_TTY" in environment
    found: list[Program] = []
    if not remote:
        if system == "darwin":
            found.append(Program(("pbcopy",)))
        if system == "win32":
            found.append(Program(("clip",), "utf-16-le"))
        if "WSL_DISTRO_NAME" in environment or "microsoft" in release.lower():
            found.append(Program(("clip.exe",), "utf-16-le"))
        if "TERMUX_VERSION" in environment:
            found.append(Program(("termux-clipboard-set",)))
        if environment.get("WAYLAND_DISPLAY"):
            found.append(Program(("wl-copy", "--type", "text/plain;charset=utf-8")))
    if environment.get("DISPLAY"):
        found += [Program(("xclip", "-selection", "clipboard", "-in")), Program(("xsel", "--clipboard", "--input"))]
    return found


def put(text: str, environment: Mapping[str, str]) -> Way:
    """Copy `text` without the terminal's help, and say how that went: "terminal" and "nowhere" mean that it is not
    copied yet, and whether the terminal is worth asking. Blocks for a few seconds a program at most."""
    for program in programs(environment, release=platform.release()):
        if _run(program.command, text.encode(program.encoding, "replace"), environment):
            return "system"
    if environment.get("TMUX"):
        data = text.encode("utf-8", "replace")
        # -w: to the terminal around tmux too; before tmux 3.2 there was none
        for command in (("tmux", "load-buffer", "-w", "-"), ("tmux", "load-buffer", "-")):
            if _run(command, data, environment):
                return "tmux"
    return "nowhere" if environment.get("TERM", "") in TAKE_NOTHING else "terminal"


def _run(command: tuple[str, ...], data: bytes, environment: Mapping[str, str]) -> bool:
    """Did the program take it? A program that isn't there, fails or hangs didn't."""
    path = shutil.which(command[0], path=environment.get("PATH"))
    if path is None:
        return False
    try:
        process = subprocess.Popen(
            [path, *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # a pipe would be held open by what serves the clipboard on
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        process.communicate(data, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        _end(process)
        return False
    return process.returncode == 0


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def told(way: Way, what: str, *, first: bool = True) -> str:
    """The line for the user; where much has to be said, only at the `first` time."""
    if way == "system":
        return f"Copied {what} to the system's clipboard."
    if way == "tmux":
        more = " (prefix ] pastes it); the terminal around it was told too, and may not take it" if first else ""
        return f"Copied {what} to tmux's buffer{more}."
    if way == "terminal":
        more = ": if it doesn't, install wl-copy, xclip or xsel, or select the text with shift held" if first else ""
        return f"Sent {what} to the terminal, which may not take it{more}."
    return (
        f"Not copied: this terminal has no clipboard, and no program for one works here (wl-copy, xclip, xsel). "
        f"In this chat ctrl+v pastes {what}."
    )


def copy(node: DOMNode, text: str, what: str) -> None:
    """Copy `text` out of a screen or widget of a `Copying` application; `what` as in `copy_text`."""
    app = node.app
    assert isinstance(app, Copying)
    app.copy_text(text, what)


class Copying(App[None]):
    """An application whose copies, also those of Textual's own widgets, go the ways above and are told of."""

    _order: asyncio.Lock | None = None
    _told_of: frozenset[Way] = frozenset()

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what is selected; called by Textual's widgets."""
        self.copy_text(text, "the selection")

    def copy_text(self, text: str, what: str) -> None:
        """Copy `text`, which is called `what` in the line for the user ("the answer"), without what a terminal would
        obey (see harmless.py). Returns at once."""
        text = printable(text)
        self._clipboard = text  # what ctrl+v pastes in this program, however the rest goes
        self.run_worker(self._copy(text, what), group="clipboard", exit_on_error=False)

    async def _copy(self, text: str, what: str) -> None:
        if self._order is None:
            self._order = asyncio.Lock()
        async with self._order:  # or the slower program would win over the later copy
            way = await asyncio.to_thread(put, text, dict(os.environ))
            if way == "terminal":
                super().copy_to_clipboard(text)
        first, self._told_of = way not in self._told_of, self._told_of | {way}
        serious = way == "nowhere"
        timeout = 2 if way == "system" else 8 if first or serious else 4
        self.notify(
            told(way, what, first=first),
            severity="warning" if serious else "information",
            timeout=timeout,
            markup=False,
        )
