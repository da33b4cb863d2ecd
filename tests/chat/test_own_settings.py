"""What a conversation is set to: how its answers are made, what of it is kept with them, and that it comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fitted import calibrator
from scripted import Answer, ScriptedEngine, wait_for

from lacie_chat.chat.events import ChatEvent
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import Turn
from lacie_chat.chat.unheard import calibrator_for
from lacie_chat.confidence import WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.settings import Held, Settings, SettingsError, read_settings
from lacie_chat.tui.widgets.details import details_content

FILE = """\
temperature = 0.3
system_prompt = "Be kind."
[presets.brief]
system_prompt = "Be brief."
max_tokens = 40
"""


class Talk:
    def __init__(self, settings: Settings, **speaker: object) -> None:
        self.engine = ScriptedEngine([Answer(["Yes."]) for _ in range(8)])
        self.events: list[ChatEvent] = []
        self.store = Store.open()
        answers = ChatSpeaker(lambda: self.engine, "model", **speaker)  # type: ignore[arg-type]
        self.session = ChatSession(answers, self.store, self.events.append, settings=settings, seed=lambda: 9)

    def ask(self, text: str = "Is it so?") -> Turn:
        turn = self.session.send(text)
        wait_for(lambda: turn.phase == "done" and turn.assessment is not None)
        return turn

    @property
    def id(self) -> str:
        assert self.session.tree.conversation_id is not None
        return self.session.tree.conversation_id


@pytest.fixture
def path(data_dir: Path) -> Path:
    path = data_dir / "config.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def talk(path: Path) -> Iterator[Talk]:
    found = Talk(Settings(read_settings(path)))
    yield found
    found.session.close()
    found.store.close()


def test_what_an_answer_was_made_with_is_kept_with_it(talk: Talk) -> None:
    turn = talk.ask()
    assert talk.engine.prompts[-1] == [ChatTurn("system", "Be kind."), ChatTurn("user", "Is it so?")]
    assert talk.engine.samplings[-1] == Sampling(temperature=0.3, seed=9)
    talk.session.making.take_preset("brief", talk.id)
    brief = talk.ask("And now?")
    assert talk.engine.prompts[-1][0] == ChatTurn("system", "Be brief.") and len(talk.engine.prompts[-1]) == 4
    first, second = (talk.store.message(each.stored_id or 0).params for each in (turn, brief))
    assert (first["system_prompt"], first.get("preset")) == ("Be kind.", None)
    assert (second["system_prompt"], second["preset"], second["sampling"]["max_tokens"]) == ("Be brief.", "brief", 40)


def test_a_conversation_has_its_own_and_others_have_not(talk: Talk) -> None:
    making, session = talk.session.making, talk.session
    making.set_here("temperature", 0.9, None)  # before there is a conversation
    making.set_here("seed", 5, None)
    talk.ask()
    first = talk.id
    assert talk.store.own_settings(first) == {"temperature": 0.9, "seed": 5}
    assert talk.engine.samplings[-1] == Sampling(temperature=0.9, seed=5)
    session.new_chat()
    talk.ask()
    assert talk.engine.samplings[-1] == Sampling(temperature=0.3, seed=9) and talk.store.own_settings(talk.id) == {}
    session.open(first)
    talk.ask()
    assert talk.engine.samplings[-1].temperature == 0.9
    making.set_here("temperature", None, first)
    assert talk.store.own_settings(first) == {"seed": 5} and session.sampling.temperature == 0.3


def test_it_comes_back_after_a_restart(talk: Talk, path: Path) -> None:
    talk.session.making.take_preset("brief", None)
    talk.ask()
    talk.session.making.set_here("temperature", 0.8, talk.id)
    again = Talk(Settings(read_settings(path)))
    again.session.open(talk.id)
    assert (again.session.sampling.temperature, again.session.sampling.max_tokens) == (0.8, 40)
    assert again.session.making.kept() == {"system_prompt": "Be brief.", "preset": "brief"}
    again.session.close()
    again.store.close()


def test_with_a_seed_that_is_set_answering_again_gives_another_answer(talk: Talk) -> None:
    talk.session.making.set_here("seed", 2**31 - 1, None)
    turn = talk.ask()
    again = talk.session.regenerate(turn)
    wait_for(lambda: again.assessment is not None)
    assert [each.seed for each in talk.engine.samplings] == [2**31 - 1, 0]


def test_for_all_goes_into_the_file_and_before_what_the_conversation_had(talk: Talk, path: Path) -> None:
    making = talk.session.making
    making.set_here("temperature", 0.9, None)
    making.set_for_all("temperature", 0.1, None)
    assert making.held("temperature", talk.session.speaker) == Held(0.1, "file") and making.own == {}
    assert "temperature = 0.1" in path.read_text() and talk.session.sampling.temperature == 0.1
    path.write_text("broken = ")
    with pytest.raises(SettingsError, match="nothing is written"):
        making.set_for_all("temperature", 0.2, None)
    assert talk.session.sampling.temperature == 0.1


def test_a_preset_is_made_of_all_that_is_set(talk: Talk, path: Path) -> None:
    making = talk.session.making
    making.set_here("top_k", 7, None)
    assert making.save_preset("mine", None) == {"system_prompt": "Be kind.", "temperature": 0.3, "top_k": 7}
    assert read_settings(path).presets["mine"]["top_k"] == 7
    assert making.own == {"preset": "mine"} and talk.session.sampling.top_k == 7
    making.take_preset(None, None)
    assert talk.session.sampling.top_k == Sampling().top_k and making.kept() == {"system_prompt": "Be kind."}


def test_what_a_flag_says_goes_first_until_it_is_set_in_the_chat(path: Path) -> None:
    talk = Talk(Settings(read_settings(path), {"temperature": 0.0}, "brief"), sampling=Sampling(top_k=20))
    making, speaker = talk.session.making, talk.session.speaker
    making.set_here("top_p", 0.5, None)
    assert making.held("temperature", speaker) == Held(0.0, "flag")
    assert making.held("max_tokens", speaker) == Held(40, "preset brief")
    assert making.held("top_k", speaker) == Held(20, "model")
    making.set_here("temperature", 0.7, None)
    assert making.held("temperature", speaker) == Held(0.7, "conversation")
    talk.session.close()
    talk.store.close()


def test_a_model_that_knows_no_thought_is_not_told_to_think(path: Path) -> None:
    talk = Talk(Settings(read_settings(path), {"reasoning": "on"}), can_think=False)
    assert talk.session.sampling.reasoning is None
    talk.session.close()
    talk.store.close()


def test_the_details_of_an_answer_show_it(talk: Talk) -> None:
    talk.session.making.take_preset("brief", None)
    shown = details_content(talk.ask(), 46).plain
    rows = [line.split(maxsplit=1) for line in shown[shown.index("How it was made") :].splitlines()[1:]]
    assert ["preset", "brief"] in rows and ["length", "at most 40 tokens"] in rows and ["seed", "9"] in rows
    assert "told first" in shown and "Be brief." in shown


def test_the_calibrator_goes_with_the_way_of_drawing(path: Path) -> None:
    """Each way has its own, or none: what is set in the chat brings that of the new way."""
    way = WayOfDrawing.of(Sampling(temperature=0.2), "Be kind.")
    cool = calibrator(acceptance=1.0, sampling=way)
    at = {way: cool}
    talk = Talk(Settings(read_settings(path)), calibrators_at=lambda way: (at.get(way), at.get(way)))
    session = talk.session
    talk.ask()
    assert not session.speaker.is_calibrated
    session.making.set_here("temperature", 0.2, talk.id)
    assert session.speaker.calibrator == cool and session.folds.calibrated
    told_so = talk.ask()
    session.making.set_here("system_prompt", "Be brief.", talk.id)
    assert session.speaker.calibrator is None and not session.folds.calibrated, "what it is told first counts, too"
    other = talk.ask()
    session.making.set_here("system_prompt", None, talk.id)
    assert session.speaker.calibrator == cool
    assert calibrator_for(session.speaker, told_so) == cool and calibrator_for(session.speaker, other) is None
    session.new_chat()
    assert session.speaker.calibrator is None and not session.folds.calibrated
    session.close()
    talk.store.close()
