"""The chat goes on with another model: scripted engines for what must happen in order, real ones for the weights."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from fitted import calibrator
from scripted import Answer, ScriptedEngine, ScriptedReader, wait_for

from lacie_chat.chat.events import ChatEvent, Loaded, Loading, Notice, SpeakerChanged
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings, Sampling
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.protocol import EngineLike


class Talk:
    """A session on the speaker `small`, its engines in order, and what it posted."""

    def __init__(self, *engines: EngineLike, **of_speaker: object) -> None:
        self.events: list[ChatEvent] = []
        self.store = Store.open()
        self.session = ChatSession(speaker("small", *engines, **of_speaker), self.store, self.events.append)
        self.session.start()
        wait_for(lambda: self.session.info or self.session.load_error)

    def notices(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Notice)]

    def change(self, other: ChatSpeaker) -> None:
        """Change, and wait until it is done, one way or the other."""
        loaded = self.count(Loaded)
        self.session.change_speaker(other)
        wait_for(lambda: self.count(Loaded) > loaded)

    def count(self, kind: type) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    def ask(self, text: str) -> Turn:
        turn = self.session.send(text)
        wait_for(lambda: turn.phase == "done", 60)
        return turn


def speaker(name: str, *engines: EngineLike, **more: object) -> ChatSpeaker:
    made = list(engines)
    return ChatSpeaker(lambda: made.pop(0), name, **more)


@pytest.fixture
def talk():
    talks: list[Talk] = []

    def make(*engines: EngineLike, **of_speaker: object) -> Talk:
        talks.append(Talk(*engines, **of_speaker))
        return talks[-1]

    yield make
    for each in talks:
        each.session.close()
        each.store.close()


def test_the_conversation_goes_on_with_the_other_model(talk) -> None:
    small, large = ScriptedEngine([Answer(["Paris."])]), ScriptedEngine([Answer(["It is Paris, in France."])])
    chat = talk(small)
    first = chat.ask("Capital of France?")
    chat.change(speaker("large", large, adapter_name="LACIE", sampling=Sampling(temperature=0.7)))
    second = chat.ask("Are you sure?")
    assert [turn.content for turn in large.prompts[0]] == ["Capital of France?", "Paris.", "Are you sure?"]
    assert (first.params["model"], second.params["model"]) == ("small", "large")
    assert (second.params["adapter"], large.samplings[0].temperature) == ("LACIE", 0.7)
    assert chat.session.tree.path() == [first.parent, first, second.parent, second]
    listed = chat.store.list_conversations()[0]
    assert (listed.model, listed.adapter) == ("large", "LACIE"), "the history names who answered last"
    assert chat.count(SpeakerChanged) == 1


def test_the_old_engine_is_closed_before_the_new_one_is_made(talk) -> None:
    small, order = ScriptedEngine(), []

    def make() -> ScriptedEngine:
        order.append(small.closed)
        return ScriptedEngine()

    talk(small).change(ChatSpeaker(make, "large"))
    assert order == [True]


def test_a_model_that_cannot_be_loaded_leaves_the_one_before(talk) -> None:
    again = ScriptedEngine([Answer(["Still here."])])
    chat = talk(ScriptedEngine([Answer(["Paris."])]), again, baseline_calibrator=calibrator(acceptance=1.0))
    chat.ask("Capital of France?")
    broken = ScriptedEngine(load_error=EngineError("large.gguf is cut short: download it again."))
    chat.change(speaker("large", broken))
    assert chat.notices() == ["large: large.gguf is cut short: download it again. small stays."]
    assert broken.closed and chat.session.speaker.model_name == "small" and not chat.session.load_error
    turn = chat.ask("Are you there?")
    assert (turn.text, turn.params["model"]) == ("Still here.", "small")
    assert chat.store.list_conversations()[0].model == "small"


def test_a_question_asked_of_a_model_that_cannot_be_loaded_is_kept(talk) -> None:
    gate = Event()
    again = ScriptedEngine([Answer(["From the small one."])])
    chat = talk(ScriptedEngine(), again)
    broken = ScriptedEngine(load_gate=gate, load_error=EngineError("no memory"))
    chat.session.change_speaker(speaker("large", broken))
    turn = chat.session.send("An early question")
    gate.set()
    wait_for(lambda: turn.phase == "done")
    assert (turn.status, turn.problem, turn.params["model"]) == ("failed", "large can't be loaded", "large")
    assert chat.store.message(turn.parent.stored_id).text == "An early question"
    assert not again.prompts, "it was not asked of this one"
    retried = chat.session.regenerate(turn)
    wait_for(lambda: retried.phase == "done")
    assert retried.text == "From the small one."


def test_questions_asked_while_it_loads_wait_for_it(talk) -> None:
    gate = Event()
    large = ScriptedEngine([Answer(["From the large one."])], load_gate=gate)
    chat = talk(ScriptedEngine())
    chat.session.change_speaker(speaker("large", large))
    turn = chat.session.send("An early question")
    assert turn.phase == "waiting" and chat.session.why_unchangeable
    gate.set()
    wait_for(lambda: turn.phase == "done")
    assert (turn.text, turn.params["model"]) == ("From the large one.", "large")


def test_the_last_choice_counts_while_models_load(talk) -> None:
    gate = Event()
    slow = ScriptedEngine(load_gate=gate, load_error=EngineError("no memory"))
    third = ScriptedEngine([Answer(["Third."])])
    chat = talk(ScriptedEngine(), ScriptedEngine())
    chat.session.change_speaker(speaker("second", slow))
    chat.session.change_speaker(speaker("third", third))
    gate.set()
    turn = chat.ask("Who are you?")
    assert (turn.text, turn.params["model"], chat.session.speaker.model_name) == ("Third.", "third", "third")


def test_not_while_an_answer_is_written(talk) -> None:
    engine = ScriptedEngine([Answer(["a", "b"], hold_after=1)])
    chat = talk(engine)
    turn = chat.session.send("Question")
    wait_for(engine.held.is_set)
    assert chat.session.why_unchangeable.startswith("An answer is in progress")
    engine.go_on.set()
    wait_for(lambda: turn.phase == "done")
    assert not chat.session.why_unchangeable


def test_an_answer_being_listened_to_is_heard_by_its_own_engine(talk) -> None:
    gate, order = Event(), []

    class Slow(ScriptedReader):
        def complete(self, *arguments: object, **named: object) -> list[str]:
            assert gate.wait(20)
            order.append("heard")
            return super().complete(*arguments, **named)

    small = ScriptedEngine([Answer(["It is Paris."])], Slow("Paris", 0.9))
    chat = talk(small)
    turn = chat.session.send("Capital of France?")
    wait_for(lambda: turn.phase == "listening")

    def make() -> ScriptedEngine:
        order.append("made")
        return ScriptedEngine()

    chat.session.change_speaker(ChatSpeaker(make, "large"))
    gate.set()
    wait_for(lambda: "made" in order)
    assert order[-1] == "made" and "heard" in order
    assert turn.assessment is not None and turn.assessment.acceptance == pytest.approx(0.9)


def test_earlier_answers_keep_their_figures_and_the_calibrator_is_the_new_ones(talk) -> None:
    files = Origin("owner/large", None, "f" * 16)
    chat = talk(
        ScriptedEngine([Answer(["It is Paris."])], ScriptedReader("Paris", 0.9)),
        calibrator=calibrator(acceptance=1.0),
        origin=Origin("owner/small", None, "e" * 16),
    )
    first = chat.ask("Capital of France?")
    p_right = first.assessment.p_right
    assert p_right is not None
    large = ScriptedEngine([Answer(["It is Rome."])], ScriptedReader("Rome", 0.9))
    chat.change(speaker("large", large, origin=files))
    second = chat.ask("And of Italy?")
    assert first.assessment.p_right == p_right, "as it was given"
    assert second.assessment.acceptance == pytest.approx(0.9) and second.assessment.p_right is None
    assert second.params["model_ref"] == "owner/large" and second.params["fingerprint"] == "f" * 16
    assert not chat.session.folds.calibrated


def test_samples_of_the_old_model_are_not_drawn_by_the_new_one(talk) -> None:
    gate = Event()
    small = ScriptedEngine([Answer(["It is Paris."])], ScriptedReader("Paris", 0.9), sample_gate=gate)
    chat = talk(small)
    chat.session.agreement = 3
    turn = chat.session.send("Capital of France?")
    wait_for(lambda: turn.drawing and small.samples)
    large = ScriptedEngine()
    chat.change(speaker("large", large))
    assert not turn.drawing and not large.samples


def test_another_listener_is_said_of_earlier_answers(talk) -> None:
    chat = talk(ScriptedEngine([Answer(["It is Paris."])], ScriptedReader("Paris", 0.9)))
    turn = chat.ask("Capital of France?")
    assert turn.assessment is not None
    chat.change(replace(speaker("large", ScriptedEngine()), assessment_version="prompt-3.2-0123abcd.2"))
    assert turn.heard_otherwise


def test_it_ends_also_in_the_middle_of_a_change(talk) -> None:
    gate, made = Event(), Event()
    chat = talk(ScriptedEngine())
    loading = ScriptedEngine(load_gate=gate)

    def make() -> ScriptedEngine:
        made.set()
        return loading

    chat.session.change_speaker(ChatSpeaker(make, "large"))
    assert made.wait(15)
    chat.session.keeper.will_close()
    gate.set()
    chat.session.close()
    wait_for(lambda: loading.closed)


def test_a_load_that_is_stopped_brings_the_one_before_back(talk) -> None:
    again = ScriptedEngine([Answer(["Still here."])])
    chat = talk(ScriptedEngine(), again)
    assert not chat.session.is_loading and not chat.session.stop_loading()
    slow = ScriptedEngine(load_gate=Event())
    chat.session.change_speaker(speaker("large", slow))
    wait_for(lambda: chat.session.is_loading)
    loaded = chat.count(Loaded)
    assert chat.session.stop_loading() and not chat.session.stop_loading(), "once is enough"
    wait_for(lambda: chat.count(Loaded) > loaded)
    assert chat.notices() == ["large was not loaded. small answers again."] and slow.closed
    assert chat.session.speaker.model_name == "small" and not chat.session.load_error
    assert chat.ask("Are you there?").text == "Still here."


def test_the_first_model_is_not_stopped(talk) -> None:
    gate = Event()
    first = ScriptedEngine(load_gate=gate)
    store = Store.open()
    session = ChatSession(speaker("small", first), store, lambda event: None)
    session.start()
    assert not session.is_loading and not session.stop_loading(), "instead of it there would be none"
    gate.set()
    wait_for(lambda: session.info)
    session.close()
    store.close()


def test_a_real_load_is_stopped_in_its_middle(embedded_model: Path) -> None:
    engines: list[EngineProcess] = []
    events: list[ChatEvent] = []
    stopped: list[bool] = []

    def make() -> EngineProcess:
        engines.append(EngineProcess(EngineSettings(embedded_model, n_ctx=512, threads=1)))
        return engines[-1]

    def heard(event: ChatEvent) -> None:
        events.append(event)
        if isinstance(event, Loading) and event.fraction > 0 and session.speaker.model_name == "large" and not stopped:
            stopped.append(session.stop_loading())
            wait_for(lambda: engines[1].pid is None or not Path(f"/proc/{engines[1].pid}").exists())

    with Store.open() as store:
        session = ChatSession(ChatSpeaker(make, "small"), store, heard)
        session.start()
        wait_for(lambda: session.info, 120)
        session.change_speaker(ChatSpeaker(make, "large"))
        wait_for(lambda: sum(isinstance(event, Loaded) for event in events) == 2, 120)
        assert stopped == [True] and session.speaker.model_name == "small" and len(engines) == 3
        session.close()


def test_two_real_models_answer_in_one_conversation(embedded_model: Path, tmp_path: Path) -> None:
    """The same weights under another name: what is told apart are processes, names and files."""
    copy = tmp_path / "another.gguf"
    shutil.copy(embedded_model, copy)
    engines: list[EngineProcess] = []

    def maker(path: Path) -> Callable[[], EngineProcess]:
        def make() -> EngineProcess:
            assert all(engine.pid is None or not Path(f"/proc/{engine.pid}").exists() for engine in engines)
            engines.append(EngineProcess(EngineSettings(path, n_ctx=1024, threads=1)))
            return engines[-1]

        return make

    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(embedded_model.read_bytes()[:5_000_000])
    events: list[ChatEvent] = []
    with Store.open() as store:
        session = ChatSession(ChatSpeaker(maker(embedded_model), "first"), store, events.append, seed=lambda: 1)
        session.start()

        def ask(text: str) -> Turn:
            turn = session.send(text)
            wait_for(lambda: turn.phase == "done" and not session.busy, 240)
            assert turn.status == "complete" and turn.text, turn.problem
            return turn

        one = ask("Which river flows through Vienna? One sentence.")
        session.change_speaker(ChatSpeaker(maker(copy), "another"))
        two = ask("And through Paris? One sentence.")
        session.change_speaker(ChatSpeaker(maker(damaged), "damaged"))
        wait_for(lambda: any(isinstance(each, Notice) and "damaged" in each.message for each in events), 240)
        three = ask("And through London? One sentence.")
        assert [turn.params["model"] for turn in (one, two, three)] == ["first", "another", "another"]
        assert one.assessment and two.assessment and three.assessment
        assert len(engines) == 4 and len({engine.pid for engine in engines}) == 4
        session.close()
    assert all(engine.pid is None or not Path(f"/proc/{engine.pid}").exists() for engine in engines)
