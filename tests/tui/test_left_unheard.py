"""Leaving while the listener is at work: the status line says that it is, and nothing of it is lost."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.confidence.listener import Listener
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings, Sampling
from lacie_chat.tui.app import LacieApp


class Waiting(ScriptedReader):
    """Hears nothing before `gate` is set."""

    gate: Event

    def _check(self) -> None:
        assert self.gate.wait(60)


def waiting() -> Waiting:
    reader = Waiting("the Danube")
    reader.gate = Event()
    return reader


async def send(driver: Driver, text: str) -> Any:
    await driver.type(text)
    await driver.pilot.press("enter")
    await driver.until(lambda: driver.session.tree.leaf is not None and driver.session.tree.leaf.question == text)
    return driver.session.tree.leaf


async def test_listening_is_said_until_all_is_heard(driven) -> None:
    reader = waiting()
    engine = ScriptedEngine([Answer(["It is the Danube."]) for _ in range(2)], reader)
    async with driven(engine) as driver:
        first = await send(driver, "Which river?")
        await driver.until(lambda: "Listening…" in driver.text())
        await driver.pilot.press("f6")
        assert driver.told[-1] == "Not yet: it is being listened to."
        await send(driver, "And now?")
        await driver.until(lambda: "Listening to 2 answers…" in driver.text())
        await driver.pilot.press("ctrl+n")  # it goes on, also out of sight
        await driver.until(lambda: "Which river?" not in driver.text())
        assert "Listening to 2 answers…" in driver.text()
        reader.gate.set()
        await driver.until(lambda: "Ready" in driver.text())
        assert first.assessment is not None


async def test_quitting_meanwhile_and_coming_back(driven) -> None:
    reader = waiting()
    with Store.open() as store:
        async with driven(ScriptedEngine([Answer(["It is the Danube."])], reader), store=store) as driver:
            turn = await send(driver, "Which river?")
            await driver.until(lambda: "Listening…" in driver.text())
            await driver.pilot.press("ctrl+q")
        reader.gate.set()
        assert store.message(turn.stored_id).assessment is None
        made = str(driver.session.tree.conversation_id)
        other = waiting()
        async with driven(ScriptedEngine(reader=other), store=store, resume=made) as driver:
            turn = driver.session.tree.leaf
            await driver.until(lambda: "Listening…" in driver.text() and "∿ listening…" in driver.text())
            other.gate.set()
            await driver.until(lambda: "▰▰▰▰" in driver.text() and "Ready" in driver.text())
            await driver.pilot.press("f6")
            await driver.until(lambda: "✓ marked right" in driver.text())
        assert store.message(turn.stored_id).correct is True


class Deaf(EngineProcess):
    """The real engine, which begins to listen only once `gate` is set."""

    gate: Event

    @property
    def listener(self) -> Listener:
        self.gate.wait(120)
        return super().listener


async def test_quitting_meanwhile_and_coming_back_with_a_real_model(embedded_model: Path) -> None:
    def engine(gate: Event) -> Callable[[], EngineProcess]:
        def make() -> EngineProcess:
            made = Deaf(EngineSettings(embedded_model, n_ctx=1024, threads=1))
            made.gate = gate
            return made

        return make

    never, at_once = Event(), Event()
    at_once.set()
    name = "SmolLM2-135M-Instruct"
    with Store.open() as store:
        app = LacieApp(ChatSpeaker(engine(never), name), store, seed=lambda: 1)
        app.session.sampling = Sampling(max_tokens=24)
        async with app.run_test(size=(100, 40)) as pilot:
            driver = Driver(app, pilot)
            turn = await send(driver, "Which river flows through Vienna?")
            await driver.until(lambda: "Listening…" in driver.text())
        await asyncio.to_thread(never.set)
        assert turn.text and store.message(turn.stored_id).assessment is None
        app = LacieApp(ChatSpeaker(engine(at_once), name), store, resume=str(app.session.tree.conversation_id))
        async with app.run_test(size=(100, 40)) as pilot:
            driver = Driver(app, pilot)
            again = app.session.tree.leaf
            assert again is not None
            await driver.until(lambda: again.assessment is not None and "Ready" in driver.text())
            assert again.assessment.response == turn.text
        kept = store.message(turn.stored_id).assessment
        assert kept is not None and kept["acceptance"] == again.assessment.acceptance
