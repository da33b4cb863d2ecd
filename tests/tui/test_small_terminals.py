"""What a small terminal shows is what counts: why a model isn't there, an answer in a comparison, no line's end."""

import pytest
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.engine.errors import EngineError
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.help import HelpScreen

SMALL = (40, 12)
BROKEN = "/home/somebody/models/broken.gguf is cut short: download it again"


@pytest.mark.parametrize(
    ("size", "named"), [(SMALL, "…/broken.gguf is cut"), ((80, 24), "/home/somebody/models/broken")]
)
async def test_what_is_wrong_with_a_model_stands_whole(driven, size: tuple[int, int], named: str) -> None:
    async with driven(ScriptedEngine(load_error=EngineError(BROKEN)), size=size) as driver:
        await driver.until(lambda: "✗" in driver.text())
        shown = " ".join(driver.text().split())
        assert named in shown and "cut short: download it again" in shown


async def test_a_comparison_shows_something_of_the_answer(driven) -> None:
    answers = [Answer([f"It is the Danube, number {number}."]) for number in range(3)]
    engine = ScriptedEngine(answers, ScriptedReader("the Danube", acceptance=0.88))
    async with driven(engine, size=SMALL, adapter_name="LACIE") as driver:
        await driver.ask("Which river flows through Vienna, and how sure are you of that?")
        await driver.pilot.press("f2")
        await driver.until(
            lambda: isinstance(driver.app.screen, CompareScreen) and "the Danube, number" in driver.text()
        )


@pytest.mark.parametrize("width", [40, 80, 160])
async def test_the_help_is_drawn_for_the_size_that_the_terminal_has_now(driven, width: int) -> None:
    drawn = []
    for first in (width, 100):
        async with driven(ScriptedEngine(), size=(first, 24)) as driver:
            await driver.pilot.press("f1")
            await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
            await driver.pilot.resize_terminal(width, 24)
            await driver.until(lambda: driver.app.screen.size.width == width)
            await driver.pilot.pause()
            drawn.append(driver.text())
    assert drawn[0] == drawn[1]
