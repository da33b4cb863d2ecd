"""The README's pictures, taken from the running program: `python .github/pictures.py` (a minute on the embedded model).

Each is what the chat really answers, at the seed that stands here, so a picture is of today's program or of none.
"""

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from lacie_chat.chat.tree import Turn
from lacie_chat.commands import chat
from lacie_chat.commands.settled import fill
from lacie_chat.commands.speaker import find_speaker
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.widgets.composer import Composer

HERE = Path(__file__).parent
QUESTIONS = ("Who composed the opera Carmen?", "What is the capital of Japan?", "Which river flows through Vienna?")
"""A wrong answer that hedges, a right one that sounds so, one that sounds surer than it is."""

SEED = 1


def settled(turn: Turn) -> bool:
    return turn.phase == "done" and turn.assessment is not None


async def until(condition: Callable[[], object], pilot: Pilot[None]) -> None:
    while not condition():
        await pilot.pause(0.1)
    await pilot.pause(0.5)


def compared(screen: object) -> bool:
    return isinstance(screen, CompareScreen) and all(
        settled(turn) for samples in screen.comparison.samples.values() for turn in samples
    )


async def ask(app: LacieApp, pilot: Pilot[None], question: str) -> None:
    before = app.session.tree.leaf
    app.chat.query_one(Composer).insert(question)
    await pilot.press("enter")
    await until(lambda: (leaf := app.session.tree.leaf) is not before and leaf is not None and settled(leaf), pilot)


async def take(args: argparse.Namespace) -> None:
    speaker = find_speaker(args)
    with Store.in_memory() as store:
        app = chat.app_of(args, speaker, store, seed=lambda: SEED)
        async with app.run_test(size=(100, 30)) as pilot:
            for question in QUESTIONS:
                await ask(app, pilot, question)
            app.save_screenshot("chat.svg", str(HERE))
    with Store.in_memory() as store:
        app = chat.app_of(args, speaker, store, seed=lambda: SEED)
        async with app.run_test(size=(140, 26)) as pilot:
            await ask(app, pilot, QUESTIONS[0])
            await pilot.press("f2")
            await until(lambda: compared(app.screen), pilot)
            app.save_screenshot("compare.svg", str(HERE))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    chat.add_arguments(parser)
    options = parser.parse_args()
    fill(options)
    asyncio.run(take(options))
