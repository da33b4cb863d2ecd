"""A question that doesn't fit: nothing is sent before who asks has decided, and nothing is lost."""

from collections.abc import Iterator
from typing import Any

import pytest
from scripted import Answer, ScriptedEngine, speaker_first, wait_for

from lacie_chat.chat.events import ChatEvent
from lacie_chat.chat.session import ChatSession
from lacie_chat.conversations import Store
from lacie_chat.engine.events import Cut, PromptSize

LONG = PromptSize(12_300, 12_300, 7_680, 8_192, Cut(0, 4_620, 7_680, question=(100, 9_000), question_tokens=4_620))
FITS = PromptSize(41, 12, 7_680, 8_192)
BEHIND = PromptSize(8_300, 30, 8_176, 8_192, Cut(2, 900, 7_000), said=512)
OLD = PromptSize(9_400, 30, 7_680, 8_192, Cut(4, 1_800, 7_600))


class Chat:
    """A session on one store, and what was said."""

    def __init__(self, *engines: ScriptedEngine, decides: bool = True) -> None:
        made = list(engines)
        self.store = Store.open()
        self.events: list[ChatEvent] = []
        speaker = speaker_first(lambda: made.pop(0), "model", {})
        self.session = ChatSession(speaker, self.store, self.events.append, decides=decides, seed=lambda: 7)


@pytest.fixture
def chat() -> Iterator[Any]:
    chats: list[Chat] = []

    def make(*engines: ScriptedEngine, **named: Any) -> Chat:
        chats.append(Chat(*engines, **named))
        return chats[-1]

    yield make
    for each in chats:
        each.session.close()
        each.store.close()


def test_it_waits_and_is_sent_when_it_is_decided(chat) -> None:
    engine = ScriptedEngine([Answer(["ok"], events=[LONG.cut])], sizes=[LONG])
    talk = chat(engine)
    turn = talk.session.send("word " * 3000)
    wait_for(lambda: talk.session.undecided is turn)
    assert engine.prompts == [] and talk.session.busy
    assert turn.note == (
        "This question is 12,300 tokens; the model's context holds 8,192, of which 512 are kept for the answer."
    )
    assert talk.store.messages(str(talk.session.tree.conversation_id))[0].text == turn.question
    talk.session.send_cut()
    wait_for(lambda: turn.status == "complete")
    assert "4,620 tokens of its middle were left out" in turn.note
    assert talk.session.undecided is None


def test_it_is_not_sent_when_it_is_cancelled(chat) -> None:
    engine = ScriptedEngine([Answer(["ok"])], sizes=[LONG])
    talk = chat(engine)
    turn = talk.session.send("word " * 3000)
    wait_for(lambda: talk.session.undecided is turn)
    assert talk.session.cancel()
    assert (turn.status, turn.usage["finish_reason"], talk.session.busy) == ("cancelled", "not_sent", False)
    following = talk.session.send("Short?")
    wait_for(lambda: following.status == "complete")
    assert [[each.content for each in prompt] for prompt in engine.prompts] == [["Short?"]]


def test_old_turns_go_without_a_word_once_that_was_agreed_to(chat) -> None:
    engine = ScriptedEngine([Answer(["ok"], events=[OLD.cut]) for _ in range(3)], sizes=[OLD, OLD, LONG])
    talk = chat(engine)
    first = talk.session.send("One")
    wait_for(lambda: talk.session.undecided is first)
    assert first.note.startswith("With this question the conversation is 9,400 tokens; the model's context holds 8,192")
    talk.session.send_cut()
    second = talk.session.send("Two")
    wait_for(lambda: second.status == "complete")
    assert second.note.startswith("The oldest 4 turns (1,800 tokens) no longer fit")
    third = talk.session.send("word " * 3000)
    wait_for(lambda: talk.session.undecided is third)  # a question's own words never do
    talk.session.cancel()


def test_what_is_asked_meanwhile_waits_its_turn(chat) -> None:
    engine = ScriptedEngine([Answer(["first"]), Answer(["second"])], sizes=[LONG])
    talk = chat(engine)
    first = talk.session.send("word " * 3000)
    second = talk.session.send("And this?")
    wait_for(lambda: talk.session.undecided is first)
    assert second.phase == "waiting"
    talk.session.send_cut()
    wait_for(lambda: second.status == "complete")
    assert (first.text, second.text) == ("first", "second")


def test_closing_undecided_keeps_the_question(chat) -> None:
    talk = chat(ScriptedEngine(sizes=[LONG]))
    turn = talk.session.send("word " * 3000)
    wait_for(lambda: talk.session.undecided is turn)
    talk.session.close()
    question, answer = talk.store.messages(str(talk.session.tree.conversation_id))
    assert (question.text, answer.status) == ("word " * 3000, "cancelled")


def test_an_engine_that_died_unnoticed_is_replaced_before_it_is_measured(chat) -> None:
    dead = ScriptedEngine()
    dead.dead = True
    talk = chat(dead, ScriptedEngine([Answer(["ok"])], sizes=[LONG]))
    turn = talk.session.send("word " * 3000)
    wait_for(lambda: talk.session.undecided is turn)
    talk.session.send_cut()
    wait_for(lambda: turn.status == "complete")


def test_without_anybody_to_decide_it_is_sent_with_a_note(chat) -> None:
    talk = chat(ScriptedEngine([Answer(["ok"], events=[LONG.cut])], sizes=[LONG]), decides=False)
    turn = talk.session.send("word " * 3000)
    wait_for(lambda: turn.status == "complete")
    assert "were left out" in turn.note


def test_going_on_asks_too_before_old_turns_go(chat) -> None:
    first, rest = Answer(["One, two, "], reason="length"), Answer(["three."], events=[BEHIND.cut])
    engine = ScriptedEngine([first, rest], sizes=[FITS, BEHIND, BEHIND])
    talk = chat(engine)
    turn = talk.session.send("Count")
    wait_for(lambda: turn.phase == "done")
    talk.session.go_on(turn)
    wait_for(lambda: talk.session.undecided is turn)
    assert turn.note.startswith("With this answer so far the conversation is 8,300 tokens; the model's context holds")
    assert talk.session.cancel()
    assert (turn.text, turn.status, turn.note, turn.unfit) == ("One, two, ", "complete", "", None), "as it was"
    assert turn.usage["finish_reason"] == "length" and len(engine.prompts) == 1
    talk.session.go_on(turn)
    wait_for(lambda: talk.session.undecided is turn)
    talk.session.send_cut()
    wait_for(lambda: turn.phase == "done")
    assert turn.text == "One, two, three." and turn.note.startswith("The oldest 2 turns (900 tokens) no longer fit")
