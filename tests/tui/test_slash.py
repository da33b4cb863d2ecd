"""Commands that are typed: what is one, the list over the composer, and that nothing is sent by mistake."""

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine

from lacie_chat.tui import slash
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.screens.history import HistoryScreen
from lacie_chat.tui.widgets.suggestions import Suggestions


def engine(*texts: str) -> ScriptedEngine:
    return ScriptedEngine([Answer([text]) for text in texts])


async def press(driver: Driver, text: str) -> None:
    """Type it key by key, in one burst."""
    keys = {" ": "space", "\r": "enter", "/": "slash", "-": "minus", "?": "question_mark"}
    await driver.pilot.press(*(keys.get(character, character) for character in text))


def listed(driver: Driver) -> list[str]:
    """The names in the list of suggestions."""
    offer = driver.chat.query_one(Suggestions).offer
    return [each.name for each in offer.suggestions] if offer is not None else []


def test_every_action_is_a_command_of_its_own() -> None:
    words = [action.word for action in ACTIONS if action.name not in slash.NOT_TYPED]
    assert len(words) == len(set(words))
    assert {action.name for action in ACTIONS} >= slash.NOT_TYPED
    for word in ("new", "history", "copy", "edit", "again", "details", "compare", "help", "quit", "right", "wrong"):
        assert slash.commands()[word].word == word
    for word in words:
        found = slash.read(f"/{word}")
        assert isinstance(found, slash.Command) and found.action.word == word, word


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/etc/hosts is what?", "/etc/hosts is what?"),
        ("/etc is what?", "/etc is what?"),
        ("/copy that poem", "/copy that poem"),
        ("/new york", "/new york"),
        ("/copy\nand more", "/copy\nand more"),
        ("//copy", "/copy"),
        ("//etc/hosts", "/etc/hosts"),
        (" /copy", "/copy"),
        ("/50 of 100", "/50 of 100"),
        ("/5", "/5"),
        ("/home/me", "/home/me"),
        ("1/2", "1/2"),
        ("copy", "copy"),
        ("/ 2", "/ 2"),
    ],
)
def test_what_is_no_command_is_sent_as_it_stands(written: str, sent: str) -> None:
    assert slash.read(written) == sent


@pytest.mark.parametrize("written", ["/copy", "/copy ", "/COPY", "/copy\n"])
def test_a_lone_word_is_a_command(written: str) -> None:
    found = slash.read(written)
    assert isinstance(found, slash.Command) and found.action.name == "answer.copy"


@pytest.mark.parametrize(("written", "near"), [("/cpoy", "copy"), ("/hist", "history"), ("/comparison", "compare")])
def test_an_unknown_one_says_what_is_near(written: str, near: str) -> None:
    found = slash.read(written)
    assert isinstance(found, slash.Unknown) and near in found.near and f"/{near}" in found.told


async def test_a_command_does_what_its_key_does(driven) -> None:
    async with driven(engine("One.", "Two.")) as driver:
        await driver.ask("Question")
        await press(driver, "/copy\r")
        await driver.until(lambda: driver.app.clipboard == "One.")
        await press(driver, "/again\r")
        await driver.until(lambda: "Two." in driver.text() and not driver.session.busy)
        assert "◂ 2/2 ▸" in driver.text()
        await press(driver, "/right\r")
        await driver.until(lambda: driver.session.tree.leaf.correct)
        await press(driver, "/edit\r")
        await driver.until(lambda: driver.chat.composer.text == "Question")
        await driver.pilot.press("escape")
        await press(driver, "/help\r")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        await driver.pilot.press("escape")
        await press(driver, "/history\r")
        await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
        await driver.pilot.press("escape")
        await press(driver, "/new\r")
        await driver.until(lambda: not driver.session.tree.roots)
        await press(driver, "/quit\r")
        await driver.until(lambda: not driver.app.is_running)


async def test_the_list_stands_there_while_a_command_is_typed(driven) -> None:
    async with driven(engine("One.")) as driver:
        await driver.ask("Question")
        await press(driver, "/")
        await driver.until(lambda: "/new" in driver.text() and "Start a new conversation" in driver.text())
        await press(driver, "co")
        await driver.until(lambda: listed(driver) == ["/copy", "/compare"])
        await driver.pilot.press("down", "up", "down", "tab")
        assert driver.chat.composer.text == "/compare"
        await driver.pilot.press("escape")
        await driver.until(lambda: not driver.chat.query_one(Suggestions).display)
        await driver.pilot.press(*["backspace"] * 6)
        await driver.until(lambda: not listed(driver))
        await driver.pilot.press(*["backspace"] * 2)
        assert driver.chat.composer.text == ""
        await press(driver, "/hel")
        await driver.until(lambda: listed(driver) == ["/help"])
        await press(driver, "\r")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        await driver.pilot.press("escape")
        assert driver.chat.composer.text == "" and not listed(driver)


async def test_a_lone_word_is_never_sent(driven) -> None:
    async with driven(engine("ok")) as driver:
        await press(driver, "/cpoy\r")
        assert driver.told[0].startswith("There is no command /cpoy; is it /copy")
        assert driver.chat.composer.text == "/cpoy"
        driver.chat.composer.fill("")
        await press(driver, "/copy\r")
        assert "can't be done now" in driver.told[-1] and driver.chat.composer.text == "/copy"
        driver.chat.composer.fill("")
        await press(driver, "/\r")
        assert driver.session.tree.roots == [] and driver.chat.composer.text == "/", "nothing is chosen yet"
        driver.chat.composer.fill("")
        await press(driver, "//copy\r")
        await driver.until(lambda: driver.session.tree.roots)
        assert driver.session.tree.roots[0].text == "/copy"


async def test_a_command_takes_what_follows_it(driven) -> None:
    async with driven() as driver:
        await press(driver, "/theme light\r")
        await driver.until(lambda: driver.app.theme == "textual-light")
        await press(driver, "/theme sunset\r")
        await driver.until(lambda: driver.told)
        assert driver.told[0].startswith("There is no theme sunset; there are ")
        await driver.pilot.press("up")
        assert driver.chat.composer.text == "/theme sunset"
        assert driver.session.tree.roots == []


async def test_a_click_takes_a_suggestion(driven) -> None:
    async with driven() as driver:
        await press(driver, "/qui")
        await driver.until(lambda: "/quit" in driver.text())
        await driver.pilot.click(Suggestions, offset=(4, 0))
        await driver.until(lambda: driver.chat.composer.text == "/quit")
        assert driver.chat.composer.has_focus and driver.app.is_running


async def test_it_fits_a_small_terminal(driven) -> None:
    async with driven(size=(40, 12)) as driver:
        await press(driver, "/")
        await driver.until(lambda: "/new" in driver.text())
        assert driver.chat.query_one(Suggestions).size.height == 4
        await driver.pilot.press(*["down"] * 6)
        chosen = driver.chat.query_one(Suggestions).chosen
        assert chosen is not None
        await driver.until(lambda: chosen.name in driver.text())
        assert driver.text().splitlines()[10].strip() == "/"
