"""The footer names what is most useful now, whole, in any width."""

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.tui.widgets.fitting_footer import Hint, fitting

HINTS = [Hint("f6", "f6", "Right"), Hint("f7", "f7", "Wrong"), Hint("f1", "f1", "Help")]
ABSTAINED = "I'm sorry, but I don't know which river that is."


def footer(driver: Driver) -> str:
    return driver.text().splitlines()[-1].strip()


def vienna(*more: Answer) -> ScriptedEngine:
    return ScriptedEngine([Answer(["It is the Danube."]), *more], ScriptedReader("the Danube", 0.9))


@pytest.mark.parametrize(
    ("width", "labels"),
    [(40, "Right Wrong Help"), (25, "Right Wrong Help"), (24, "Right Help"), (15, "Help"), (3, "Help")],
)
def test_what_has_no_room_is_left_out_and_the_last_stays(width: int, labels: str) -> None:
    assert " ".join(hint.label for hint in fitting(HINTS, width)) == labels


async def test_it_goes_with_what_one_does(driven) -> None:
    engine = vienna(Answer(["Half", "more"], hold_after=1))
    async with driven(engine, adapter_name="LACIE") as driver:
        await driver.until(lambda: footer(driver).startswith("^o History"))
        assert footer(driver).endswith("f1 Help")
        await driver.type("Which river?")
        await driver.until(lambda: footer(driver).startswith("⏎ Send ^j Line ^e Editor"))
        await driver.pilot.press("enter")
        await driver.until(lambda: footer(driver).startswith("f6 Right f7 Wrong f2 Compare ^r Again ^y Copy"))
        await driver.type("Another?")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: footer(driver).startswith("esc Stop"))
        assert "Right" not in footer(driver) and "Compare" not in footer(driver), "there is nothing to mark yet"
        engine.go_on.set()
        await driver.until(lambda: footer(driver).startswith("f6 Right"))
        await driver.pilot.press("ctrl+g")
        await driver.until(lambda: footer(driver).startswith("esc Leave edit ⏎ Send"))
        await driver.pilot.press("escape")
        await driver.until(lambda: footer(driver).startswith("f6 Right"))


@pytest.mark.parametrize(("width", "most"), [(40, "f6 Right f7 Wrong f2 Compare f1 Help"), (80, "f6 Right f7 Wrong")])
async def test_no_hint_is_cut_at_the_edge(driven, width: int, most: str) -> None:
    async with driven(vienna(), size=(width, 14), adapter_name="LACIE") as driver:
        await driver.ask("Which river?")
        await driver.until(lambda: footer(driver).startswith(most))
        assert footer(driver).endswith("f1 Help") and len(footer(driver)) <= width


async def test_it_follows_the_terminal(driven) -> None:
    async with driven(vienna(), size=(40, 14)) as driver:
        await driver.ask("Which river?")
        await driver.until(lambda: footer(driver).startswith("f6 Right") and "Quit" not in footer(driver))
        await driver.pilot.resize_terminal(120, 30)
        await driver.until(lambda: "^q Quit" in footer(driver))
        await driver.pilot.resize_terminal(40, 14)
        await driver.until(lambda: "^q Quit" not in footer(driver) and footer(driver).endswith("f1 Help"))


async def test_it_says_adapter_while_the_baseline_answers(driven) -> None:
    async with driven(vienna(), adapter_name="LACIE") as driver:
        await driver.until(lambda: "^l Baseline" in footer(driver))
        await driver.pilot.press("ctrl+l")
        await driver.until(lambda: "^l Adapter" in footer(driver))
        await driver.ask("Which river?")
        await driver.until(lambda: footer(driver).startswith("f6 Right f7 Wrong f2 Compare ^l Adapter"))
        await driver.pilot.press("ctrl+n", "ctrl+l")
        await driver.until(lambda: "^l Baseline" in footer(driver))


async def test_what_can_not_be_marked_is_not_offered_so(driven) -> None:
    engine = ScriptedEngine([Answer([ABSTAINED])], ScriptedReader("none", 0.1))
    async with driven(engine) as driver:
        await driver.ask("Which river?")
        await driver.until(lambda: footer(driver).startswith("f2 Compare ^r Again ^y Copy"))
        assert "Right" not in footer(driver) and "Baseline" not in footer(driver)


async def test_a_click_does_it(driven) -> None:
    async with driven(vienna(), adapter_name="LACIE") as driver:
        turn = await driver.ask("Which river?")
        await driver.until(lambda: footer(driver).startswith("f6 Right"))
        await driver.pilot.click(offset=(4, 23))
        await driver.until(lambda: turn.correct)


async def test_other_screens_have_whole_hints_too_and_the_way_back(driven) -> None:
    """Enter among them, though the filter has the focus and takes it first."""
    async with driven(vienna(), size=(40, 12)) as driver:
        await driver.ask("Which river?")
        for key, hints in [("ctrl+o", "⏎ Resume ^x Delete ^r Rename esc Back"), ("ctrl+x", "⏎ Change"), ("f9", "esc")]:
            await driver.pilot.press(key)
            await driver.until(lambda hints=hints: footer(driver).startswith(hints))
            assert footer(driver).endswith("esc Back") and len(footer(driver)) <= 40
            await driver.pilot.press("escape")
            await driver.until(lambda: driver.app.screen is driver.chat)


async def test_remapped_keys_are_shown(driven) -> None:
    async with driven(vienna()) as driver:
        driver.app.set_keymap({"chat.history": "f10"})
        await driver.until(lambda: footer(driver).startswith("f10 History"))
