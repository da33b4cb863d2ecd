"""A question that doesn't fit, compared: nothing is sent to either side before who asks has decided."""

from driver import Driver
from scripted import Answer
from two_sided import TwoSided

from lacie_chat.chat.compared import SIDES
from lacie_chat.engine.events import Cut, PromptSize
from lacie_chat.tui.screens.compare import CompareScreen

FITS = PromptSize(41, 12, 7_680, 8_192)
LONG = PromptSize(12_300, 12_300, 7_680, 8_192, Cut(0, 4_620, 7_680, question=(0, 9), question_tokens=4_620))
SAYS = "It doesn't fit · f5 sends it without its middle (4,620 tokens), to both sides · escape doesn't send it"


def engine(samples: int = 2) -> TwoSided:
    made = TwoSided(
        [Answer(["It is Tokyo."], events=[LONG.cut]) for _ in range(samples)],
        [Answer(["First."]), *(Answer(["I think it is Tokyo."], events=[LONG.cut]) for _ in range(samples))],
    )
    made.sides["right"].sizes = [FITS, *[LONG] * 12]
    return made


async def compare(driver: Driver) -> CompareScreen:
    await driver.ask("a long question")
    await driver.pilot.press("f2")
    await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
    screen = driver.app.screen
    assert isinstance(screen, CompareScreen)
    await driver.until(lambda: all(turn.phase == "undecided" for turn in turns(screen)))
    return screen


def turns(screen: CompareScreen) -> list:
    return [turn for side in SIDES for turn in screen.comparison.samples[side]]


async def test_it_is_said_and_a_key_sends_it_to_both(driven) -> None:
    sides = engine()
    async with driven(sides, size=(120, 30), adapter_name="LACIE") as driver:
        screen = await compare(driver)
        await driver.until(lambda: SAYS in driver.text())
        assert "… not sent yet" in driver.text() and "f5 Send" in driver.text()
        assert [len(each.prompts) for each in sides.sides.values()] == [0, 1]
        await driver.pilot.press("f5")
        await driver.until(lambda: all(turn.assessment is not None for turn in turns(screen)))
        await driver.until(lambda: "f5 Send" not in driver.text())
        assert all("4,620 tokens of its middle were left out" in turn.note for turn in turns(screen))
        await driver.pilot.press("plus")  # one more sample of each: it was agreed to
        await driver.until(lambda: len(turns(screen)) == 4)
        await driver.until(lambda: all(turn.assessment is not None for turn in turns(screen)))


async def test_escape_sends_it_to_neither_and_it_can_be_asked_again(driven) -> None:
    sides = engine()
    async with driven(sides, size=(120, 30), adapter_name="LACIE") as driver:
        screen = await compare(driver)
        await driver.pilot.press("escape")
        await driver.until(lambda: "not sent: 12,300 tokens, and there is room for 7,680" in driver.text())
        assert driver.app.screen is screen and not screen.comparison.busy
        assert [len(each.prompts) for each in sides.sides.values()] == [0, 1]
        await driver.pilot.press("r")
        await driver.until(lambda: all(turn.phase == "undecided" for turn in turns(screen)))
        await driver.pilot.press("f5")
        await driver.until(lambda: all(turn.assessment is not None for turn in turns(screen)))


async def test_leaving_while_it_waits_leaves_nothing_behind(driven) -> None:
    sides = engine()
    async with driven(sides, size=(120, 30), adapter_name="LACIE") as driver:
        screen = await compare(driver)
        await driver.pilot.press("escape", "escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert all(turn.draft for turn in turns(screen)), "nothing was said, so nothing joins the conversation"
        sides.sides["right"].sizes.clear()
        sides.sides["right"].answers = [Answer(["Yes."])]
        turn = await driver.ask("And this?")
        assert turn.text == "Yes."
