"""The user's own editor on a text: which one it is, and what it made of the text.

`$VISUAL`, then `$EDITOR`, as other programs have it; else one that most systems have. Whatever goes wrong is an
EditorError, one line, and the text is as it was.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lacie_chat.errors import LacieError

USUAL = ("nano", "vim", "vi")
AT_ONCE = 0.3
"""Seconds in which nobody edits anything: such an editor opened a window and didn't wait for it."""


class EditorError(LacieError):
    """Why there is no edited text."""


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """The editor with its own arguments."""
    path = environment.get("PATH")
    for variable in ("VISUAL", "EDITOR"):
        if not (value := environment.get(variable, "").strip()):
            continue
        try:
            command = shlex.split(value, posix=os.name != "nt")
        except ValueError as error:
            raise EditorError(f"{variable} is {value}, which is no command: {error}") from None
        if command and shutil.which(command[0], path=path):
            return command
        raise EditorError(f"{variable} is {value}, and no such program is found; set it to an editor")
    found = next((name for name in USUAL if shutil.which(name, path=path)), None)
    if found is None:
        raise EditorError("no editor is found; set VISUAL or EDITOR to one")
    return [found]


def edited(text: str, command: Sequence[str]) -> str:
    """What the editor made of `text`; waits for its end. The terminal must be the editor's meanwhile."""
    name = Path(command[0]).name
    try:
        handle, file_name = tempfile.mkstemp(prefix="lacie-", suffix=".md")
        path = Path(file_name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            started = time.monotonic()
            with _interrupts_are_the_editors():
                status = subprocess.call([*command, str(path)])
            quick = time.monotonic() - started < AT_ONCE
            made = path.read_bytes().decode("utf-8")
        finally:
            with suppress(OSError):
                path.unlink()
    except UnicodeDecodeError:
        raise EditorError(f"{name} left something that is no text; yours is as it was") from None
    except OSError as error:
        raise EditorError(f"{name}: {error.strerror or error}; the text is as it was") from None
    if status:
        why = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
        raise EditorError(f"{name} {why}; the text is as it was")
    made = made.replace("\r\n", "\n")
    if made.endswith("\n") and not text.endswith("\n"):  # most editors end the last line
        made = made[:-1]
    if quick and made == text:
        raise EditorError(f"{name} came back at once; one with a window has to wait (code --wait, gvim -f)")
    return made


@contextmanager
def _interrupts_are_the_editors() -> Iterator[None]:
    """Ctrl+c reaches all programs of a terminal; here it means the editor. (A handler, unlike ignoring it, isn't
    inherited by a program that is started.)"""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
