"""Answers that a program which ended left unheard: heard when their conversation is opened again, after all else."""

from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest
from scripted import Answer, ScriptedEngine, ScriptedReader, speaker_first, wait_for

from lacie_chat.chat.compared import SIDES
from lacie_chat.chat.comparing import Comparison
from lacie_chat.chat.events import ChatEvent, TurnChanged
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import Origin
from lacie_chat.confidence import Calibrator, Form, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineDied
from lacie_chat.engine.settings import Sampling

CALIBRATOR = Calibrator(
    n=100, right=20, source="own", model_fingerprint="aa", assessment_version="1",
    sampling=WayOfDrawing.of(Sampling()), forms=(Form(-1.5, {}),),
)  # fmt: skip


def text(name: str) -> str:
    """An answer that can be told from others when its answer span is masked."""
    return f"{name}: it is the Danube."


class Chats:
    """Sessions on one store."""

    def __init__(self) -> None:
        self.store = Store.open()
        self.sessions: list[ChatSession] = []
        self.events: list[ChatEvent] = []

    def start(self, *engines: ScriptedEngine, **arguments: Any) -> ChatSession:
        made = list(engines)
        speaker = speaker_first(lambda: made.pop(0), "model", arguments)
        session = ChatSession(speaker, self.store, self.events.append, seed=lambda: 7, **arguments)
        self.sessions.append(session)
        return session

    def stored(self, *answers: tuple[str, str], **params: Any) -> str:
        """A conversation of (text, status) answers without an assessment."""
        made, parent = self.store.create_conversation("model"), None
        for number, (said, status) in enumerate(answers):
            parent = self.store.add_message(made.id, parent, "user", f"Question {number}?").id
            message = self.store.add_message(
                made.id, parent, "assistant", said, status=status, params={"model": "model", "adapter": None, **params}
            )
            parent = message.id
        return made.id


@pytest.fixture
def chats():
    chats = Chats()
    yield chats
    for session in chats.sessions:
        session.close()
    chats.store.close()


@dataclass
class Noting(ScriptedReader):
    """Notes which answers it is asked to hear, the listener's warming up aside; waits for `gate` where there is one."""

    answer: str = "the Danube"
    gate: Event | None = None
    heard: list[str] = field(default_factory=list)

    def choice_probabilities(self, prefix: str, suffixes: Any, choices: Any) -> Any:
        texts = [name for name in ("Zero", "One", "Two", "New") for suffix in suffixes if name in suffix]
        if texts and self.gate is not None:
            assert self.gate.wait(20)
        self.heard += texts
        return super().choice_probabilities(prefix, suffixes, choices)


def test_they_are_heard_oldest_first_and_kept(chats) -> None:
    made = chats.stored(
        (text("Zero"), "complete"), (text("One"), "cut_off"), (text("Two"), "cancelled"), (" ", "cut_off")
    )
    reader = Noting()
    session = chats.start(ScriptedEngine(reader=reader), calibrator=CALIBRATOR)
    session.open(made)
    zero, one, two, empty = session.tree.path()[1::2]
    assert [turn.phase for turn in (zero, one, two, empty)] == ["listening"] * 3 + ["done"]
    assert not session.busy and session.listened_to == 3
    session.start()
    wait_for(lambda: two.assessment is not None and two.phase == "done")
    assert list(dict.fromkeys(reader.heard)) == ["Zero", "One", "Two"]
    assert one.assessment is not None and empty.assessment is None
    assert zero.assessment.p_right == pytest.approx(CALIBRATOR.forms[0]({}))
    assert chats.store.message(zero.stored_id).assessment["acceptance"] == pytest.approx(0.8)
    wait_for(
        lambda: {id(event.turn) for event in chats.events if isinstance(event, TurnChanged)} >= {id(zero), id(two)}
    )
    wait_for(lambda: session.listened_to == 0)
    session.open(made)
    assert all(turn.phase == "done" and not turn.unheard for turn in session.tree.path())


def test_a_new_answer_comes_first(chats) -> None:
    made = chats.stored((text("Zero"), "complete"), (text("One"), "complete"))
    reader = Noting()
    engine = ScriptedEngine([Answer([text("New")], hold_after=1)], reader)
    session = chats.start(engine)
    session.open(made)
    new = session.send("Question")  # before there is an engine: nothing can be heard before it
    session.start()
    wait_for(engine.held.is_set)
    assert reader.heard == []
    engine.go_on.set()
    wait_for(lambda: all(turn.assessment for turn in session.tree.path()[1::2]))
    assert list(dict.fromkeys(reader.heard)) == ["New", "Zero", "One"]
    assert new.assessment is not None


@pytest.mark.parametrize(
    ("params", "calibrated"),
    [
        ({}, True),
        ({"fingerprint": "aa"}, True),
        ({"fingerprint": "aa", "model": "under another name"}, True),
        ({"fingerprint": "bb"}, False),
        ({"model": "another"}, False),
        ({"adapter": "an adapter"}, False),
        ({"sampling": {"temperature": 0.2, "seed": 3}}, True),
        ({"sampling": {"temperature": 1.0}}, False),
        ({"sampling": {"min_p": 0.3}}, False),
        ({"sampling": {"min_p": 0.0, "reasoning": None}}, True),
        ({"sampling": {"reasoning": "off"}}, False),
    ],
)
def test_a_p_right_only_where_the_model_at_hand_gave_the_answer(
    chats, params: dict[str, Any], calibrated: bool
) -> None:
    made = chats.stored((text("Zero"), "complete"), **params)
    origin = Origin("ref", None, "aa")
    session = chats.start(ScriptedEngine(reader=Noting()), calibrator=CALIBRATOR, origin=origin)
    session.open(made)
    session.start()
    turn = session.tree.leaf
    wait_for(lambda: turn.assessment is not None)
    assert (turn.assessment.p_right is not None) is calibrated


def test_leaving_the_conversation_lets_them_wait_for_the_next_time(chats) -> None:
    made, other = chats.stored((text("Zero"), "complete")), chats.stored((text("One"), "complete"))
    reader = Noting()
    session = chats.start(ScriptedEngine(reader=reader))
    session.open(made)
    left = session.tree.leaf
    session.open(other)
    assert (left.phase, left.unheard) == ("done", True)
    session.start()
    turn = session.tree.leaf
    wait_for(lambda: turn.assessment is not None)
    assert set(reader.heard) == {"One"} and left.assessment is None
    session.open(made)
    turn = session.tree.leaf
    wait_for(lambda: turn.assessment is not None)


def test_another_branch_is_heard_when_it_is_shown(chats) -> None:
    made = chats.stored((text("Zero"), "complete"))
    question = chats.store.messages(made)[0]
    chats.store.add_message(made, question.id, "assistant", text("One"), params={"model": "model"})
    session = chats.start(ScriptedEngine(reader=Noting()))
    session.open(made)
    session.start()
    shown = session.tree.leaf
    wait_for(lambda: shown.assessment is not None)
    other = session.tree.siblings(shown)[0]
    assert shown.text == text("One") and other.assessment is None
    assert session.switch(shown, -1)
    wait_for(lambda: other.assessment is not None)


def test_an_engine_that_dies_of_one_is_replaced_and_not_asked_again(chats) -> None:
    made = chats.stored((text("Zero"), "complete"), (text("One"), "complete"))
    deadly = ScriptedEngine(reader=ScriptedReader(error=EngineDied("killed")))
    reader = Noting()
    session = chats.start(deadly, ScriptedEngine(reader=reader))
    session.open(made)
    zero, one = session.tree.path()[1::2]
    session.start()
    wait_for(lambda: one.assessment is not None and one.phase == "done")
    assert (zero.phase, zero.problem, zero.assessment) == ("done", "the engine stopped", None)
    again = chats.start(ScriptedEngine(reader=Noting()))
    again.open(made)
    again.start()
    wait_for(lambda: again.tree.path()[1].assessment is not None)


def test_one_whose_listener_failed_is_heard_when_it_is_opened_again(chats) -> None:
    failing = ScriptedEngine([Answer([text("Zero")])], ScriptedReader(error=ValueError("odd tokens")))
    session = chats.start(failing)
    turn = session.send("Question")
    wait_for(lambda: turn.problem and session.listened_to == 0)
    again = chats.start(ScriptedEngine(reader=Noting()))
    again.open(str(session.tree.conversation_id))
    again.start()
    wait_for(lambda: again.tree.leaf.assessment is not None)
    again.tree.mark(again.tree.leaf, True)
    assert chats.store.message(turn.stored_id).correct is True


def test_one_that_another_chat_still_writes_is_left_alone(chats) -> None:
    made = chats.stored((text("Zero"), "streaming"))
    session = chats.start(ScriptedEngine(reader=Noting()))
    session.open(made)
    assert session.listened_to == 0 and session.tree.leaf.phase == "done"


def test_what_an_engine_left_is_heard_by_the_next(chats) -> None:
    dying = ScriptedEngine([Answer([text("Zero"), "never"], hold_after=1, dies=True)])
    dying.go_on.set()
    reader = Noting()
    session = chats.start(dying, ScriptedEngine(reader=reader))
    turn = session.send("Question")
    wait_for(lambda: turn.status == "cut_off")
    wait_for(lambda: turn.assessment is not None and session.listened_to == 0)
    assert turn.assessment.response == turn.text and reader.heard


def test_a_comparison_that_was_left_unheard_is_heard_when_it_is_looked_at(chats) -> None:
    made = chats.stored((text("Zero"), "complete"))
    speaker = {"adapter_name": "twin", "baseline_calibrator": None}
    session = chats.start(ScriptedEngine(reader=Noting()), **speaker)
    question = chats.store.messages(made)[0]
    for baseline, said in ((True, "One"), (False, "Two")):
        params = session.speaker.params_of(baseline, replace(session.sampling, seed=7))
        params["comparison"] = {"seed": 7, "sample": 0}
        chats.store.add_message(made, question.id, "assistant", text(said), params=params, current=False)
    session.open(made)
    session.start()
    wait_for(lambda: session.tree.leaf.assessment is not None)
    comparison = Comparison(session, session.tree.roots[0], chats.events.append)
    comparison.begin()
    pair = [comparison.samples[side][0] for side in SIDES]
    assert [turn.text for turn in pair] == [text("One"), text("Two")]
    wait_for(lambda: all(turn.assessment is not None for turn in pair))
    comparison.close()


def test_closing_meanwhile_loses_nothing(chats) -> None:
    made = chats.stored((text("Zero"), "complete"))
    reader = Noting()
    reader.gate = Event()
    session = chats.start(ScriptedEngine(reader=reader))
    session.open(made)
    session.start()
    session.close()
    reader.gate.set()
    again = chats.start(ScriptedEngine(reader=Noting()))
    again.open(made)
    again.start()
    turn = again.tree.leaf
    wait_for(lambda: turn.assessment is not None)
