"""What comes after an answer: sentences when they are looked at, samples where they are wanted; questions first."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings
from lacie_chat.engine.errors import EngineDied, EngineStopped
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.preferences import preferences_path, read_preferences
from lacie_chat.tui.widgets.details import Details, where_it_turns

from .conftest import Driver
from .scripted import Answer, ScriptedEngine, ScriptedReader
from .test_session import wait_for

LONG = "It is certainly **the Danube**. Perhaps it is the longest river of Europe, I think. It ends in the Black Sea."
TWO = ["Mine is the Danube.", "I don't know.", "It is the Rhine."]  # by seed, modulo 3


class ByWording(ScriptedReader):
    """Sounds unsure of what has hedges; fails as often as `failures` says."""

    failures: Sequence[Exception] = ()

    def choice_probabilities(self, prefix: str, suffixes: Sequence[str], choices: Any) -> list[list[float]]:
        if len(suffixes) > 1 and self.failures:
            error, *self.failures = self.failures
            raise error
        super().choice_probabilities(prefix, suffixes, choices)
        return [[0.8, 0.1] if "Hedges: none" in suffix else [0.2, 0.7] for suffix in suffixes]


def engine(*texts: str, reader: ScriptedReader | None = None, **arguments: Any) -> ScriptedEngine:
    return ScriptedEngine([Answer([text]) for text in texts], reader or ByWording("the Danube"), **arguments)


@pytest.fixture
def chat():
    opened: list[tuple[ChatSession, Store]] = []

    def start(*engines: ScriptedEngine, **arguments: Any) -> ChatSession:
        made, store = list(engines), Store.open()
        session = ChatSession(
            lambda: made.pop(0), store, lambda _event: None, model_name="model", seed=lambda: 7, **arguments
        )
        opened.append((session, store))
        session.start()
        return session

    yield start
    for session, store in opened:
        session.close()
        store.close()


def assessed(session: ChatSession, question: str) -> Turn:
    turn = session.send(question)
    wait_for(lambda: turn.phase == "done" and turn.assessment is not None)
    return turn


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
            assert " 2 ▰▱▱ 22\xa0% Perhaps it is" in text
            assert " 1 ▰▰▱ 89\xa0% It is certainly the" in text
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


def test_a_reading_that_was_stopped_is_done_again_and_a_failed_one_is_not(chat) -> None:
    reader = ByWording("the Danube")
    session = chat(engine(LONG, LONG, reader=reader))
    turn = assessed(session, "Which river?")
    reader.failures = [EngineStopped("stopped"), EngineStopped("stopped")]
    session.read_sentences(turn)
    wait_for(lambda: turn.assessment.sentences is not None)
    other = assessed(session, "Which one?")
    reader.failures = [ValueError("the reader is out of order")]
    session.read_sentences(other)
    wait_for(lambda: other.sentences_problem)
    assert other.sentences_problem == "the reader is out of order"
    session.read_sentences(other)
    assert other.assessment.sentences is None


def test_an_engine_that_dies_of_it_is_replaced_and_not_asked_again(chat) -> None:
    reader = ByWording("the Danube")
    session = chat(engine(LONG, reader=reader), engine(LONG))
    turn = assessed(session, "Which river?")
    reader.failures = [EngineDied("killed")]
    session.read_sentences(turn)
    wait_for(lambda: turn.sentences_problem == "the engine stopped")
    assert assessed(session, "Still there?").text == LONG


def test_samples_are_drawn_aside_compared_and_stored(chat) -> None:
    scripted = engine(LONG, sample_texts=TWO)
    session = chat(scripted, agreement=3)
    turn = session.send("Which river?")
    wait_for(lambda: turn.assessment is not None and turn.assessment.agreement is not None)
    assert [sampling.seed for sampling in scripted.samples] == [1, 2, 3]
    assert {sampling.temperature for sampling in scripted.samples} == {0.7}
    # the reader extracts "the Danube" from anything that has it: the abstention and the Rhine disagree
    assert turn.assessment.agreement.value == pytest.approx(1 / 3)
    wait_for(lambda: not turn.drawing)
    stored = session.store.message(turn.stored_id).assessment
    assert stored["agreement"] == {"value": pytest.approx(1 / 3), "k": 3}
    assert len(scripted.prompts) == 1, "the conversation itself was asked once"


def test_nothing_is_drawn_when_off_or_without_an_answer_to_agree_on(chat) -> None:
    off, declines = engine(LONG), engine("I'm sorry, but I don't know.")
    assessed(chat(off), "Which river?")
    assert off.samples == []
    turn = assessed(chat(declines, agreement=3), "Which river?")
    assert turn.assessment.state == "abstained" and not turn.drawing and declines.samples == []


def test_a_new_question_comes_first_and_the_samples_go_on_after_it(chat) -> None:
    gate = Event()
    scripted = engine(LONG, LONG, sample_gate=gate)
    session = chat(scripted, agreement=2)
    first = assessed(session, "Which river?")
    wait_for(lambda: scripted.samples)
    assert first.drawing
    second = assessed(session, "And which sea?")
    assert second.status == "complete" and first.assessment.agreement is None, "the sample hangs, the answer doesn't"
    gate.set()
    wait_for(lambda: first.assessment.agreement and second.assessment.agreement)
    assert (first.assessment.agreement.k, second.assessment.agreement.value) == (2, 1.0)


def test_a_calibrator_with_a_second_form_changes_the_figure_when_samples_are_there(chat) -> None:
    calibrator = Calibrator(
        kind="platt", parameters=(1, 0), agreement_parameters=(0.0, 3.0, 0.0),
        n=50, source="own", model_fingerprint="abc", assessment_version="1", sampling=WayOfDrawing(0.2, 0.95, 40, 1.05),
    )  # fmt: skip
    session = chat(engine(LONG), agreement=2, calibrator=calibrator)
    turn = session.send("Which river?")
    wait_for(lambda: turn.assessment is not None and turn.assessment.agreement is not None)
    assert turn.assessment.confidence.kind == "calibrated"
    assert turn.assessment.confidence.value == pytest.approx(0.9526, abs=1e-4)


async def test_the_line_shows_it_and_a_key_switches_it(driven) -> None:
    gate = Event()
    scripted = engine(LONG, LONG, sample_gate=gate)
    async with driven(scripted, size=(100, 30)) as driver:
        await driver.pilot.press("f4")
        assert (driver.session.agreement, read_preferences().agreement) == (5, 5)
        turn = await driver.ask("Which river?")
        await driver.until(lambda: "drawing samples…" in driver.text())
        gate.set()
        await driver.until(lambda: turn.assessment.agreement is not None)
        await driver.until(lambda: "5 of 5 samples agree" in driver.text())
        await driver.pilot.press("f4")
        assert (driver.session.agreement, read_preferences().agreement) == (0, 0)
    async with driven(engine(), agreement=2) as driver:
        assert driver.session.agreement == 2


@pytest.mark.parametrize(("kept", "read"), [(5, 5), (0, 0), (21, 0), (-1, 0), (True, 0), ("5", 0), (2.5, 0)])
def test_the_preference_is_a_number_of_samples_or_nothing(kept: object, read: int) -> None:
    preferences_path().parent.mkdir(parents=True, exist_ok=True)
    preferences_path().write_text(json.dumps({"agreement": kept}))
    assert read_preferences().agreement == read


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
        app = LacieApp(make, store, "SmolLM2-135M-Instruct", agreement=20, seed=lambda: 1)
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
