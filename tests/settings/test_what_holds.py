"""Who goes before whom: flag, preset, conversation, file, model, default."""

from pathlib import Path

import pytest

from lacie_chat.engine.settings import Sampling
from lacie_chat.settings import Held, Settings, SettingsError, SettingsFile, parse_settings

FILE = parse_settings(
    "temperature = 0.3\nseed = 4\n[presets.hot]\ntemperature = 1.5\ntop_p = 0.5\n[presets.cold]\ntemperature = 0.0\n"
    'system_prompt = " Be brief. "\n',
    Path("config.toml"),
)


def test_each_goes_before_the_next() -> None:
    own = {"temperature": 0.6, "preset": "cold"}
    assert Settings(FILE, {"temperature": 0.9}, "hot").held("temperature", own) == Held(0.9, "flag")
    assert Settings(FILE, {}, "hot").held("temperature", own) == Held(1.5, "preset hot")
    assert Settings(FILE).held("temperature", own) == Held(0.6, "conversation")
    assert Settings(FILE).held("temperature", {"preset": "cold"}) == Held(0.0, "preset cold")
    assert Settings(FILE).held("temperature", {}, {"temperature": 0.7}) == Held(0.3, "file")
    empty = Settings(SettingsFile(Path("config.toml")))
    assert empty.held("temperature", {}, {"temperature": 0.7}) == Held(0.7, "model")
    assert empty.held("max_tokens") == Held(512, "default") and empty.held("temperature") == Held(None, "default")


def test_an_answer_is_drawn_as_they_say_over_what_the_model_recommends() -> None:
    base = Sampling(temperature=0.6, top_k=20)
    assert Settings(SettingsFile(Path("c"))).sampling(base) == base
    drawn = Settings(FILE, {"max_tokens": 9, "reasoning": 0}, "cold").sampling(base)
    assert drawn == Sampling(temperature=0.0, top_k=20, max_tokens=9, seed=4, reasoning="off")
    assert Settings(FILE, preset="cold").system_prompt() == "Be brief." and Settings(FILE).system_prompt() == ""
    assert Settings(FILE).seeded() == 4 and Settings(SettingsFile(Path("c"))).seeded() is None


def test_a_preset_that_is_not_there_is_one_line() -> None:
    with pytest.raises(SettingsError, match=r"^there is no preset 'hott'; did you mean hot\?$"):
        Settings(FILE, preset="hott")
    with pytest.raises(SettingsError, match=r"write \[presets\.x\] into"):
        Settings(SettingsFile(Path("c")), preset="x")


def test_what_a_conversation_keeps_may_be_of_another_version() -> None:
    own = {"temperature": 99, "unheard_of": 1, "preset": "gone", "top_k": 7}
    settings = Settings(FILE)
    assert settings.said(own) == {"temperature": 0.3, "seed": 4, "top_k": 7}
    assert settings.preset_in_use(own) is None and settings.preset_in_use({"preset": "hot"}) == "hot"


def test_what_is_set_in_the_chat_goes_before_what_it_was_started_with(tmp_path: Path) -> None:
    settings = Settings(SettingsFile(tmp_path / "config.toml", presets=FILE.presets), {"temperature": 0.9}, "hot")
    settings.write({"temperature": 0.1})
    assert settings.held("temperature") == Held(0.1, "file")
    settings.write_preset("mine", {"top_p": 0.4})
    settings.take_preset()
    assert settings.held("top_p", {"preset": "mine"}) == Held(0.4, "preset mine")
