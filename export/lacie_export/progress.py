"""How far a long step is: a bar on a terminal, a line now and then in a log. Units are bytes or counts."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LOG_EVERY = 15.0
"""Seconds between two lines of a plain log."""


class Show(Protocol):
    """Called with how much of the total is done."""

    def __call__(self, done: int) -> None: ...


@contextmanager
def step(title: str, total: int) -> Iterator[Show]:
    """Show `title` going from 0 to `total`; says how long it took when it is over."""
    started = time.monotonic()
    if sys.stderr.isatty():
        yield from _bar(title, total)
    else:
        yield from _lines(title, total)
    print(f"{title}: done in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def _bar(title: str, total: int) -> Iterator[Show]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)

        def show(done: int) -> None:
            bar.update(task, completed=min(done, total))

        yield show


def _lines(title: str, total: int) -> Iterator[Show]:
    last = time.monotonic()
    print(f"{title} …", file=sys.stderr, flush=True)

    def show(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LOG_EVERY:
            last = now
            print(f"{title}: {min(1.0, done / max(total, 1)):.0%}", file=sys.stderr, flush=True)

    yield show
