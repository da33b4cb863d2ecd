"""An engine that gives no sign of life: it is said, escape works, and a new one takes its place when the user wants."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest
from scripted import Answer, ScriptedEngine, wait_for

from lacie_chat.chat import engine_keeper
from lacie_chat.chat.events import ChatEvent, LoadFailed, SilenceChanged
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store

Make = Callable[..., tuple[ChatSession, list[ScriptedEngine], list[ChatEvent]]]


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(engine_keeper, "LOOK_SECONDS", 0.01)
    sessions: list[ChatSession] = []

    def make(*engines: ScriptedEngine) -> tuple[ChatSession, list[ScriptedEngine], list[ChatEvent]]:
        left, events = list(engines), []
        session = ChatSession(ChatSpeaker(lambda: left.pop(0), "model", None), Store.open(), events.append)
        sessions.append(session)
        return session, left, events

    yield make
    for session in sessions:
        session.close()
        session.store.close()


def test_it_is_told_and_taken_back(chat: Make) -> None:
    engine = ScriptedEngine([Answer(["Here ", "it is."], hold_after=1)])
    session, _, events = chat(engine)
    turn = session.send("Where?")
    wait_for(engine.held.is_set)
    engine.silent = True
    wait_for(lambda: session.keeper.silent)
    engine.silent = False
    wait_for(lambda: not session.keeper.silent)
    engine.go_on.set()
    wait_for(lambda: turn.status == "complete")
    assert sum(isinstance(event, SilenceChanged) for event in events) == 2


def test_a_question_that_nothing_was_said_to_is_asked_of_the_new_one(chat: Make) -> None:
    stuck = ScriptedEngine([Answer(["never"], hold_after=0)])
    session, left, events = chat(stuck, ScriptedEngine([Answer(["Here."]), Answer(["And here."])]))
    turn = session.send("Anyone?")
    wait_for(stuck.held.is_set)
    stuck.silent = True
    wait_for(lambda: session.keeper.silent)
    session.keeper.renew()
    wait_for(lambda: turn.status == "complete")
    assert (turn.text, left, stuck.closed) == ("Here.", [], True)
    following = session.send("And now?")
    wait_for(lambda: following.status == "complete")
    assert not any(isinstance(event, LoadFailed) for event in events)


def test_what_was_said_is_kept(chat: Make) -> None:
    stuck = ScriptedEngine([Answer(["Half of ", "never"], hold_after=1)])
    session, left, _ = chat(stuck, ScriptedEngine())
    turn = session.send("Anyone?")
    wait_for(stuck.held.is_set)
    stuck.silent = True
    wait_for(lambda: session.keeper.silent)
    session.keeper.renew()
    wait_for(lambda: turn.status == "cut_off" and not left)
    assert turn.text == "Half of "


def test_one_that_falls_silent_while_it_loads_is_loaded_anew(chat: Make) -> None:
    stuck = ScriptedEngine(load_gate=Event())
    session, left, _ = chat(stuck, ScriptedEngine())
    session.start()
    stuck.silent = True
    wait_for(lambda: session.keeper.silent)
    session.keeper.renew()
    wait_for(lambda: session.info is not None)
    assert not left and session.load_error == ""


def test_an_engine_that_is_well_is_left_alone(chat: Make) -> None:
    session, left, _ = chat(ScriptedEngine(), ScriptedEngine())
    session.start()
    wait_for(lambda: session.info is not None)
    session.keeper.renew()
    assert session.borrow_engine() is not None and len(left) == 1
