"""Long runs through the real interface, on a scripted engine: memory, descriptors, threads and processes stay flat.

What is counted begins after a while, when all that is made once is made. A turn itself is kept (its text, its figures),
so memory may grow by what a turn holds; what is looked for is what a turn leaves behind besides.
"""

import asyncio
import gc
import random
from pathlib import Path
from typing import NamedTuple

import psutil
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader, speaker_first
from soak_trials import Kind, Lost

from lacie_chat.conversations import Store
from lacie_chat.tui import keys_in_order
from lacie_chat.tui.app import LacieApp

_MOST_GROWTH = 0.10
"""Of the memory, beyond what the turns themselves hold: from the first count to the last."""
_OF_A_TURN = 12_000
"""Bytes that a question and its answer hold: two texts, an assessment, the sampling, and their place in the tree."""
_AT_LEAST = 8 << 20
"""Bytes that a heap goes up and down by in any case."""
_SETTLED = 100
"""Turns after which all that is made once is made."""


class Seen(NamedTuple):
    """What the process has at a moment."""

    turns: int
    bytes: int
    descriptors: int
    threads: int
    children: int

    @classmethod
    def now(cls, turns: int) -> "Seen":
        gc.collect()
        own = psutil.Process()
        children = len(own.children(recursive=True))
        return cls(turns, own.memory_info().rss, own.num_fds(), own.num_threads(), children)


def check_flat(seen: list[Seen]) -> None:
    """Raises Lost if anything grew."""
    first, last = seen[0], seen[-1]
    turns = last.turns - first.turns
    allowed = first.bytes * _MOST_GROWTH + turns * _OF_A_TURN + _AT_LEAST
    if first.turns >= _SETTLED and last.bytes - first.bytes > allowed:
        raise Lost(f"memory grew from {first.bytes >> 20} to {last.bytes >> 20} MiB in {turns} turns: {seen}")
    for what, least in (("descriptors", 6), ("threads", 6), ("children", 1)):
        if getattr(last, what) > getattr(first, what) + least:
            raise Lost(f"{what} grew from {getattr(first, what)} to {getattr(last, what)} in {turns} turns")


def _engine(turns: int) -> ScriptedEngine:
    answers = [Answer(["It is ", "**the Danube**, ", f"said {number} times."]) for number in range(turns)]
    return ScriptedEngine(answers, ScriptedReader("the Danube", acceptance=0.88))


async def _run(turns: int, marks: set[int], *, new_each: bool) -> list[Seen]:
    keys_in_order.PATIENCE = 120.0
    engine, seen = _engine(turns), list[Seen]()
    with Store.open() as store:
        app = LacieApp(speaker_first(lambda: engine, "SmolLM2-135M-Instruct", {}), store)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            driver = Driver(app, pilot)
            for turn in range(1, turns + 1):
                if new_each and turn > 1:
                    await pilot.press("ctrl+n")
                    await driver.until(lambda: driver.session.tree.leaf is None)
                asked = await driver.ask(f"Question {turn}?")
                if not asked.text.endswith(f"said {turn - 1} times."):
                    raise Lost(f"turn {turn} has another answer: {asked.text!r}")
                engine.prompts.clear()
                driver.told.clear()
                if turn in marks:
                    seen.append(Seen.now(turn))
        kept = sum(each.messages for each in store.list_conversations(turns + 1))
    if kept != 2 * turns:
        raise Lost(f"{kept} messages are stored of {2 * turns}")
    return seen


def _flat(turns: int, *, new_each: bool) -> int:
    marks = {turns // 5, 2 * turns // 5, 3 * turns // 5, 4 * turns // 5, turns}
    seen = asyncio.run(_run(turns, marks, new_each=new_each))
    print(*seen, sep="\n")
    check_flat(seen)
    return turns


def long_conversation(draw: random.Random, folder: Path, turns: int) -> int:
    return _flat(turns, new_each=False)


def many_conversations(draw: random.Random, folder: Path, turns: int) -> int:
    return _flat(turns, new_each=True)


KINDS = [
    Kind("2,000 turns in one conversation", long_conversation, 1, 3300, amount=2000),
    Kind("500 conversations", many_conversations, 1, 1800, amount=500),
]
