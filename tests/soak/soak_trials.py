"""Trials of a soak: what one is, how each is bounded, what is counted, and the table of them.

A trial is a function of a seeded source of random numbers and of an empty folder. It says what was lost (`Lost`) or
what broke (any other exception); what it says nothing of has held. Each runs in a process that may be killed with all
that it has started, with a data folder and a Hub's cache of its own, and has so many seconds.
"""

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

Run = Callable[..., int]
"""What runs a trial, of a source of random numbers, a folder, and what it is to do if its kind has an `amount`; how
many attempts it held (kills, files, turns)."""


_LONGEST = 4000
"""Characters of what is told of a crash: where it was stands first, a screen last."""
_running: dict[multiprocessing.process.BaseProcess, Path] = {}
"""The processes of trials and their folders, which end with the soak."""


class Lost(Exception):
    """Something that the user had, or had been shown, is gone; the text says what."""


@dataclass(frozen=True)
class Kind:
    """Trials of one kind: `count` of them in a whole soak, each of `seconds` at most. `amount` is what one has to do
    (files, examples, turns), where it can do less: the only trial of its kind does a share of that. `cheap`: fit for
    the tests, with a small amount."""

    name: str
    run: Run
    count: int
    seconds: float
    amount: int = 0
    cheap: bool = False

    def share_of(self, share: float) -> int:
        """How many trials a share of a soak has: one at least."""
        return max(1, round(self.count * share))

    def amount_of(self, share: float) -> int:
        """How much a trial of such a share does."""
        return max(self.amount // 50, round(self.amount * share)) if self.count == 1 else self.amount


@dataclass
class Found:
    """What came of the trials of a kind."""

    kind: str
    wanted: int
    trials: int = 0
    attempts: int = 0
    losses: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    seconds: float = 0.0


def soak(
    kinds: Sequence[Kind],
    share: float,
    seed: int,
    *,
    at_once: int = 1,
    minutes: float = 60,
    tell: Callable[[str], object] = print,
) -> list[Found]:
    """Run a share of each kind and say what came of it, in their order; less of it where it is interrupted, or where no
    more would be done in so many minutes: the kinds take turns, so that then each has had about as much of its own."""
    found = {kind.name: Found(kind.name, kind.share_of(share)) for kind in kinds}
    todo = [(kind, number) for kind in kinds for number in range(kind.share_of(share))]
    todo.sort(key=lambda each: each[1] / each[0].share_of(share))  # those of one trial come first: they are long
    latest = time.monotonic() + minutes * 60

    def one(kind: Kind, number: int) -> None:
        began = time.monotonic()
        if began > latest:
            return
        held, lost, crash = alone(kind, f"{seed} {kind.name} {number}", kind.amount_of(share))
        if stopped.is_set():
            return
        each = found[kind.name]
        each.trials, each.attempts, each.seconds = each.trials + 1, each.attempts + held, each.seconds + (
            time.monotonic() - began
        )  # fmt: skip
        if lost:
            each.losses.append(f"trial {number}: {lost}")
            tell(f"LOST   {kind.name}, trial {number}: {lost}")
        if crash:
            each.crashes.append(f"trial {number}: {crash}")
            tell(f"CRASH  {kind.name}, trial {number}: {crash}")
        if each.trials == kind.share_of(share):
            tell(f"done   {kind.name}: {each.trials} trials, {each.attempts} attempts, {each.seconds:.0f} s")

    pool, stopped = ThreadPoolExecutor(at_once), threading.Event()
    try:
        for waiting in [pool.submit(one, *each) for each in todo]:
            waiting.result()
    except KeyboardInterrupt:  # what it has started ends with it
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        stopped.set()
        tell("stopped; this is what was done:")
        pool.shutdown(wait=False, cancel_futures=True)
        for process, folder in list(_running.items()):
            _end(process, folder)
    pool.shutdown()
    return [found[kind.name] for kind in kinds]


def alone(kind: Kind, seed: str, amount: int) -> tuple[int, str, str]:
    """One trial in a process of its own: attempts, what was lost, what broke."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    folder = Path(tempfile.mkdtemp(prefix="lacie-soak-"))
    process = context.Process(target=_in_process, args=(kind.run, seed, folder, amount, theirs))
    process.start()
    _running[process] = folder
    theirs.close()
    try:
        if not ours.poll(kind.seconds):
            return 0, "", f"not done within {kind.seconds:g} s"
        held, lost, crash = ours.recv()
        process.join(30)
        return held, lost, crash
    except EOFError:
        process.join(30)
        return 0, "", f"the trial's process died ({process.exitcode})"
    finally:
        ours.close()
        _end(process, folder)
        _running.pop(process, None)
        if os.path.ismount(folder / "data"):  # a trial that was killed could not put it away
            subprocess.run(["umount", "-l", str(folder / "data")], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _in_process(run: Run, seed: str, folder: Path, amount: int, answer: Connection) -> None:
    (folder / "work").mkdir()
    os.environ |= {
        "LACIE_DATA_DIR": str(folder / "data"),
        "LACIE_CONFIG_DIR": str(folder / "config"),
        "HF_HOME": str(folder / "hub"),
        "HF_HUB_OFFLINE": "1",
        "LACIE_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    os.chdir(folder / "work")
    held, lost, crash = 0, "", ""
    with (folder / "output").open("w") as output:  # of this process, and of all that it starts
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    try:
        held = run(random.Random(seed), folder / "work", *([amount] if amount else []))
    except Lost as error:
        lost = str(error)
    except BaseException:  # noqa: BLE001 - a trial tells what broke, whatever it is
        told = traceback.format_exc(limit=-4).strip()
        crash = told if len(told) <= _LONGEST else f"{told[: _LONGEST // 2]}\n[…]\n{told[-_LONGEST // 2 :]}"
    answer.send((held, lost, crash))


def _end(process: multiprocessing.process.BaseProcess, folder: Path) -> None:
    """The trial's process and all that it has started are gone: they know it by its data folder, wherever they hang."""
    if process.is_alive():
        process.kill()
    process.join()
    for each in psutil.process_iter(["environ"]):
        if (each.info["environ"] or {}).get("LACIE_DATA_DIR") == str(folder / "data"):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def table(found: Sequence[Found]) -> str:
    """The trials as a Markdown table."""
    rows = [("kind", "trials", "attempts", "losses", "crashes", "seconds")]
    for each in found:
        figures = (each.attempts, len(each.losses), len(each.crashes), round(each.seconds))
        rows.append((each.kind, f"{each.trials} of {each.wanted}", *map(str, figures)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
