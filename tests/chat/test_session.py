"""The chat without a screen: scripted engine, real store, real assessment."""

from dataclasses import replace
from threading import Event

import pytest
from scripted import Answer, ScriptedEngine, ScriptedReader, wait_for

from lacie_chat.chat.events import ChatEvent, Loaded, LoadFailed, Loading, Notice, TextAdded, TurnEnded
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Cut


class Chat:
    """A session, its engines in the order in which they are made, and all that it posted."""

    def __init__(self, *engines: ScriptedEngine, adapter: str | None = None) -> None:
        self.engines = list(engines)
        self.made: list[ScriptedEngine] = []
        self.events: list[ChatEvent] = []
        self.store = Store.open()
        speaker = ChatSpeaker(self.make, "model", adapter)
        self.session = ChatSession(speaker, self.store, self.events.append, seed=lambda: 7)

    def make(self) -> ScriptedEngine:
        self.made.append(self.engines[len(self.made)])
        return self.made[-1]

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def stored(self) -> list[tuple[str, str]]:
        """Text and status of the current branch, from a second connection to the file."""
        with Store.open() as store:
            conversation = store.conversation(str(self.session.tree.conversation_id))
            assert conversation.leaf_id is not None
            return [(message.text, message.status) for message in store.thread(conversation.leaf_id)]


@pytest.fixture
def chat(request: pytest.FixtureRequest):
    chats: list[Chat] = []

    def make(*engines: ScriptedEngine, **arguments: object) -> Chat:
        chats.append(Chat(*engines, **arguments))
        return chats[-1]

    yield make
    for each in chats:
        each.session.close()
        each.store.close()


def test_an_answer_is_streamed_stored_and_assessed(chat) -> None:
    engine = ScriptedEngine([Answer(["I think it is ", "the Danube."])], ScriptedReader("the Danube", 0.9))
    talk = chat(engine)
    talk.session.start()
    turn = talk.session.send("Which river flows through Vienna?")
    wait_for(lambda: turn.assessment is not None)
    assert [event.text for event in talk.of(TextAdded)] == ["I think it is ", "the Danube."]
    assert turn.assessment.hedges[0].text == "I think"
    assert turn.assessment.acceptance == pytest.approx(0.9)
    assert talk.stored()[-1] == ("I think it is the Danube.", "complete")
    message = talk.store.message(turn.stored_id)
    assert message.assessment["acceptance"] == pytest.approx(0.9)
    assert message.params["sampling"]["seed"] == 7
    assert engine.samplings[0].seed == 7
    assert message.usage["completion_tokens"] == 2


def test_stored_answers_of_another_version_are_marked_until_they_are_heard_anew(chat) -> None:
    first = chat(ScriptedEngine([Answer(["It is the Danube."])], ScriptedReader("the Danube", 0.9)))
    turn = first.session.send("Which river flows through Vienna?")
    wait_for(lambda: turn.assessment is not None and not first.session.busy)
    assert turn.assessment.assessment_version == first.session.speaker.assessment_version == ASSESSMENT_VERSION
    conversation = str(first.session.tree.conversation_id)
    same, other = chat(ScriptedEngine()), chat(ScriptedEngine())
    other.session.speaker = replace(other.session.speaker, assessment_version="prompt-3.2-0123abcd.2")
    for talk, marked in ((same, False), (other, True)):
        talk.session.open(conversation)
        asked, answered = talk.session.tree.path()
        assert (asked.heard_otherwise, answered.heard_otherwise) == (False, marked)
    anew = replace(answered.assessment, acceptance=0.4, assessment_version=other.session.speaker.assessment_version)
    other.session.tree.attach(answered, anew)
    assert not answered.heard_otherwise
    other.session.open(conversation)
    assert not other.session.tree.path()[1].heard_otherwise


def test_text_is_on_disk_before_it_is_shown(chat) -> None:
    talk = chat(ScriptedEngine([Answer(["one ", "two"])]))
    seen = []
    post = talk.events.append

    def check(event: ChatEvent) -> None:
        post(event)
        if isinstance(event, TextAdded):
            seen.append(talk.stored()[-1])

    talk.session._post = check
    turn = talk.session.send("Question")
    wait_for(lambda: turn.status == "complete")
    assert seen == [("one ", "streaming"), ("one two", "streaming")]


def test_an_answer_that_is_to_be_heard_never_passes_for_done(chat) -> None:
    """Whoever waits for its end sees it only with its assessment, at whatever moment they look."""
    talk = chat(ScriptedEngine([Answer(["It is the Danube."]), Answer([])], ScriptedReader("the Danube", 0.9)))
    ended = []
    post = talk.events.append

    def check(event: ChatEvent) -> None:
        if isinstance(event, TurnEnded):
            ended.append((event.turn.phase, event.turn.assessment))
        post(event)

    talk.session._post = check
    turn, silent = talk.session.send("Question"), talk.session.send("Another")
    wait_for(lambda: turn.assessment is not None and len(ended) == 2)
    assert ended == [("listening", None), ("done", None)]
    wait_for(lambda: turn.phase == silent.phase == "done")


def test_questions_asked_while_loading_wait_and_are_answered_in_order(chat) -> None:
    gate = Event()
    engine = ScriptedEngine([Answer(["first"]), Answer(["second"])], load_gate=gate)
    talk = chat(engine)
    talk.session.start()
    one = talk.session.send("One")
    two = talk.session.send("Two")
    assert one.phase == two.phase == "waiting"
    assert talk.stored()[0] == ("One", "complete"), "a waiting question is stored already"
    gate.set()
    wait_for(lambda: two.status == "complete")
    assert (one.text, two.text) == ("first", "second")
    assert [turn.content for turn in engine.prompts[1]] == ["One", "first", "Two"]


def test_cancel_keeps_what_is_there(chat) -> None:
    engine = ScriptedEngine([Answer(["kept ", "never"], hold_after=1), Answer(["next"])])
    talk = chat(engine)
    turn = talk.session.send("Question")
    wait_for(engine.held.is_set)
    assert talk.session.cancel()
    wait_for(lambda: turn.status == "cancelled")
    assert talk.stored()[-1] == ("kept ", "cancelled")
    following = talk.session.send("Next")
    wait_for(lambda: following.status == "complete")
    assert not talk.session.cancel(), "nothing is left to cancel"


def test_a_waiting_question_can_be_cancelled(chat) -> None:
    gate = Event()
    talk = chat(ScriptedEngine([], load_gate=gate))
    talk.session.start()
    turn = talk.session.send("Question")
    assert talk.session.cancel()
    assert turn.status == "cancelled"
    gate.set()
    wait_for(lambda: talk.of(Loaded))
    assert turn.text == ""


def test_a_question_that_is_cancelled_while_its_own_load_lasts_is_never_asked(chat) -> None:
    gate = Event()
    engine = ScriptedEngine([Answer(["next"])], load_gate=gate)
    talk = chat(engine)
    turn = talk.session.send("Question")
    wait_for(lambda: len(talk.of(Loading)) == 2)
    assert talk.session.cancel()
    assert (turn.status, turn.phase) == ("cancelled", "done")
    following = talk.session.send("Next")
    gate.set()
    wait_for(lambda: following.status == "complete")
    assert (turn.text, len(engine.prompts)) == ("", 1)


def test_a_dead_engine_is_replaced_and_the_chat_goes_on(chat) -> None:
    dying = ScriptedEngine([Answer(["half an "], dies=True)])
    fresh = ScriptedEngine([Answer(["a whole answer"])])
    talk = chat(dying, fresh)
    talk.session.send("Question")
    wait_for(lambda: len(talk.of(Loaded)) == 2)
    assert talk.stored()[-1] == ("half an ", "cut_off")
    assert dying.closed
    assert len(talk.of(Notice)) == 1
    again = talk.session.send("Once more")
    wait_for(lambda: again.status == "complete")
    assert again.text == "a whole answer"
    assert len(talk.made) == 2


def test_a_question_to_an_engine_that_died_unnoticed_is_answered_by_a_new_one(chat) -> None:
    dead = ScriptedEngine([])
    dead.dead = True
    talk = chat(dead, ScriptedEngine([Answer(["here I am"])]))
    turn = talk.session.send("Anyone?")
    wait_for(lambda: turn.status == "complete")
    assert turn.text == "here I am"
    assert len(talk.of(Notice)) == 1


def test_a_question_that_kills_every_engine_is_given_up(chat) -> None:
    engines = [ScriptedEngine([Answer([], dies=True)]) for _ in range(3)]
    talk = chat(*engines, ScriptedEngine([Answer(["Here."]), Answer([], dies=True)]), ScriptedEngine())
    turn = talk.session.send("Deadly")
    wait_for(lambda: turn.status == "cut_off")
    wait_for(lambda: talk.of(LoadFailed))
    assert len(talk.made) == 2, "one try, and one more; nothing else is started by itself"
    assert "stopped 2 times without an answer" in talk.session.load_error
    again = talk.session.send("Deadly once more")
    wait_for(lambda: again.status == "cut_off")
    wait_for(lambda: len(talk.of(LoadFailed)) == 2)
    assert len(talk.made) == 3, "who asks tries again, once"
    harmless = talk.session.send("Anyone?")
    wait_for(lambda: harmless.status == "complete")
    assert (harmless.text, talk.session.load_error, len(talk.made)) == ("Here.", "", 4)
    talk.session.send("Deadly again")
    wait_for(lambda: len(talk.of(Loaded)) == 5)
    assert len(talk.of(LoadFailed)) == 2, "one that has answered is started again"


def test_an_engine_that_dies_while_listening_leaves_the_assessment_to_the_next(chat) -> None:
    engine = ScriptedEngine([Answer(["An answer."])], ScriptedReader(error=EngineDied("the engine was killed")))
    talk = chat(engine, ScriptedEngine([Answer(["fine"])], ScriptedReader("fine")))
    turn = talk.session.send("Question")
    wait_for(lambda: len(talk.of(Loaded)) == 2)
    wait_for(lambda: turn.assessment is not None)
    assert (turn.status, turn.text, turn.problem) == ("complete", "An answer.", "")
    following = talk.session.send("Next")
    wait_for(lambda: following.assessment is not None)


def test_an_assessment_that_fails_leaves_the_answer(chat) -> None:
    engine = ScriptedEngine([Answer(["An answer."])], ScriptedReader(error=ValueError("odd tokens")))
    talk = chat(engine)
    turn = talk.session.send("Question")
    wait_for(lambda: turn.problem)
    assert (turn.status, turn.problem) == ("complete", "odd tokens")
    wait_for(lambda: turn.phase == "done")


def test_what_the_listener_runs_into_before_the_first_answer_is_not_the_answers_failure(chat) -> None:
    tried = Event()

    class Failing(ScriptedReader):
        def _check(self) -> None:
            tried.set()
            raise ValueError("odd tokens")

    engine = ScriptedEngine([Answer(["An answer."], hold_after=1)], Failing())
    talk = chat(engine)
    turn = talk.session.send("Question")
    wait_for(lambda: tried.is_set() and engine.held.is_set())  # the listener prepares, and fails, in mid-answer
    assert turn.status == "streaming"
    engine.go_on.set()
    wait_for(lambda: turn.status == "complete")
    wait_for(lambda: turn.problem == "odd tokens")


def test_a_failed_load_is_told_once_and_not_repeated_on_its_own(chat) -> None:
    gate = Event()
    broken = [ScriptedEngine(load_error=EngineError("model.gguf is not a GGUF file"), load_gate=gate) for _ in range(2)]
    talk = chat(*broken, ScriptedEngine([Answer(["now"])]))
    talk.session.start()
    early = [talk.session.send(text) for text in ("One", "Two", "Three")]
    gate.set()
    wait_for(lambda: all(turn.status == "failed" for turn in early))
    assert len(talk.made) == 1, "questions asked before the failure don't try again"
    assert early[0].problem == "model.gguf is not a GGUF file"
    assert talk.of(LoadFailed)
    late = talk.session.send("Four")
    wait_for(lambda: late.status == "failed")
    assert len(talk.made) == 2, "a later one does, once"
    last = talk.session.send("Five")
    wait_for(lambda: last.status == "complete")
    assert [turn.content for turn in talk.made[2].prompts[0]] == ["Five"]


def test_an_engine_that_dies_at_load_is_not_started_in_a_loop(chat) -> None:
    talk = chat(*(ScriptedEngine(load_error=EngineDied("killed: out of memory")) for _ in range(3)))
    talk.session.start()
    wait_for(lambda: talk.of(LoadFailed))
    assert len(talk.made) == 1
    assert talk.session.borrow_engine() is None, "who asks tries again; nothing else does"
    assert len(talk.made) == 2


def test_a_failed_generation_says_why(chat) -> None:
    talk = chat(ScriptedEngine([Answer(["some "], fails="the context is full")]))
    turn = talk.session.send("Question")
    wait_for(lambda: turn.status == "failed")
    assert turn.problem == "the context is full"
    assert talk.stored()[-1] == ("some ", "failed")


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (Cut(1, 900, 1000), "The oldest turn (900 tokens) no longer fits the model's context and was left out."),
        (Cut(3, 900, 1000), "The oldest 3 turns (900 tokens) no longer fit the model's context and were left out."),
        (Cut(1, 900, 1000, system=True), "The system prompt leaves no room for a question and was left out."),
        (
            Cut(2, 900, 1000, question=(4, 20), question_tokens=400),
            "The oldest 2 turns (500 tokens) no longer fit the model's context and were left out. The question is "
            "longer than the model's context: 400 tokens of its middle were left out, from “tion that goes o” to "
            "“tion that goes o”.",
        ),
    ],
)
def test_what_was_left_out_is_told_and_kept(chat, cut: Cut, words: str) -> None:
    talk = chat(ScriptedEngine([Answer(["ok"], events=[cut])]))
    turn = talk.session.send("Question that goes on and on")
    wait_for(lambda: turn.status == "complete")
    assert turn.note == words
    talk.session.open(str(talk.session.tree.conversation_id))
    assert talk.session.tree.leaf.note == words


def test_regenerate_and_edit_make_branches(chat) -> None:
    engine = ScriptedEngine([Answer([text]) for text in ("first", "second", "edited")])
    talk = chat(engine)
    session = talk.session
    first = session.send("Question")
    wait_for(lambda: first.status == "complete")
    second = session.regenerate(first)
    wait_for(lambda: second.status == "complete")
    assert [turn.text for turn in session.tree.siblings(first)] == ["first", "second"]
    third = session.edit(first.parent, "Other question")
    wait_for(lambda: third.status == "complete")
    assert [turn.content for turn in engine.prompts[2]] == ["Other question"]
    assert session.switch(third.parent, -1)
    assert [turn.text for turn in session.tree.path()] == ["Question", "second"]
    assert session.switch(second, -1)
    assert [turn.text for turn in session.tree.path()] == ["Question", "first"]
    assert not session.switch(first, -1)


def test_a_new_chat_cancels_and_keeps_the_old_one(chat) -> None:
    engine = ScriptedEngine([Answer(["part ", "rest"], hold_after=1), Answer(["fresh"])])
    talk = chat(engine)
    turn = talk.session.send("Old")
    wait_for(engine.held.is_set)
    old = talk.session.tree.conversation_id
    talk.session.new_chat()
    wait_for(lambda: turn.status == "cancelled")
    new = talk.session.send("New")
    wait_for(lambda: new.status == "complete")
    assert [turn.content for turn in engine.prompts[1]] == ["New"]
    assert {summary.title for summary in talk.store.list_conversations()} == {"Old", "New"}
    talk.session.open(old)
    assert [turn.text for turn in talk.session.tree.path()] == ["Old", "part "]


def test_closing_keeps_a_half_answer(chat) -> None:
    engine = ScriptedEngine([Answer(["half ", "rest"], hold_after=1)])
    talk = chat(engine)
    talk.session.send("Question")
    wait_for(engine.held.is_set)
    talk.session.close()
    assert talk.stored()[-1] == ("half ", "cancelled")
    assert engine.closed


def test_the_baseline_answers_where_it_is_asked_for(chat) -> None:
    engine = ScriptedEngine([Answer(["an answer"])] * 2, ScriptedReader("an answer", 0.8))
    talk = chat(engine, adapter="lacie")
    one = talk.session.send("Question")
    talk.session.baseline = True
    two = talk.session.send("Question")
    wait_for(lambda: two.assessment is not None)
    assert engine.baselines == [False, True]
    assert (one.params["baseline"], one.params["adapter"]) == (False, "lacie")
    assert (two.params["baseline"], two.params["adapter"]) == (True, None)


def test_events_end_with_the_end(chat) -> None:
    talk = chat(ScriptedEngine([Answer(["x"])]))
    talk.session.start()
    turn = talk.session.send("Question")
    wait_for(lambda: turn.phase == "done" and talk.of(TurnEnded))
    assert isinstance(talk.events[0], Loading)
    assert [event.fraction for event in talk.of(Loading)] == [0.0, 0.4]
