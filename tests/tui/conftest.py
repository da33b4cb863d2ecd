"""A chat on a scripted engine, for Pilot tests; and pictures of a screen that is done."""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from driver import Driver, settled
from scripted import Answer, ScriptedEngine, ScriptedReader, speaker_first

from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp


@pytest.fixture(autouse=True)
def patient_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine what a key does can take longer than a person's keyboard may wait for it."""
    monkeypatch.setattr("lacie_chat.tui.keys_in_order.PATIENCE", 120.0)


@pytest.fixture
def driven() -> Callable[..., Any]:
    """`async with driven(engine, size=…) as driver`: a running chat."""

    @asynccontextmanager
    async def run(
        *engines: ScriptedEngine, size: tuple[int, int] = (80, 24), store: Store | None = None, **arguments: Any
    ) -> AsyncIterator[Driver]:
        made = list(engines or [ScriptedEngine()])
        own = store or Store.open()
        app = LacieApp(speaker_first(lambda: made.pop(0), "SmolLM2-135M-Instruct", arguments), own, **arguments)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Driver(app, pilot)
        if store is None:
            own.close()

    return run


@pytest.fixture
def danube() -> ScriptedEngine:
    """Answers three questions about a river, ever the same."""
    return ScriptedEngine(
        [Answer(["It is ", "**the Danube**."]) for _ in range(3)], ScriptedReader("the Danube", acceptance=0.88)
    )


@pytest.fixture
def snap_compare(snap_compare: Callable[..., bool]) -> Callable[..., bool]:
    """The library's, but the picture is taken when the screen is drawn and stays as it is: a widget that has just got
    another text takes its new height a little later, on a busy machine much later."""

    def compare(app: Any, *arguments: Any, run_before: Callable[..., Any] | None = None, **named: Any) -> bool:
        async def before(pilot: Any) -> None:
            found = run_before(pilot) if run_before is not None else None
            if inspect.isawaitable(found):
                await found
            await settled(pilot)

        return snap_compare(app, *arguments, run_before=before, **named)

    return compare
