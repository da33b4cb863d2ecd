"""What comes after an answer: sentences when they are looked at, samples where they are wanted; questions first."""

from threading import Event
from typing import Any

import pytest
from fitted import calibrator
from scripted import Answer, ByWording, ScriptedEngine, ScriptedReader, speaker_first, wait_for

from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Form
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineDied, EngineStopped

LONG = "It is certainly **the Danube**. Perhaps it is the longest river of Europe, I think. It ends in the Black Sea."
TWO = ["Mine is the Danube.", "I don't know.", "It is the Rhine."]  # by seed, modulo 3


def engine(*texts: str, reader: ScriptedReader | None = None, **arguments: Any) -> ScriptedEngine:
    return ScriptedEngine([Answer([text]) for text in texts], reader or ByWording("the Danube"), **arguments)


@pytest.fixture
def chat():
    opened: list[tuple[ChatSession, Store]] = []

    def start(*engines: ScriptedEngine, **arguments: Any) -> ChatSession:
        made, store = list(engines), Store.open()
        speaker = speaker_first(lambda: made.pop(0), "model", arguments)
        session = ChatSession(speaker, store, lambda _event: None, seed=lambda: 7, **arguments)
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
    sampled = calibrator(0.0, Form(0.0, {"acceptance": 1.0}), agreement=3.0)
    session = chat(engine(LONG), agreement=2, calibrator=sampled)
    turn = session.send("Which river?")
    wait_for(lambda: turn.assessment is not None and turn.assessment.agreement is not None)
    assert turn.assessment.p_right == pytest.approx(0.9526, abs=1e-4)
