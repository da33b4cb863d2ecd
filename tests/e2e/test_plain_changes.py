"""The plain chat's /model and /settings: another model and other settings, a line at a time."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from plain_lines import interrupt, river
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.chat.choices import Choice
from lacie_chat.chat.choosing import Found
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.commands import plain_models
from lacie_chat.commands.plain_chat import PlainChat
from lacie_chat.engine.errors import EngineError
from lacie_chat.errors import LacieError
from lacie_chat.models import Offer
from lacie_chat.settings import OPTIONS, Settings, read_settings

FILE = """\
temperature = 0.3
[presets.brief]
max_tokens = 40
"""


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    path = data_dir / "config.toml"
    path.write_text(FILE)
    return Settings(read_settings(path))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    choices = [Choice("m", "Model", 98_000_000, source="package"), Choice("ollama:big", "Big", 4_000_000_000)]
    monkeypatch.setattr(plain_models, "choices_here", lambda: (choices, ("can't look into /models/old",)))
    monkeypatch.setattr(plain_models, "look_up", lambda ref: None)


def finds(*engines: ScriptedEngine, name: str = "Big", **more: object) -> Callable[..., Found]:
    made = list(engines)

    def find(ref: str, on_progress: Callable[[float, str], None]) -> Found:
        if ref == "none":
            raise LacieError("no such model: 'none'")
        for step in range(1, 5):
            on_progress(step / 4, "")
        origin = Origin(ref, None, ref)
        return Found(ChatSpeaker(lambda: made.pop(0), name, origin=origin, baseline_origin=origin), ("A line of it.",))

    return find


@pytest.mark.usefixtures("here")
def test_models_are_named_and_one_is_taken_by_its_number(talk) -> None:
    big = ScriptedEngine([Answer(["From the big one."])], ScriptedReader("none"))
    said = talk(river("It is the Danube."), "Which?", "/model", "/model 2", "Sure?", find=finds(big))
    assert "1: Model, 98 MB, package.\n2: Big, 4.0 GB.\nNote: can't look into /models/old\n/model 2 takes" in said
    assert "Note: A line of it.\nLoading Big.\nFrom now on: Big.\nYou: Sure?\nAnswer: From the big one." in said
    assert [turn.content for turn in big.prompts[0]] == ["Which?", "It is the Danube.", "Sure?"]


@pytest.mark.usefixtures("here")
def test_what_can_not_be_had_or_loaded_leaves_the_one_before(talk) -> None:
    broken = ScriptedEngine(load_error=EngineError("big.gguf is cut short."))
    made = [ScriptedEngine(), river("Still here.")]
    said = talk(made, "/model none", "/model 2", "Who?", find=finds(broken))
    assert "You: /model none\nno such model: 'none'.\n" in said
    assert "Note: Big: big.gguf is cut short. Model stays.\nFrom now on: Model + LACIE.\n" in said
    assert "Answer: Still here." in said


def test_an_engine_that_gives_no_sign_of_life_is_named_and_ctrl_c_takes_another(
    talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = ScriptedEngine([Answer(["never"], hold_after=0)])
    waiting = PlainChat._next
    looked: list[bool] = []

    def pressed(chat: PlainChat) -> object:
        stuck.silent = stuck.held.is_set() and not stuck.dead
        looked.append(chat.session.keeper.silent)
        if looked[-2:] == [True, True]:  # it has been said by now
            monkeypatch.setattr(PlainChat, "_next", waiting)
            interrupt()
        return waiting(chat)

    monkeypatch.setattr(PlainChat, "_next", pressed)
    said = talk([stuck, river("Here I am.")], "Who?", "Anyone?")
    assert said.count("(The engine doesn't answer. Ctrl+c stops the answer and starts a new engine.)") == 1
    assert "Answer: Here I am." in said and "never" not in said


@pytest.mark.usefixtures("here")
def test_ctrl_c_stops_the_loading_and_the_one_before_is_back(talk, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ScriptedEngine(load_gate=Event())
    waiting = PlainChat._next

    def pressed(chat: PlainChat) -> object:
        if chat.session.is_loading:
            monkeypatch.setattr(PlainChat, "_next", waiting)
            interrupt()
        return waiting(chat)

    monkeypatch.setattr(PlainChat, "_next", pressed)
    said = talk([ScriptedEngine(), river("Still here.")], "/model 2", "Who?", find=finds(slow))
    assert "Note: Big was not loaded. Model + LACIE" not in said
    assert "Note: Big was not loaded. Model answers again.\nFrom now on: Model + LACIE.\n" in said
    assert "Answer: Still here." in said


@pytest.mark.usefixtures("here")
def test_what_is_not_here_is_fetched_by_the_same_line_once_more(talk, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = Offer("Owner/Big-GGUF:Q4_K_M", "Big-Q4_K_M", 4_000_000_000, 1_500_000_000, ())
    monkeypatch.setattr(plain_models, "look_up", lambda ref: offer)
    big = ScriptedEngine()
    said = talk(ScriptedEngine(), "/model Owner/Big-GGUF", "/model Owner/Big-GGUF", find=finds(big))
    asked, fetched = said.split("The same line once more fetches it.\n")
    assert asked.endswith("Big-Q4_K_M is not here: 1.5 GB would be fetched. ") and "Loading" not in asked
    assert "25 % fetched.\n50 % fetched.\n75 % fetched.\n100 % fetched.\n" in fetched and "From now on: Big." in fetched


def test_settings_are_said_and_set(talk, settings: Settings) -> None:
    engine = river("One.", "Two.", "Three.")
    said = talk(
        engine, "/settings", "/settings temperature 0.7", "Which?", "/settings temperature default",
        "/settings all seed 5", "/settings preset brief", "And?", "/settings top-p", "/settings temperature hot",
        "/settings temprature 1", "/settings preset odd", settings=settings,
    )  # fmt: skip
    for option in OPTIONS:
        assert f"\n{option.name}: " in said
    order = [
        "preset: none.", "temperature: 0.3 (the settings file).", "temperature: 0.7 (this conversation).",
        "temperature: 0.3 (the settings file).", "seed: 5 (the settings file).", "preset: brief. There are: brief.",
        "top_p: what the model's file recommends", "Allowed: a number from 0 to 1.", "Not set: hot is not a number",
        "There is no option temprature; did you mean temperature? /settings says them.",
        "There is no preset odd. There are: brief.",
    ]  # fmt: skip
    place = 0
    for part in order:
        place = said.index(part, place)
    assert (engine.samplings[0].temperature, engine.samplings[1].temperature) == (0.7, 0.3)
    assert (engine.samplings[1].seed, engine.samplings[1].max_tokens) == (5, 40)
    assert read_settings(settings.file.path).values["seed"] == 5


def test_a_system_prompt_may_have_several_lines(talk, settings: Settings) -> None:
    engine = river("Yes.")
    talk(engine, "/settings system_prompt Be brief.\\", "Be kind.", "Why?", settings=settings)
    assert [turn.content for turn in engine.prompts[0]] == ["Be brief.\nBe kind.", "Why?"]


def test_another_context_loads_the_model_again(talk, settings: Settings) -> None:
    first, second = ScriptedEngine(), river("Again.")
    asked: list[object] = []

    def engine_with(held: dict[str, object]) -> Callable[[], ScriptedEngine]:
        asked.append(held["context"])
        return lambda: second

    said = talk(first, "/settings context 1024", "Who?", settings=settings, engine_with=engine_with)
    assert "context: 1024 (the settings file).\nLoading Model.\nFrom now on: Model + LACIE.\n" in said
    assert asked == [1024] and first.closed and "Answer: Again." in said
