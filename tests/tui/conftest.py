"""A chat on a scripted engine, for Pilot tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp


@pytest.fixture
def driven() -> Callable[..., Any]:
    """`async with driven(engine, size=…) as driver`: a running chat."""

    @asynccontextmanager
    async def run(
        *engines: ScriptedEngine, size: tuple[int, int] = (80, 24), store: Store | None = None, **arguments: Any
    ) -> AsyncIterator[Driver]:
        made = list(engines or [ScriptedEngine()])
        own = store or Store.open()
        app = LacieApp(lambda: made.pop(0), own, "SmolLM2-135M-Instruct", **arguments)
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
