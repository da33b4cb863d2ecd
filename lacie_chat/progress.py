"""How far something long is: a live bar on a terminal, a line now and then in a plain log. For all commands.

`progress` counts units, with rate and time left; `step` is for what only has a share that is done, and says how long it
took; `DownloadLine` is a single line for a fraction with a text of its own.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lacie_chat import streams
from lacie_chat.console import make_console
from lacie_chat.loudness import is_quiet, note, shows_progress
from lacie_chat.printable import printable

LOG_EVERY = 15.0
"""Seconds between two lines of a plain log."""

Show = Callable[[int], None]
"""Called with how much of the total is done."""


class Advance(Protocol):
    """Called with the number of units just done, and a short remark to show."""

    def __call__(self, done: int, remark: str = "") -> None: ...


@contextmanager
def progress(stage: str, total: int, unit: str, *, already: int = 0) -> Iterator[Advance]:
    """Show `stage` going from `already` to `total` units. Rate and time left count only what this process did."""
    started, count, due = time.monotonic(), 0, _now_and_then()
    with _bar(stage, total, MofNCompleteColumn(), TextColumn(unit), already=already) as update:
        if update is None:
            note(f"{stage}: {already} of {total} {unit} done before")

        def advance(done: int, remark: str = "") -> None:
            nonlocal count
            count += done
            rate = count / max(time.monotonic() - started, 1e-6)
            if update is not None:
                update(already + count, f"{rate:.2f} {unit}/s {remark}")
            elif due() or already + count >= total:
                left = duration((total - already - count) / rate) if rate > 0 else "?"
                line = f"{stage}: {already + count} of {total} {unit}, {rate:.2f} {unit}/s, {left} left"
                note(f"{line}; {remark}" if remark else line)

        yield advance


@contextmanager
def step(title: str, total: int) -> Iterator[Show]:
    """Show `title` going from 0 to `total`, bytes or a count; says how long it took when it is over."""
    started, due = time.monotonic(), _now_and_then()
    with _bar(title, total, TaskProgressColumn(), transient=True) as update:
        if update is None:
            note(f"{title} …")

        def show(done: int) -> None:
            if update is not None:
                update(min(done, total), "")
            elif due():
                note(f"{title}: {min(1.0, done / max(total, 1)):.0%}")

        yield show
    note(f"{title}: done in {time.monotonic() - started:.1f} s")


@contextmanager
def _bar(
    title: str, total: int, *how_far: ProgressColumn, already: int = 0, transient: bool = False
) -> Iterator[Callable[[int, str], None] | None]:
    """A bar on the terminal, to be called with what is done and a note; None where standard error can't draw one, or
    isn't to."""
    if not shows_progress():
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *how_far,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=make_console(stderr=True), transient=transient) as bar, streams.guarded():
        task = bar.add_task(title, total=total, completed=already, note="")
        yield lambda done, note: bar.update(task, completed=done, note=note)


def _now_and_then() -> Callable[[], bool]:
    """Whether a plain log is due a line: once in LOG_EVERY seconds."""
    last = time.monotonic()

    def due() -> bool:
        nonlocal last
        now = time.monotonic()
        if now - last < LOG_EVERY:
            return False
        last = now
        return True

    return due


def duration(seconds: float) -> str:
    """`1:02:03`, `2:03` or `4 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


class DownloadLine:
    """One line of download progress on standard error, redrawn on a terminal, sparse in a log."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, fraction: float, text: str) -> None:
        step = int(fraction * (1000 if shows_progress() else 10))
        if step == self._shown or is_quiet():
            return
        self._shown = step
        if shows_progress():
            streams.draw(f"\r\x1b[K{printable(text)}  {fraction:6.1%}", sys.stderr)
        else:
            note(f"{text}  {fraction:.0%}")

    def close(self) -> None:
        if self._shown >= 0 and shows_progress():
            print(file=sys.stderr)
