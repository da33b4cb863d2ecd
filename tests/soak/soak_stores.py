"""A chat whose store stops taking what is said, at a random moment and for a while: all of it is there afterwards.

A full disk and a read-only one are a small file system of their own where this may be mounted (as root on Linux); else
the disk is full by the kernel's limit on a file's size, and nothing becomes read-only.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from soak_chats import ASKED, begin, chat, check, goes_on, shown, words
from soak_trials import Kind, Lost
from terminal import Terminal, ask

from lacie_chat import paths
from lacie_chat.conversations import Store

_SIZE = 2 << 20
_FILLER = "filler"


def _mount(*options: str) -> bool:
    tool = shutil.which("mount")
    if tool is None or not sys.platform.startswith("linux") or os.geteuid():
        return False
    return subprocess.run([tool, *options], capture_output=True, check=False).returncode == 0


@contextmanager
def own_disk() -> Iterator[bool]:
    """The data folder is a disk of two megabytes; False where none can be had."""
    folder = paths.database_path().parent
    folder.mkdir(parents=True, exist_ok=True)
    mounted = _mount("-t", "tmpfs", "-o", f"size={_SIZE},mode=0700", "soak", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def _fill(terminal: Terminal, mounted: bool) -> None:
    if mounted:
        with suppress(OSError), (paths.database_path().parent / _FILLER).open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
    else:
        _limit(terminal, paths.database_path().stat().st_size)


def _free(terminal: Terminal, mounted: bool) -> None:
    if mounted:
        (paths.database_path().parent / _FILLER).unlink()
    else:
        _limit(terminal, -1)


def _limit(terminal: Terminal, size: int) -> None:
    import resource

    resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (size, -1))


def _more(draw: random.Random, terminal: Terminal) -> None:
    """Another question, and a while, before the store takes again what is said."""
    terminal.wait_for(lambda screen: "Answering" not in screen and "Reading" not in screen, 120)
    if draw.random() < 0.6:
        ask(terminal, draw.choice(ASKED))
    end = time.monotonic() + draw.uniform(0.5, 4)
    while time.monotonic() < end:
        terminal.screen()
        time.sleep(0.05)


def _all_saved(terminal: Terminal) -> None:
    """The chat has said that all is saved (it tries every few seconds), and it is."""
    terminal.wait_for(lambda screen: "not saved" not in screen, 180)
    goes_on(terminal)


def disk_full(draw: random.Random, folder: Path) -> int:
    with own_disk() as mounted, chat() as terminal:
        begin(draw, terminal)
        _fill(terminal, mounted)
        _more(draw, terminal)
        _free(terminal, mounted)
        _all_saved(terminal)
    return 1


def read_only(draw: random.Random, folder: Path) -> int:
    """It was so from the start, for one that is open for writing does not become so: a copy is offered at the end."""
    with own_disk() as mounted:
        if not mounted:
            return 0
        Store.open().close()
        assert _mount("-o", "remount,ro", str(paths.database_path().parent))
        with chat() as terminal:
            question = begin(draw, terminal)
            terminal.wait_for(lambda screen: "Ready" in screen, 180)
            (said,) = [said for asked, said in shown(terminal.screen()) if asked == question]
            terminal.type("\x11")  # ctrl+q
            terminal.wait_for("Write a copy, then leave", 120)
            terminal.type("\x1b[B\r")
            terminal.wait_for("enter keeps it", 120)  # where it goes: the folder at hand
            terminal.type("\r")
            terminal.wait_for_end(120)
        copies = [words(path.read_text()) for path in folder.rglob("*") if path.is_file()]
        if not any(" ".join(said[:-1]) in " ".join(each) for each in copies):
            raise Lost(f"no copy holds {' '.join(said)!r}; there are {len(copies)}")
    return 1


def locked(draw: random.Random, folder: Path) -> int:
    with chat() as terminal:
        begin(draw, terminal)
        other = sqlite3.connect(paths.database_path(), isolation_level=None, timeout=60)
        other.execute("BEGIN IMMEDIATE")
        try:
            _more(draw, terminal)
        finally:
            other.execute("ROLLBACK")
            other.close()
        _all_saved(terminal)
    return 1


def newer(draw: random.Random, folder: Path) -> int:
    """A newer program has migrated the database, and an older one puts it back."""
    with chat() as terminal:
        begin(draw, terminal)
        before = _version()
        _version(99)
        try:
            _more(draw, terminal)
        finally:
            _version(before)
        _all_saved(terminal)
    return 1


def _version(new: int | None = None) -> int:
    with sqlite3.connect(paths.database_path(), isolation_level=None, timeout=60) as connection:
        if new is not None:
            connection.execute(f"PRAGMA user_version = {new}")
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def locked_and_killed(draw: random.Random, folder: Path) -> int:
    """What the store had taken before it was locked is there after a kill."""
    with chat() as terminal:
        begin(draw, terminal)
        terminal.wait_for(lambda screen: "Ready" in screen, 180)
        screen = terminal.screen()
        other = sqlite3.connect(paths.database_path(), isolation_level=None, timeout=60)
        other.execute("BEGIN IMMEDIATE")
        ask(terminal, draw.choice(ASKED))
        time.sleep(draw.uniform(0, 2))
        terminal.kill()
        other.execute("ROLLBACK")
        other.close()
        check(screen)
    return 1


KINDS = [
    Kind("store: disk full", disk_full, 10, 300),
    Kind("store: read-only", read_only, 4, 300),
    Kind("store: locked", locked, 8, 300),
    Kind("store: of a newer version", newer, 5, 300),
    Kind("store: locked, chat killed", locked_and_killed, 5, 300),
]
