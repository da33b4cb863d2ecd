"""How thoughts look, in narrow, usual and wide terminals. `pytest --snapshot-update` after an intended change."""

from collections.abc import Callable
from typing import Any

import pytest
from piloted import still
from piloted import store as store
from scripted import Answer, ScriptedEngine, ScriptedReader
from states import NAME
from textual.pilot import Pilot
from two_sided import TwoSided

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.widgets.composer import Composer

THOUGHT = [
    "The user wants to know which river flows through Vienna. ",
    "I think that is the Danube, but let me check the others first.\n\n",
    "- The Rhine flows through Basel and Cologne.\n- The Wien is a small river, and gives the city its name.\n\n",
    "So the big one is **the Danube**. I am sure of that.",
]
ANSWER = "It is certainly **the Danube**, which rises in the Black Forest."


@pytest.fixture(params=["40x20-dark", "80x24-dark", "160x50-light"])
def look(request: pytest.FixtureRequest, snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    size, theme = request.param.split("-")
    width, height = map(int, size.split("x"))

    def compare(app: LacieApp, act: Callable[[Pilot[None]], Any]) -> None:
        app.state.theme = f"textual-{theme}"

        async def before(pilot: Pilot[None]) -> None:
            await still(pilot)
            await act(pilot)
            await pilot.pause(0.1)

        assert snap_compare(app, terminal_size=(width, height), run_before=before)

    return compare


def app_of(pilot: Pilot[None]) -> LacieApp:
    assert isinstance(pilot.app, LacieApp)
    return pilot.app


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    while not condition():
        await pilot.pause(0.02)
    await pilot.pause(0.1)


async def ask(pilot: Pilot[None], phase: str) -> Turn:
    """Send a question, and wait until its answer is in this phase."""
    app = app_of(pilot)
    app.chat.query_one(Composer).insert("Which river flows through Vienna?")
    await pilot.press("enter")
    await until(pilot, lambda: app.session.tree.leaf is not None and app.session.tree.leaf.phase == phase)
    assert app.session.tree.leaf is not None
    return app.session.tree.leaf


def for_12_seconds(turn: Turn) -> None:
    """Let a thought that is held have taken so long, on every machine."""
    assert turn.thinks_since is not None
    turn.thought_until = turn.thinks_since + 12


def chat(store: Store, answer: Answer) -> tuple[LacieApp, ScriptedEngine]:
    engine = ScriptedEngine([answer], ScriptedReader("the Danube", 0.88), thinks=True)
    return LacieApp(ChatSpeaker(lambda: engine, NAME), store, seed=lambda: 1234), engine


@pytest.mark.parametrize("opened", [False, True])
def test_thinking(look, store, opened: bool) -> None:
    app, engine = chat(store, Answer([ANSWER], thought=THOUGHT, hold_thought_after=3))

    async def act(pilot: Pilot[None]) -> None:
        turn = await ask(pilot, "thinking")
        await until(pilot, engine.held.is_set)
        for_12_seconds(turn)
        if opened:
            await pilot.press("ctrl+@")
        view = app.chat.transcript.answer_view(turn)
        assert view is not None
        view.show()

    look(app, act)


def test_an_answer_and_what_was_thought_before_it(look, store) -> None:
    app, _ = chat(store, Answer([ANSWER], thought=THOUGHT))

    async def act(pilot: Pilot[None]) -> None:
        await ask(pilot, "done")
        if app.size.width > 40:
            await pilot.press("ctrl+@")

    look(app, act)


def test_a_thought_without_an_answer(look, store) -> None:
    app, _ = chat(store, Answer([], thought=THOUGHT, reason="length"))

    async def act(pilot: Pilot[None]) -> None:
        await ask(pilot, "done")
        await pilot.press("ctrl+t", "tab", "alt+t")
        await pilot.pause(0.1)
        app.clear_notifications()

    look(app, act)


@pytest.mark.parametrize("done", [False, True])
def test_two_sides(look, store, done: bool) -> None:
    left = Answer([ANSWER], thought=THOUGHT, hold_thought_after=4)
    right = Answer(["I think it is the Danube."], thought=THOUGHT[:2], hold_thought_after=2)
    engine = TwoSided([left], [Answer(["First."]), right])
    app = LacieApp(ChatSpeaker(lambda: engine, NAME, "SmolLM2-LACIE-LoRA"), store, seed=lambda: 1234)

    async def act(pilot: Pilot[None]) -> None:
        await ask(pilot, "done")
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: all(side.held.is_set() for side in engine.sides.values()))
        assert isinstance(app.screen, CompareScreen)
        turns = [samples[0] for samples in app.screen.comparison.samples.values()]
        for turn in turns:
            for_12_seconds(turn)
        await pilot.press("o")
        if done:
            await pilot.press("escape")
            await until(pilot, lambda: all(turn.assessment for turn in turns))
        await pilot.pause(0.6)  # the lines are drawn anew

    look(app, act)
