"""How far a stage is: a live bar on a terminal, a line now and then in a plain log; both with rate and time left."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LOG_EVERY = 15.0
"""Seconds between two lines of a plain log."""


class Advance(Protocol):
    """Called with the number of units just done, and a short remark to show."""

    def __call__(self, done: int, remark: str = "") -> None: ...


@contextmanager
def progress(stage: str, total: int, unit: str, *, already: int = 0) -> Iterator[Advance]:
    """Show `stage` going from `already` to `total` units. Rate and time left count only what this process did."""
    if sys.stderr.isatty():
        yield from _bar(stage, total, unit, already)
    else:
        yield from _lines(stage, total, unit, already)


def _bar(stage: str, total: int, unit: str, already: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]} {task.fields[remark]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(stage, total=total, completed=already, rate="", remark="")
        started, count = time.monotonic(), 0

        def advance(done: int, remark: str = "") -> None:
            nonlocal count
            count += done
            rate = count / max(time.monotonic() - started, 1e-6)
            bar.update(task, advance=done, rate=f"{rate:.2f} {unit}/s", remark=remark)

        yield advance


def _lines(stage: str, total: int, unit: str, already: int) -> Iterator[Advance]:
    started = last = time.monotonic()
    count = 0
    print(f"{stage}: {already} of {total} {unit} done before", file=sys.stderr, flush=True)

    def advance(done: int, remark: str = "") -> None:
        nonlocal count, last
        count += done
        now = time.monotonic()
        if now - last < LOG_EVERY and already + count < total:
            return
        last = now
        rate = count / max(now - started, 1e-6)
        left = duration((total - already - count) / rate) if rate > 0 else "?"
        line = f"{stage}: {already + count} of {total} {unit}, {rate:.2f} {unit}/s, {left} left"
        print(f"{line}; {remark}" if remark else line, file=sys.stderr, flush=True)

    yield advance


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
        step = int(fraction * (1000 if sys.stderr.isatty() else 10))
        if step == self._shown:
            return
        self._shown = step
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}  {fraction:6.1%}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{text}  {fraction:.0%}", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._shown >= 0 and sys.stderr.isatty():
            print(file=sys.stderr)
