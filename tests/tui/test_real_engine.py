"""The chat on the embedded model, with the engine in its own process: ask, stop, kill, go on."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driver import Driver

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings, Sampling
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.widgets.composer import Composer

LONG = "Explain in detail how a steam engine works, step by step."
"""A question that this model answers with hundreds of tokens."""


@pytest.fixture
def real(embedded_model: Path) -> tuple[Callable[[], EngineProcess], list[EngineProcess]]:
    made: list[EngineProcess] = []

    def make() -> EngineProcess:
        made.append(EngineProcess(EngineSettings(embedded_model, n_ctx=2048, threads=1)))
        return made[-1]

    return make, made


async def send(driver: Driver, text: str) -> Any:
    before = driver.session.tree.leaf
    driver.chat.query_one(Composer).insert(text)
    await driver.pilot.press("enter")
    await driver.until(lambda: driver.session.tree.leaf is not before)
    return driver.session.tree.leaf


async def test_ask_stop_kill_and_go_on(real) -> None:
    make, made = real
    with Store.open() as store:
        app = LacieApp(ChatSpeaker(make, "SmolLM2-135M-Instruct"), store, seed=lambda: 1)
        app.session.sampling = Sampling(max_tokens=4000)  # no end before the key is pressed, however busy the machine
        async with app.run_test(size=(100, 40)) as pilot:
            driver = Driver(app, pilot)

            # A question asked before the model is there is answered, streamed and assessed.
            answer = await send(driver, "Which river flows through Vienna? One sentence.")
            await driver.until(lambda: answer.text, 60)
            await driver.until(lambda: answer.phase == "done" and (answer.assessment or answer.problem), 60)
            assert answer.status == "complete"
            assert answer.assessment is not None, answer.problem
            assert answer.assessment.response == answer.text
            assert answer.usage["completion_tokens"] > 1
            line = " · how often right?" if answer.assessment.answer_span else "· no"
            assert line in driver.text() or "declines" in driver.text()

            # Escape stops a long answer and keeps what is there.
            answer = await send(driver, LONG)
            await driver.until(lambda: len(answer.text) > 40, 60)
            for _ in range(10):  # as a person does: a key that came too early is pressed again
                await pilot.press("escape")
                await pilot.pause(1)
                if answer.status == "cancelled":
                    break
            assert answer.status == "cancelled"
            assert answer.text
            await driver.until(lambda: "■ cut off by you" in driver.text(), 30)

            # The engine's process is killed in mid-answer: the text stays, a new engine answers the next question.
            answer = await send(driver, LONG)
            await driver.until(lambda: len(answer.text) > 40, 60)
            pid = made[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await driver.until(lambda: answer.status == "cut_off", 10)
            kept = answer.text
            assert len(kept) > 40
            await driver.until(lambda: "cut off: the engine stopped" in driver.text(), 10)
            following = await send(driver, "Are you there?")
            await driver.until(lambda: following.phase == "done" and not driver.session.busy, 90)
            assert following.status == "complete"
            assert following.text
            assert [engine.pid for engine in made][1] != pid
            assert len(made) == 2

        conversation = store.list_conversations()[0]
        statuses = [message.status for message in store.thread(conversation.leaf_id) if message.role == "assistant"]
        assert statuses == ["complete", "cancelled", "cut_off", "complete"]
        assert kept in [message.text for message in store.thread(conversation.leaf_id)]
    for engine in made:
        assert engine.pid is None or not Path(f"/proc/{engine.pid}").exists(), "no process is left behind"


async def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\0" * 100)
    with Store.open() as store:
        app = LacieApp(ChatSpeaker(lambda: EngineProcess(EngineSettings(bad)), "bad"), store)
        async with app.run_test(size=(100, 30)) as pilot:
            driver = Driver(app, pilot)
            await driver.until(lambda: app.session.load_error, 60)
            assert "bad.gguf" in app.session.load_error
            await driver.until(lambda: "✗ " in driver.text())
            answer = await send(driver, "Anyone?")
            await driver.until(lambda: answer.status == "failed", 60)
            assert "bad.gguf" in answer.problem
