"""A comparison in the chat with another adapter, or with another model, which has an engine for as long as it lasts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from fitted import calibrator
from scripted import Answer, ScriptedEngine, wait_for
from two_sided import Ears

from lacie_chat.chat.compared import SIDES, sides_of
from lacie_chat.chat.comparing import Comparison
from lacie_chat.chat.events import ChatEvent
from lacie_chat.chat.others import Against
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.settings import Sampling
from lacie_chat.settings import Settings
from lacie_chat.settings.file import SettingsFile

SURE, UNSURE, OTHER = "It is Tokyo.", "I think it is Tokyo.", "It is Kyoto."


def speaker(
    engine: Callable[[], ScriptedEngine], model: str = "model", adapter: str | None = "own", p: float = 0.0
) -> ChatSpeaker:
    pair = f"{model}-{adapter}" if adapter else model
    return ChatSpeaker(
        engine,  # type: ignore[arg-type]
        model,
        adapter,
        calibrator=calibrator(p, acceptance=1.0) if p else None,
        origin=Origin(model, adapter, pair),
        baseline_origin=Origin(model, None, model),
        adapter_path=Path(f"/{adapter}.gguf") if adapter else None,
    )


def nobody() -> ScriptedEngine:
    raise AssertionError("over the same weights it needs no engine")


class Chat:
    """A session of `own` with one question answered."""

    def __init__(
        self, store: Store, engine: ScriptedEngine, adapter: str | None = "own", settings: Settings | None = None
    ) -> None:
        self.events: list[ChatEvent] = []
        own = speaker(lambda: engine, adapter=adapter)
        self.session = ChatSession(own, store, self.events.append, seed=lambda: 5, settings=settings)
        self.session.start()
        self.answer = self.session.send("What is the capital of Japan?")
        wait_for(lambda: self.answer.phase == "done")
        assert self.answer.parent is not None
        self.question: Turn = self.answer.parent

    def compare(self, other: ChatSpeaker) -> Comparison:
        comparison = Comparison(self.session, self.question, self.events.append, Against(other))
        comparison.begin()
        return comparison


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open() as store:
        yield store


@pytest.fixture
def chats(store: Store) -> Iterator[Callable[..., Chat]]:
    made: list[Chat] = []

    def make(*args: object, **more: object) -> Chat:
        made.append(Chat(store, *args, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for chat in made:
        chat.session.close()


def ended(comparison: Comparison) -> bool:
    turns = [turn for side in SIDES for turn in comparison.samples[side]]
    return all(turn.phase == "done" and turn.status != "streaming" for turn in turns)


def texts(comparison: Comparison) -> list[str]:
    return [comparison.samples[side][0].text for side in SIDES]


def test_another_adapter_answers_from_the_chats_engine(chats: Callable[..., Chat]) -> None:
    engine = ScriptedEngine([Answer(["First."]), Answer([SURE]), Answer([SURE])], Ears())
    chat = chats(engine)
    other = speaker(nobody, adapter="other", p=-1.0)
    comparison = chat.compare(other)
    wait_for(lambda: ended(comparison))
    assert sorted(map(str, engine.adapters[1:])) == ["/other.gguf", "None"]
    left, right = (comparison.samples[side][0] for side in SIDES)
    assert (left.params["adapter"], right.params["adapter"]) == ("other", "own")
    assert not left.baseline and not right.baseline
    assert left.assessment is not None and right.assessment is not None
    assert left.assessment.p_right is not None, "by its own calibrator"
    assert right.assessment.p_right is None
    assert (comparison.sides["left"].name, comparison.sides["right"].name) == ("other", "own")
    comparison.close()


def test_another_model_has_an_engine_that_ends_with_the_comparison(chats: Callable[..., Chat]) -> None:
    chat = chats(ScriptedEngine([Answer(["First."]), Answer([SURE])], Ears()))
    theirs = ScriptedEngine([Answer([OTHER])])
    comparison = chat.compare(speaker(lambda: theirs, "big", None, p=-1.0))
    wait_for(lambda: ended(comparison))
    assert texts(comparison) == [OTHER, SURE]
    left = comparison.samples["left"][0]
    assert (left.params["model"], left.params["adapter"]) == ("big", None)
    assert left.assessment is not None and left.assessment.p_right is not None
    assert (comparison.sides["left"].title, comparison.sides["right"].title) == ("big", "model + own")
    assert not theirs.closed
    comparison.close()
    wait_for(lambda: theirs.closed)
    assert not chat.session.load_error and chat.session.info is not None, "the chat's own is as it was"


def test_the_two_models_take_turns(chats: Callable[..., Chat]) -> None:
    chat = chats(ScriptedEngine([Answer(["First."]), Answer([SURE])], Ears()))
    theirs = ScriptedEngine([Answer(["It is", " Kyoto."], hold_after=1)])
    comparison = chat.compare(speaker(lambda: theirs, "big", None))
    left, right = (comparison.samples[side][0] for side in SIDES)
    wait_for(lambda: bool(left.text) or right.status == "complete")
    if right.status != "complete":
        assert right.phase == "waiting"
    theirs.go_on.set()
    wait_for(lambda: ended(comparison))
    assert texts(comparison) == [OTHER, SURE]
    comparison.close()


def test_a_model_that_cannot_be_loaded_fails_its_side_alone(chats: Callable[..., Chat]) -> None:
    chat = chats(ScriptedEngine([Answer(["First."]), Answer([SURE])], Ears()))
    broken = ScriptedEngine([])
    broken.load_error = EngineError("Not enough memory for big.gguf.")
    comparison = chat.compare(speaker(lambda: broken, "big", None))
    wait_for(lambda: ended(comparison))
    left, right = (comparison.samples[side][0] for side in SIDES)
    assert (left.status, left.problem) == ("failed", "Not enough memory for big.gguf.")
    assert (right.status, right.text) == ("complete", SURE)
    assert broken.closed and chat.session.load_error == ""
    comparison.close()


def test_leaving_while_the_other_is_loaded_or_answers(chats: Callable[..., Chat]) -> None:
    chat = chats(ScriptedEngine([Answer(["First."]), Answer([SURE])], Ears()))
    gate = Event()
    loading = ScriptedEngine([Answer([OTHER])], load_gate=gate)
    comparison = chat.compare(speaker(lambda: loading, "big", None))
    comparison.close()
    gate.set()
    wait_for(lambda: ended(comparison))
    assert comparison.samples["left"][0].status == "cancelled"
    assert comparison.samples["left"][0].text == ""


def test_what_was_compared_is_there_again_and_another_other_is_another(chats: Callable[..., Chat]) -> None:
    engine = ScriptedEngine([Answer(["First."]), *(Answer([SURE]) for _ in range(2))])
    chat = chats(engine)
    theirs = [ScriptedEngine([Answer([OTHER])]), ScriptedEngine([])]
    big = speaker(lambda: theirs.pop(0), "big", None)
    first = chat.compare(big)
    wait_for(lambda: ended(first))
    first.close()
    again = chat.compare(big)
    assert [again.samples[side][0] for side in SIDES] == [first.samples[side][0] for side in SIDES]
    assert len(theirs) == 1, "nothing had to be answered, so nothing was loaded"
    again.close()


def test_a_chat_without_an_adapter_stands_against_one(chats: Callable[..., Chat]) -> None:
    engine = ScriptedEngine([Answer(["First."]), Answer([SURE]), Answer([SURE])], Ears())
    chat = chats(engine, adapter=None)
    comparison = chat.compare(speaker(nobody, adapter="other"))
    wait_for(lambda: ended(comparison))
    assert [comparison.sides[side].name for side in SIDES] == ["other", "the baseline"]
    assert [comparison.samples[side][0].params["adapter"] for side in SIDES] == ["other", None]
    comparison.close()


def test_the_model_alone_is_the_baseline() -> None:
    own = speaker(nobody)
    sides = sides_of(own, Against(speaker(nobody, adapter=None)))
    assert sides == sides_of(own, Against())
    assert (sides["left"].name, sides["left"].baseline, sides["right"].name) == ("the baseline", True, "the adapter")
    twice = sides_of(own, Against(speaker(nobody, "other", "own")))
    assert [twice[side].name for side in SIDES] == ["other + own", "model + own"]
    same = sides_of(own, Against(speaker(nobody, "model", "own")))
    assert [same[side].name for side in SIDES] == ["own (left)", "own (right)"]
    assert Sampling() == own.sampling


def test_the_chats_own_by_a_preset(chats: Callable[..., Chat]) -> None:
    engine = ScriptedEngine([Answer(["First."]), Answer([SURE]), Answer([SURE])], Ears())
    presets = {"pirate": {"system_prompt": "Answer as a pirate.", "temperature": 0.9}}
    chat = chats(engine, settings=Settings(SettingsFile(presets=presets)))
    comparison = Comparison(chat.session, chat.question, chat.events.append, Against(preset="pirate"))
    comparison.begin()
    wait_for(lambda: ended(comparison))
    left, right = (comparison.samples[side][0] for side in SIDES)
    assert (left.params["preset"], left.params["system_prompt"]) == ("pirate", "Answer as a pirate.")
    assert "preset" not in right.params and "system_prompt" not in right.params
    drawn = [turn.params["sampling"] for turn in (left, right)]
    assert [each["temperature"] for each in drawn] == [0.9, 0.2]
    assert drawn[0]["seed"] == drawn[1]["seed"]
    told = [[turn.role for turn in prompt] for prompt in engine.prompts[1:]]
    assert sorted(told) == [["system", "user"], ["user"]]
    assert left.params["adapter"] == right.params["adapter"] == "own" and not left.baseline
    comparison.close()
    again = Comparison(chat.session, chat.question, chat.events.append, Against(preset="pirate"))
    again.begin()
    assert [again.samples[side][0] for side in SIDES] == [left, right], "it is there again"
    again.close()
    baseline = Comparison(chat.session, chat.question, chat.events.append)
    assert not baseline._restore() or baseline.samples["left"][0] is not left
    baseline.close()
