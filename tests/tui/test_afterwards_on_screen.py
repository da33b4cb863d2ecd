"""Sentences and samples on the screen: read and drawn when they are wanted, and shown where people look."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from driver import Driver
from scripted import Answer, ByWording, ScriptedEngine

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.interface_state import read_state, state_path
from lacie_chat.tui.widgets.details import Details, where_it_turns

LONG = "It is certainly **the Danube**. Perhaps it is the longest river of Europe, I think. It ends in the Black Sea."


def engine(*texts: str, sample_gate: Event | None = None) -> ScriptedEngine:
    return ScriptedEngine([Answer([text]) for text in texts], ByWording("the Danube"), sample_gate=sample_gate)


async def test_sentences_are_read_when_the_details_are_opened_and_not_before(driven) -> None:
    scripted = engine(LONG, LONG)
    with Store.open() as store:
        async with driven(scripted, size=(120, 40), store=store) as driver:
            first = await driver.ask("Which river?")
            assert first.assessment.sentences is None
            assert len(scripted.scripted_reader.asked) == 2, "the listener's own two readings"
            await driver.pilot.press("ctrl+t")
            await driver.until(lambda: first.assessment.sentences is not None)
            text = driver.chat.query_one(Details).query_one("#details-text").content.plain
            assert "It turns unsure in sentence 2 of 3." in text
            assert " 2 ▰▱▱ 0.22 Perhaps it is" in text
            assert " 1 ▰▰▱ 0.89 It is certainly the" in text
            assert store.message(first.stored_id).assessment["sentences"][1]["acceptance"] == pytest.approx(0.2 / 0.9)
            second = await driver.ask("And now, with the panel open?")
            await driver.until(lambda: second.assessment.sentences is not None)


async def test_sentences_of_an_old_conversation_are_read_once(driven) -> None:
    with Store.open() as store:
        async with driven(engine(LONG), store=store) as driver:
            await driver.ask("Which river?")
        old = store.list_conversations()[0].id
        scripted = engine()
        async with driven(scripted, store=store, resume=old) as driver:
            turn = driver.session.tree.leaf
            assert turn.assessment.sentences is None
            for _ in range(3):
                await driver.pilot.press("ctrl+t")
            await driver.until(lambda: turn.assessment.sentences is not None)
            assert sum("Perhaps it is" in asked for asked in scripted.scripted_reader.asked) == 1
            assert [each.text for each in turn.assessment.sentences][2] == "It ends in the Black Sea."


async def test_what_another_listener_heard_is_marked_and_its_sentences_are_left(driven) -> None:
    with Store.open() as store:
        async with driven(engine(LONG), store=store) as driver:
            first = await driver.ask("Which river?")
            assert "heard by another listener" not in driver.text()
        old = store.list_conversations()[0].id
        scripted = engine("It is the Rhine.")
        scripted.version = "prompt-3.2-0123abcd.2"
        async with driven(
            scripted, size=(120, 40), store=store, resume=old, assessment_version=scripted.version
        ) as driver:
            (turn,) = (turn for turn in driver.session.tree.path() if turn.role == "assistant")
            assert turn.heard_otherwise and turn.assessment.sentences is None
            await driver.until(lambda: "heard by another listener" in driver.text())
            await driver.pilot.press("ctrl+t")
            text = driver.chat.query_one(Details).query_one("#details-text").content.plain
            assert "Not read: another listener heard this answer." in text
            following = await driver.ask("And which other one?")
            assert not following.heard_otherwise
            assert following.assessment.assessment_version == scripted.version
            assert not any("Perhaps it is" in asked for asked in scripted.scripted_reader.asked)
            kept = store.message(first.stored_id).assessment
            assert kept["assessment_version"] == first.assessment.assessment_version
            assert "sentences" not in kept


async def test_the_line_shows_it_and_a_key_switches_it(driven) -> None:
    gate = Event()
    scripted = engine(LONG, LONG, sample_gate=gate)
    async with driven(scripted, size=(100, 30)) as driver:
        await driver.pilot.press("f4")
        assert (driver.session.agreement, read_state().agreement) == (5, 5)
        turn = await driver.ask("Which river?")
        await driver.until(lambda: "drawing samples…" in driver.text())
        gate.set()
        await driver.until(lambda: turn.assessment.agreement is not None)
        await driver.until(lambda: "5 of 5 samples agree" in driver.text())
        await driver.pilot.press("f4")
        assert (driver.session.agreement, read_state().agreement) == (0, 0)
    async with driven(engine(), agreement=2) as driver:
        assert driver.session.agreement == 2


@pytest.mark.parametrize(("kept", "read"), [(5, 5), (0, 0), (21, 0), (-1, 0), (True, 0), ("5", 0), (2.5, 0)])
def test_the_preference_is_a_number_of_samples_or_nothing(kept: object, read: int) -> None:
    state_path().parent.mkdir(parents=True, exist_ok=True)
    state_path().write_text(json.dumps({"agreement": kept}))
    assert read_state().agreement == read


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.9, 0.8], "It sounds unsure in none of them."),
        ([0.2, 0.3], "It sounds unsure in all of them."),
        ([0.2, 0.9, 0.3], "It sounds unsure in 2 of 3, from the first on."),
        ([0.9, 0.9, 0.3], "It turns unsure in sentence 3 of 3."),
        ([0.9, 0.3, None], "It turns unsure in sentence 2 of 2. The last one of 3 was not read."),
        ([0.9, 0.8, None, None], "It sounds unsure in none of them. The last 2 of 4 were not read."),
    ],
)
def test_where_it_turns(values: list[float | None], text: str) -> None:
    from lacie_chat.confidence import SentenceAcceptance

    assert where_it_turns([SentenceAcceptance("x", 0, 1, value) for value in values]) == text


async def test_on_the_embedded_model(embedded_model: Path) -> None:
    make: Callable[[], EngineProcess] = lambda: EngineProcess(EngineSettings(embedded_model, n_ctx=2048))  # noqa: E731
    with Store.open() as store:
        app = LacieApp(ChatSpeaker(make, "SmolLM2-135M-Instruct"), store, agreement=20, seed=lambda: 1)
        app.session.sampling = type(app.session.sampling)(max_tokens=60, temperature=0)
        async with app.run_test(size=(120, 40)) as pilot:
            driver = Driver(app, pilot)
            await pilot.press("ctrl+t")
            first = app.session.send("Who wrote Pride and Prejudice? Tell me a bit about the book.")
            await driver.until(lambda: first.drawing, 60)
            second = app.session.send("What is the capital of Japan?")
            app.session.agreement = 1
            await driver.until(lambda: second.assessment is not None, 60)
            assert first.drawing and first.assessment.agreement is None, "twenty samples don't come before a question"
            app.session.read_sentences(first)
            await driver.until(lambda: first.assessment.sentences is not None, 30)
            assert len(first.assessment.sentences) > 1
            assert all(0 <= each.acceptance <= 1 for each in first.assessment.sentences)
            await driver.until(lambda: second.assessment.agreement is not None, 60)
            assert second.assessment.agreement.k == 1
            assert store.message(second.stored_id).assessment["agreement"]["k"] == 1
