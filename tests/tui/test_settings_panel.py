"""The settings in the chat: seen, changed for a conversation or for all, presets, and a model that is loaded again."""

from pathlib import Path

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine
from textual.widgets import OptionList

from lacie_chat.engine.settings import ChatTurn
from lacie_chat.settings import Settings, read_settings
from lacie_chat.tui.screens.confirm import ChoiceScreen, NameScreen
from lacie_chat.tui.screens.settings import SettingsScreen

FILE = """\
# mine
temperature = 0.3

[presets.brief]
system_prompt = "Be brief."
max_tokens = 40
"""


@pytest.fixture
def path(data_dir: Path) -> Path:
    path = data_dir / "config.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def speaks() -> ScriptedEngine:
    return ScriptedEngine([Answer(["Yes."]) for _ in range(4)])


async def panel(driver: Driver, name: str = "") -> SettingsScreen:
    """Opened by its key, with the highlight on an option."""
    await driver.pilot.press("ctrl+x")
    await driver.until(lambda: isinstance(driver.app.screen, SettingsScreen))
    screen = driver.app.screen
    assert isinstance(screen, SettingsScreen)
    if name:
        await move(driver, name)
    return screen


async def move(driver: Driver, name: str) -> None:
    screen = driver.app.screen
    assert isinstance(screen, SettingsScreen)
    while screen._option_name != name:
        await driver.pilot.press("down")


async def write(driver: Driver, text: str, *keys: str) -> None:
    """Begin to change the option at hand, write this instead, and press these."""
    await driver.pilot.press("enter")
    screen = driver.app.screen
    assert isinstance(screen, SettingsScreen) and screen.editor.has_focus
    screen.editor.clear()
    await driver.pilot.press(*(" " if each == " " else each for each in text))
    await driver.pilot.press(*keys)


def row(driver: Driver, name: str) -> str:
    return next(line for line in driver.text().splitlines() if line.strip().startswith(name)).split(name, 1)[1].strip()


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 50)])
async def test_every_option_says_its_value_and_who_says_so(driven, path: Path, size: tuple[int, int]) -> None:
    async with driven(size=size, settings=Settings(read_settings(path), {"top_k": 7})) as driver:
        await driver.until(lambda: driver.session.info is not None)
        screen = await panel(driver, "temperature")
        assert row(driver, "temperature") == "0.3  file"
        await move(driver, "top_k")
        assert row(driver, "top_k") == "7  flag"
        await move(driver, "context")
        assert "2048" in row(driver, "context") and driver.text().count("\n") <= size[1]
        assert screen.query_one(OptionList).size.height >= 4
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.chat.composer.has_focus


async def test_an_option_is_set_for_this_conversation_or_for_all(driven, path: Path, speaks: ScriptedEngine) -> None:
    async with driven(speaks, settings=Settings(read_settings(path))) as driver:
        await panel(driver, "temperature")
        await write(driver, "0.9", "enter")
        assert row(driver, "temperature") == "0.9  this conversation" and path.read_text() == FILE
        await move(driver, "top_p")
        await write(driver, "0.5", "ctrl+s")
        assert row(driver, "top_p") == "0.5  file" and "# mine" in path.read_text()
        assert read_settings(path).values == {"temperature": 0.3, "top_p": 0.5}
        await driver.pilot.press("ctrl+x")
        await driver.ask("Is it so?")
        assert (speaks.samplings[-1].temperature, speaks.samplings[-1].top_p) == (0.9, 0.5)
        assert driver.session.store.own_settings(driver.session.tree.conversation_id) == {"temperature": 0.9}
        await panel(driver, "temperature")
        await driver.pilot.press("delete")
        assert row(driver, "temperature") == "0.3  file"
        await driver.pilot.press("delete")
        assert row(driver, "temperature") == "0.2  default" and "temperature" not in read_settings(path).values


async def test_what_is_not_allowed_is_said_at_once_and_not_kept(driven, path: Path) -> None:
    async with driven(settings=Settings(read_settings(path))) as driver:
        screen = await panel(driver, "temperature")
        await write(driver, "7", "enter")
        assert "not a number from 0 to 5" in driver.text() and screen.editor.display
        await driver.pilot.press("backspace", "1", "enter")
        assert not screen.editor.display and row(driver, "temperature") == "1  this conversation"
        await write(driver, "3", "escape")
        assert row(driver, "temperature") == "1  this conversation"
        await move(driver, "theme")
        await write(driver, "pink", "enter")
        assert "not a theme that there is" in driver.text()
        await driver.pilot.press("escape", "escape")
        assert driver.app.screen is driver.chat


async def test_what_is_typed_on_an_option_begins_another_value(driven, path: Path) -> None:
    async with driven(settings=Settings(read_settings(path))) as driver:
        await panel(driver, "temperature")
        await driver.pilot.press(*"0.45", "enter")
        assert row(driver, "temperature") == "0.45  this conversation"
        assert driver.chat.composer.text == ""


async def test_a_system_prompt_has_several_lines(driven, path: Path, speaks: ScriptedEngine) -> None:
    async with driven(speaks, settings=Settings(read_settings(path))) as driver:
        await panel(driver, "system_prompt")
        await write(driver, "Be kind.", "ctrl+j", "O", "K", "enter")
        assert row(driver, "system_prompt") == "Be kind. OK  this conversation"
        await driver.pilot.press("escape")
        await driver.ask("Is it so?")
        assert speaks.prompts[-1][0] == ChatTurn("system", "Be kind.\nOK")
        await driver.pilot.press("ctrl+t")
        await driver.until(lambda: "told first" in driver.text() or driver.chat.details.max_scroll_y)


async def test_a_preset_is_chosen_and_saved(driven, path: Path) -> None:
    async with driven(settings=Settings(read_settings(path))) as driver:
        await panel(driver)
        await driver.pilot.press("enter")
        assert isinstance(driver.app.screen, ChoiceScreen)
        await driver.pilot.press("down", "enter")
        assert row(driver, "preset") == "brief" and row(driver, "max_tokens") == "40  preset brief"
        await move(driver, "seed")
        await write(driver, "5", "enter")
        await driver.pilot.press("home")
        while driver.app.screen._option_name != "preset":
            await driver.pilot.press("up")
        await driver.pilot.press("enter", "end", "enter")
        assert isinstance(driver.app.screen, NameScreen)
        await driver.pilot.press(*"mine", "enter")
        assert row(driver, "preset") == "mine" and row(driver, "seed") == "5  preset mine"
        assert driver.told == []
        saved = {"temperature": 0.3, "system_prompt": "Be brief.", "max_tokens": 40, "seed": 5}
        assert read_settings(path).presets["mine"] == saved
        await driver.pilot.press("delete")
        assert row(driver, "preset") == "none" and row(driver, "temperature") == "0.3  file"


async def test_the_status_line_names_the_preset_of_the_conversation(driven, path: Path) -> None:
    async with driven(settings=Settings(read_settings(path)), size=(120, 24)) as driver:
        await panel(driver)
        await driver.pilot.press("enter", "down", "enter", "escape")
        await driver.until(lambda: "preset brief" in driver.text())
        await driver.pilot.press("ctrl+n")
        await driver.until(lambda: "preset brief" not in driver.text())


async def test_another_context_loads_the_model_again_once_one_goes_back(driven, path: Path) -> None:
    asked: list[dict[str, object]] = []
    second = ScriptedEngine()

    def engine_with(held: dict[str, object]):
        asked.append(dict(held))
        return lambda: second

    async with driven(ScriptedEngine(), settings=Settings(read_settings(path)), engine_with=engine_with) as driver:
        await driver.until(lambda: driver.session.info is not None)
        await panel(driver, "context")
        await write(driver, "4096")
        assert "The model is loaded again when you go back." in " ".join(driver.text().split())
        await driver.pilot.press("enter")
        await move(driver, "threads")
        await write(driver, "2", "enter")
        assert asked == []
        await driver.pilot.press("escape")
        await driver.until(lambda: asked and driver.session.keeper.engine is second)
        assert asked == [{"context": 4096, "threads": 2, "gpu_layers": "auto"}]
        assert read_settings(path).values["context"] == 4096


async def test_what_the_chat_looks_like_changes_at_once(driven, path: Path) -> None:
    async with driven(settings=Settings(read_settings(path))) as driver:
        await panel(driver, "agreement")
        await write(driver, "3", "enter")
        await move(driver, "theme")
        await write(driver, "nord", "enter")
        assert driver.session.agreement == 3 and driver.app.theme == "nord"
        await driver.pilot.press("escape", "f4")
        assert driver.session.agreement == 0
        await driver.until(lambda: read_settings(path).values["agreement"] == 0)
        assert read_settings(path).values["theme"] == "nord"


async def test_a_file_that_is_broken_is_told_and_not_written(driven, path: Path) -> None:
    path.write_text("temperature = = 3")
    async with driven(settings=Settings(read_settings(path))) as driver:
        screen = await panel(driver, "temperature")
        await write(driver, "1", "ctrl+s")
        assert "is no TOML" in " ".join(driver.text().split()) and screen.editor.display
        await driver.pilot.press("enter")
        assert row(driver, "temperature") == "1  this conversation"
    assert path.read_text() == "temperature = = 3"
