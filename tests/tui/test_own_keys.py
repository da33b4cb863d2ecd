"""The user's own keys: read from the settings file, moved there from where earlier versions had them, and checked."""

import json
from pathlib import Path

from scripted import Answer, ScriptedEngine

from lacie_chat.engine.errors import EngineError
from lacie_chat.settings import Settings, read_settings
from lacie_chat.tui.own_keys import wrong_keys


async def test_keys_of_the_settings_file_are_the_keys(driven, danube, data_dir: Path) -> None:
    (data_dir / "config.toml").write_text('[keys]\n"answer.right" = "f4"\nchat.agreement = "alt+k"\n')
    async with driven(danube, size=(80, 50), settings=Settings(read_settings())) as driver:
        turn = await driver.ask("Which river?")
        await driver.pilot.press("f4")
        await driver.until(lambda: turn.correct is True)
        await driver.pilot.press("alt+k")
        assert driver.session.agreement == 5
        await driver.pilot.press("f1")
        await driver.until(lambda: "What stands under an answer" in driver.text())
    assert json.loads((data_dir / "interface.json").read_text())["keys"] == {}


OWN = """[keys]
"view.help" = "alt+1"
"chat.history" = "alt+2"
"chat.model" = "alt+3"
"chat.reload" = "alt+5"
"answer.stop" = "alt+7"
"history.restore" = "alt+8"
"models.close" = "alt+9"
"""


async def test_texts_name_the_keys_that_there_are_now(driven, data_dir: Path) -> None:
    """What fails, what waits and what was deleted says what to press; the footer of another screen too."""
    (data_dir / "config.toml").write_text(OWN)
    wide, held = (120, 40), ScriptedEngine([Answer(["It is ", "so."], hold_after=1)])
    broken = ScriptedEngine(load_error=EngineError("broken.gguf is cut short"))
    async with driven(broken, size=wide, settings=Settings(read_settings())) as driver:
        await driver.until(lambda: "alt+5 tries again · alt+3 takes another model" in driver.text())
        await driver.until(lambda: "alt+2 history" in driver.text().replace("\u00a0", " "))
        await driver.shows("alt+1 Help")
    async with driven(held, size=wide, settings=Settings(read_settings())) as driver:
        await driver.shows("alt+3 lists better ones")
        await driver.type("Is it so?")
        await driver.pilot.press("enter")
        await driver.until(held.held.is_set)
        await driver.until(lambda: "Answering… alt+7 stops" in driver.text())
        held.go_on.set()
        await driver.until(lambda: not driver.session.busy)
        await driver.pilot.press("alt+2", "ctrl+x")
        await driver.until(lambda: driver.told[-1] == "Deleted “Is it so?”; alt+8 takes it back.")
        await driver.until(lambda: driver.text().splitlines()[-1].startswith("alt+8 Take back"))


async def test_an_action_that_shares_a_key_keeps_it(driven, data_dir: Path) -> None:
    """Escape stops an answer, and goes back; with another key to go back it still stops."""
    (data_dir / "config.toml").write_text('[keys]\n"view.back" = "alt+k"\n')
    held = ScriptedEngine([Answer(["It is ", "so."], hold_after=1)])
    async with driven(held, settings=Settings(read_settings())) as driver:
        await driver.type("Is it so?")
        await driver.pilot.press("enter")
        await driver.until(held.held.is_set)
        await driver.pilot.press("ctrl+t", "alt+k")
        assert not driver.chat.details.display
        turn = driver.session.tree.leaf
        await driver.pilot.press("escape")
        await driver.until(lambda: turn is not None and turn.status == "cancelled")


async def test_keys_of_an_earlier_version_are_moved_once(driven, data_dir: Path) -> None:
    old, path = data_dir / "interface.json", data_dir / "config.toml"
    old.write_text('{"keys": {"chat.new": "f2", "view.help": "f3"}, "theme": "nord"}')
    path.write_text('# mine\n[keys]\n"view.help" = "f1"  # as it was\n')
    async with driven(settings=Settings(read_settings())) as driver:
        assert driver.app.state.keys == {"chat.new": "f2", "view.help": "f1"}
    assert path.read_text().startswith('# mine\n[keys]\n"view.help" = "f1"  # as it was\n')
    assert read_settings().keys == {"chat.new": "f2", "view.help": "f1"}
    assert json.loads(old.read_text())["keys"] == {} and json.loads(old.read_text())["theme"] == "nord"
    path.write_text("")
    async with driven(settings=Settings(read_settings())) as driver:
        assert driver.app.state.keys == {}
    assert path.read_text() == ""


async def test_where_they_can_not_be_moved_they_hold_all_the_same(driven, data_dir: Path) -> None:
    old, path = data_dir / "interface.json", data_dir / "config.toml"
    old.write_text('{"keys": {"chat.new": "f2"}}')
    path.write_text("broken = ")
    async with driven(settings=Settings(read_settings())) as driver:
        assert driver.app.state.keys == {"chat.new": "f2"}
    assert json.loads(old.read_text())["keys"] == {"chat.new": "f2"} and path.read_text() == "broken = "


def test_what_is_wrong_with_them_is_a_line_each() -> None:
    assert wrong_keys({"chat.new": "f2", "history.delete": "f8", "compare.words": "x"}) == []
    action, key = wrong_keys({"chat.nwe": "f2", "view.help": "h"})
    assert action == "[keys]: there is no action 'chat.nwe'; did you mean chat.new?"
    assert key.startswith("Ignored, for what writes text is no command: h for view.help.")
    assert wrong_keys({"nothing": "f2"}) == ["[keys]: there is no action 'nothing'"]
