"""An answer that stopped goes on: the same message grows, nothing of it is lost, and the whole is assessed anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, ScriptedEngine, ScriptedReader, speaker_first, wait_for

from lacie_chat.chat.events import ChatEvent, Notice
from lacie_chat.chat.going_on import stopped_early, why_it_stays
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings
from lacie_chat.engine.settings import Said, Sampling

FIRST = Answer(["It is ", "the Danube"], reason="length", tokens=((0, 6, -0.1), (6, 16, -0.2)))
REST = Answer([", which flows ", "on."], tokens=((16, 30, -0.3), (30, 33, -0.4)))
WHOLE = "It is the Danube, which flows on."


class Chat:
    """Sessions on one store."""

    def __init__(self) -> None:
        self.store = Store.open()
        self.events: list[ChatEvent] = []
        self.sessions: list[ChatSession] = []

    def start(self, *engines: Any, **named: Any) -> ChatSession:
        made = list(engines)
        speaker = speaker_first(lambda: made.pop(0), "model", named)
        self.sessions.append(ChatSession(speaker, self.store, self.events.append, seed=lambda: 7, **named))
        return self.sessions[-1]


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    yield made
    for session in made.sessions:
        session.close()
    made.store.close()


def heard(session: ChatSession, turn: Turn) -> bool:
    return turn.phase == "done" and turn.assessment is not None and session.listened_to == 0


def test_it_grows_is_joined_and_assessed_anew(chat: Chat) -> None:
    engine = ScriptedEngine([FIRST, REST], ScriptedReader("the Danube"))
    session = chat.start(engine)
    turn = session.send("Which river?")
    wait_for(lambda: heard(session, turn))
    first = turn.assessment
    assert stopped_early(turn) and why_it_stays(session, turn) == "" and first is not None
    session.go_on(turn)
    wait_for(lambda: turn.text == WHOLE and heard(session, turn))
    assert turn.assessment is not None and turn.assessment.response == WHOLE != first.response
    assert engine.going_on == [None, Said("It is the Danube")]
    assert engine.prompts[0] == engine.prompts[1] and engine.samplings[1].seed == engine.samplings[0].seed
    assert turn.tokens == (*FIRST.tokens, *REST.tokens)
    assert turn.usage is not None and turn.usage["completion_tokens"] == 4
    assert (turn.usage["prompt_tokens"], turn.usage["finish_reason"]) == (41, "stop")
    assert turn.timings is not None and turn.timings["generation_seconds"] == pytest.approx(4 / 40)
    assert turn.timings["tokens_per_second"] == pytest.approx(40)
    assert not stopped_early(turn), "it has come to its end"
    assert turn.stored_id is not None
    kept = chat.store.message(turn.stored_id)
    assert (kept.text, kept.status, kept.usage) == (WHOLE, "complete", turn.usage)
    assert len(chat.store.tokens(turn.stored_id)) == 4
    assert [hit.message_id for hit in chat.store.search("Danube")] == [turn.stored_id], "found, and only once"
    assert len(list(session.tree.turns())) == 2


def test_it_is_as_long_again_each_time(chat: Chat) -> None:
    limits = [Answer(["word "] * 4, reason="length") for _ in range(3)]
    engine = ScriptedEngine(limits)
    session = chat.start(engine, sampling=Sampling(max_tokens=4))
    turn = session.send("Question")
    for _ in range(2):
        wait_for(lambda: heard(session, turn) and not session.busy)
        session.go_on(turn)
    wait_for(lambda: heard(session, turn) and not session.busy)
    assert [each.max_tokens for each in engine.samplings] == [4, 4, 8]
    assert turn.params["sampling"]["max_tokens"] == 4, "what it was begun with"


def test_an_engine_that_dies_meanwhile_costs_no_word(chat: Chat) -> None:
    dying = ScriptedEngine([FIRST, Answer([", which ", "never"], hold_after=1, dies=True)])
    dying.go_on.set()
    session = chat.start(dying, ScriptedEngine([REST], ScriptedReader("the Danube")))
    turn = session.send("Which river?")
    wait_for(lambda: heard(session, turn))
    session.go_on(turn)
    wait_for(lambda: turn.status == "cut_off" and heard(session, turn))
    assert turn.text.startswith("It is the Danube, which ") and turn.assessment is not None
    assert turn.assessment.response == turn.text
    assert stopped_early(turn)
    session.go_on(turn)
    wait_for(lambda: turn.status == "complete" and heard(session, turn))
    assert turn.text.endswith(", which flows on.")


@pytest.mark.parametrize("end", ["failed", "died twice", "cancelled"])
def test_where_nothing_comes_it_is_what_it_was(chat: Chat, end: str) -> None:
    deadly = Answer([], dies=True)
    second = {"failed": Answer([], fails="The context is full."), "died twice": deadly}.get(
        end, Answer(["never"], hold_after=0)
    )
    engine = ScriptedEngine([FIRST, second])
    session = chat.start(engine, ScriptedEngine([deadly]), ScriptedEngine())
    turn = session.send("Which river?")
    wait_for(lambda: heard(session, turn))
    before = (turn.text, turn.status, turn.usage, turn.timings, turn.tokens, turn.assessment)
    session.go_on(turn)
    if end == "cancelled":
        wait_for(engine.held.is_set)
        session.cancel()
    wait_for(lambda: not session.busy)
    assert (turn.text, turn.status, turn.usage, turn.timings, turn.tokens, turn.assessment) == before
    assert turn.stored_id is not None and chat.store.message(turn.stored_id).status == "complete"
    if end == "failed":
        assert Notice("Not gone on: The context is full.", serious=True) in chat.events
    assert stopped_early(turn)


def test_a_chat_that_is_killed_meanwhile_keeps_all_and_hears_it_when_opened_again(chat: Chat) -> None:
    engine = ScriptedEngine([FIRST, Answer([", which ", "never"], hold_after=1)], ScriptedReader("the Danube"))
    session = chat.start(engine)
    turn = session.send("Which river?")
    wait_for(lambda: heard(session, turn))
    session.go_on(turn)
    wait_for(engine.held.is_set)
    assert turn.stored_id is not None
    stored = chat.store.message(turn.stored_id)
    assert (stored.text, stored.status) == ("It is the Danube, which ", "streaming")
    chat.store.finish(turn.stored_id, "cut_off")  # as the next start does for a process that is gone
    again = chat.start(ScriptedEngine([REST], ScriptedReader("the Danube")))
    again.open(str(session.tree.conversation_id))
    again.start()
    other = again.tree.leaf
    assert other is not None
    wait_for(lambda: heard(again, other) and other.assessment.response == other.text)  # type: ignore[union-attr]
    assert stopped_early(other)


def test_what_cannot_go_on(chat: Chat) -> None:
    engine = ScriptedEngine([FIRST, Answer(["whole"]), Answer(["one", "two"], hold_after=1, reason="length")])
    session = chat.start(engine)
    first = session.send("Which river?")
    wait_for(lambda: heard(session, first))
    first.params = {**first.params, "model": "another"}
    assert why_it_stays(session, first) == "another gave this answer, not the model at hand."
    second = session.send("And?")
    wait_for(lambda: heard(session, second))
    assert not stopped_early(first), "something was said after it"
    assert not stopped_early(second) and not stopped_early(second.parent)  # type: ignore[arg-type]
    third = session.send("And?")
    wait_for(engine.held.is_set)
    assert not stopped_early(third), "it is being written"
    session.cancel()


def test_a_thought_that_was_stopped_goes_on_too(chat: Chat) -> None:
    engine = ScriptedEngine([Answer([], thought=["Hm, "], reason="length"), Answer(["It is."], thought=["well."])])
    session = chat.start(engine)
    turn = session.send("Which river?")
    wait_for(lambda: turn.phase == "done")
    assert turn.thought_only and stopped_early(turn)
    session.go_on(turn)
    wait_for(lambda: heard(session, turn))
    assert (turn.reasoning, turn.text, turn.thought_only) == ("Hm, well.", "It is.", False)
    assert engine.going_on[1] == Said("", "Hm, ")


def test_with_a_real_model_also_over_a_restart(chat: Chat, embedded_model: Path) -> None:
    def engine() -> EngineProcess:
        return EngineProcess(EngineSettings(embedded_model, n_ctx=1024, threads=1))

    greedy = Sampling(temperature=0.0, max_tokens=30)
    session = chat.start(engine(), sampling=greedy)
    turn = session.send("Explain in detail how a steam engine works, step by step.")
    wait_for(lambda: heard(session, turn), 60)
    session.go_on(turn)
    wait_for(lambda: turn.usage is not None and turn.usage["completion_tokens"] == 60 and heard(session, turn), 60)
    whole = session.regenerate(turn)
    session.cancel()
    session.sampling = Sampling(temperature=0.0, max_tokens=60)
    wait_for(lambda: not session.busy)
    whole = session.regenerate(turn)
    wait_for(lambda: heard(session, whole), 60)
    assert turn.text == whole.text and turn.tokens == whole.tokens
    session.tree.select(turn)
    session.close()
    again = chat.start(engine(), sampling=greedy)
    again.open(str(session.tree.conversation_id))
    again.start()
    other = again.tree.leaf
    assert other is not None and other.text == turn.text
    again.go_on(other)
    wait_for(lambda: other.text != turn.text and heard(again, other), 60)
    assert other.text.startswith(turn.text) and len(other.tokens) == 120
