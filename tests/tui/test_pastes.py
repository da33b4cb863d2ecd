"""Long pastes stand in the composer as one line that opens, and are sent whole."""

import json

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine
from textual.events import Paste

from lacie_chat.tui.interface_state import state_path
from lacie_chat.tui.widgets.pieces import CHARACTERS, LINES, Pieces, is_long

LONG = "".join(f"line {number}\n" for number in range(214))
LABEL = "[pasted: 214 lines, 1.8 kB]"


async def paste(driver: Driver, text: str) -> None:
    before = driver.chat.composer.text
    driver.app.post_message(Paste(text))
    await driver.until(lambda: driver.chat.composer.text != before)


def asked(engine: ScriptedEngine) -> str:
    return engine.prompts[-1][-1].content


async def test_a_long_paste_is_one_line_and_is_sent_whole(driven) -> None:
    engine = ScriptedEngine([Answer(["ok"])])
    async with driven(engine) as driver:
        composer = driver.chat.composer
        await driver.pilot.press("s", "e", "e", "space")
        await paste(driver, LONG)
        await driver.pilot.press("e", "n", "d")
        assert composer.text == f"see {LABEL}end"
        assert composer.size.height == 1 and LABEL in driver.text()
        await driver.pilot.press("enter")
        await driver.until(lambda: engine.prompts)
        assert asked(engine) == f"see {LONG}end"
        await driver.until(lambda: not driver.session.busy)
        await driver.pilot.press("up")
        assert composer.text == f"see {LABEL}end", "it comes back as it stood"


async def test_it_opens_by_key_and_by_click_and_folds_again(driven) -> None:
    async with driven() as driver:
        composer = driver.chat.composer
        await paste(driver, LONG)
        await driver.pilot.press("!")
        await driver.pilot.press("ctrl+b")
        assert composer.text == f"{LONG}!"
        await driver.pilot.press("ctrl+b")
        assert composer.text == f"{LABEL}!"
        await driver.pilot.click(composer, offset=(6, 1))
        await driver.until(lambda: composer.text == f"{LONG}!")
        composer.undo()
        assert composer.text == f"{LABEL}!"


async def test_the_line_is_deleted_whole_and_comes_back_whole(driven) -> None:
    async with driven() as driver:
        composer = driver.chat.composer
        await driver.pilot.press("a")
        await paste(driver, LONG)
        await driver.pilot.press("backspace")
        assert composer.text == "a"
        composer.undo()
        assert composer.text == f"a{LABEL}" and composer.written == f"a{LONG}"
        await driver.pilot.press("left", "left", "x")
        assert composer.text == f"a{LABEL}x", "nothing is written into it"
        await driver.pilot.press("home", "right", "delete")
        assert composer.text == "ax"


async def test_two_pastes_of_one_size_are_told_apart(driven) -> None:
    async with driven() as driver:
        other = LONG.replace("line", "more")
        await paste(driver, LONG)
        await paste(driver, other)
        await paste(driver, LONG)
        assert driver.chat.composer.text == f"{LABEL}[pasted 2: 214 lines, 1.8 kB]{LABEL}"
        assert driver.chat.composer.written == LONG + other + LONG


@pytest.mark.parametrize("text", ["x" * CHARACTERS, "x\n" * (LINES - 1)])
async def test_a_short_paste_is_text(driven, text: str) -> None:
    assert not is_long(text) and is_long(f"{text}\nx")
    async with driven() as driver:
        await paste(driver, text)
        assert driver.chat.composer.text == text


async def test_the_draft_is_kept_whole(driven) -> None:
    async with driven() as driver:
        await paste(driver, LONG)
    assert json.loads(state_path().read_text())["draft"] == LONG
    async with driven() as driver:
        assert driver.chat.composer.written == LONG


async def test_carriage_returns_of_a_terminal_are_line_ends(driven) -> None:
    async with driven() as driver:
        await paste(driver, "one\rtwo\r\nthree")
        assert driver.chat.composer.text == "one\ntwo\nthree"


async def test_a_long_question_of_another_day_is_one_line_too(driven) -> None:
    engine = ScriptedEngine([Answer(["ok"])])
    async with driven(engine) as driver:
        await paste(driver, LONG)
        await driver.pilot.press("enter")
        await driver.until(lambda: engine.prompts and not driver.session.busy)
    async with driven() as driver:
        await driver.pilot.press("up")
        assert driver.chat.composer.text == "[question: 214 lines, 1.8 kB]"
        await driver.pilot.press("down")
        assert driver.chat.composer.text == ""


def test_what_a_piece_says_of_itself_is_no_piece() -> None:
    pieces = Pieces()
    inner = pieces.label("a" * 2000)
    outer = pieces.label(f"{inner}\n" * 20)
    assert pieces.whole(outer) == f"{inner}\n" * 20
    assert pieces.whole(inner + outer) == "a" * 2000 + f"{inner}\n" * 20
    assert pieces.folded("a" * 2000) == inner
