"""The calibration screen follows its terminal: the plot takes the room that there is, whatever there was before."""

import pytest
from driver import Driver
from scripted import ScriptedEngine
from test_calibration_screen import SHIPPED, mark_some

from lacie_chat.chat.speaker import Origin
from lacie_chat.conversations import Store
from lacie_chat.tui.screens.calibration import LARGEST_HEIGHT, CalibrationScreen

OF_THE_MODEL = {"calibrator": SHIPPED, "origin": Origin("embedded", None, "aa", SHIPPED)}
SIZES = ((80, 24), (160, 50), (100, 30), (40, 12), (120, 40), (80, 24))


def marked_store() -> Store:
    store = Store.open()
    mark_some(store, 60)
    return store


def plot_rows(text: str) -> int:
    """Rows of the plot, by its axis on the left."""
    return sum(line.lstrip(" 0123456789").startswith(("│", "┤")) for line in text.splitlines())


def plot_columns(text: str) -> int:
    """Cells of the plot, by its axis below."""
    return next(line.count("─") + line.count("┬") for line in text.splitlines() if line.lstrip().startswith("└"))


async def opened(driver: Driver) -> None:
    await driver.until(lambda: driver.session.info is not None)
    await driver.pilot.press("f9")
    await driver.until(lambda: isinstance(driver.app.screen, CalibrationScreen))


async def at(driver: Driver, width: int, height: int) -> str:
    """The whole text of the screen at this size, also what has to be scrolled to."""
    await driver.pilot.resize_terminal(width, height)
    await driver.until(lambda: driver.app.screen.size == (width, height))
    await driver.pilot.pause()
    return str(driver.app.screen.query_one("#calibration-text").visual)


@pytest.mark.parametrize("first", [(40, 12), (80, 24), (160, 50)])
async def test_it_is_drawn_as_if_it_had_been_opened_at_that_size(driven, first: tuple[int, int]) -> None:
    afresh = {}
    with marked_store() as store:
        for size in set(SIZES):
            async with driven(ScriptedEngine(), store=store, size=size, **OF_THE_MODEL) as driver:
                await opened(driver)
                afresh[size] = await at(driver, *size)
        async with driven(ScriptedEngine(), store=store, size=first, **OF_THE_MODEL) as driver:
            await opened(driver)
            for size in SIZES:
                assert await at(driver, *size) == afresh[size], f"at {size}"


async def test_the_plot_grows_with_its_terminal(driven) -> None:
    with marked_store() as store:
        async with driven(ScriptedEngine(), store=store, **OF_THE_MODEL) as driver:
            await opened(driver)
            small = await at(driver, 80, 24)
            large = await at(driver, 160, 50)
    assert plot_rows(large) > plot_rows(small) and plot_columns(large) > plot_columns(small)
    assert plot_rows(large) <= LARGEST_HEIGHT
