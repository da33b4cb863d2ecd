"""Our themes keep what they promise: contrast of every text that is drawn, verdicts told apart by the colour-blind."""

import itertools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from colour_vision import COLOUR_BLINDNESS, contrast, difference, seen_as
from driver import Driver
from figures import calibrator
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.color import Color
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import OptionList

from lacie_chat.chat.speaker import Origin
from lacie_chat.confidence import Calibrator
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.figures import COLOURS
from lacie_chat.tui.interface_state import read_state
from lacie_chat.tui.themes import COLOUR_BLIND, FEW_COLOURS, HIGH_CONTRAST, THEMES, _grey_if_nearly

PROMISED = {**dict.fromkeys(HIGH_CONTRAST, 7.0), **dict.fromkeys(COLOUR_BLIND, 4.5)}
LONG = (
    "# One\n\n## Two\n\n### Three\n\nIt is *perhaps* **the Danube**, `or not`, says [a page](https://a.b).\n\n"
    "- a list\n\n1. another\n\n> a quote\n\n| a | b |\n|---|---|\n| c | d |\n\n```python\nx = 'it may be'  # so\n```"
)
TELLS = {
    "adapter_name": "LACIE",
    "origin": Origin("embedded", "x", "a"),
    "baseline_origin": Origin("embedded", None, "b"),
}
SIZE = (100, 60)


def with_figure(p_right: float) -> dict[str, Calibrator]:
    return {"calibrator": calibrator(p_right), "baseline_calibrator": calibrator(p_right)}


def strips(app: LacieApp) -> list[Strip]:
    """What is drawn; of a screen over a veiled one, its own part."""
    found = app.screen._compositor.render_strips(app.screen.size)
    if not isinstance(app.screen, ModalScreen):
        return found
    region = app.screen.query_one("#--container").region
    return [strip.crop(region.x, region.right) for strip in found[region.y : region.bottom]]


def drawn(app: LacieApp) -> Iterator[tuple[str, Color, Color]]:
    """Each stretch of text on the screen with its colour and that behind it."""
    for strip in strips(app):
        for segment in strip:
            style = segment.style
            if not any(letter.isalnum() for letter in segment.text) or style is None:
                continue
            assert style.color is not None and style.bgcolor is not None, segment.text
            front, behind = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            yield segment.text, *((behind, front) if style.reverse else (front, behind))


def too_faint(app: LacieApp, least: float) -> list[str]:
    return [
        f"{text.strip()!r}: {front.hex} on {behind.hex} is {contrast(front, behind):.2f}"
        for text, front, behind in drawn(app)
        if contrast(front, behind) < least
    ]


async def welcome(driver: Driver) -> None:
    await driver.until(lambda: "Ready" in driver.text())


async def answered(driver: Driver) -> None:
    await driver.ask("Which river flows through Vienna?")
    await driver.ask("Are you sure?")
    await driver.pilot.press("f6", "alt+up")


async def details(driver: Driver) -> None:
    await answered(driver)
    await driver.pilot.press("ctrl+t")


async def history(driver: Driver) -> None:
    await answered(driver)
    await driver.pilot.press("ctrl+o")
    await driver.until(lambda: driver.app.screen.query(OptionList))
    await driver.pilot.press("down")


async def history_list(driver: Driver) -> None:
    await history(driver)
    driver.app.screen.query_one(OptionList).focus()


async def help_screen(driver: Driver) -> None:
    await driver.pilot.press("f1")


async def settings(driver: Driver) -> None:
    await driver.pilot.press("ctrl+x")
    await driver.until(lambda: driver.app.screen.query(OptionList))


async def tokens(driver: Driver) -> None:
    await answered(driver)
    await driver.pilot.press("f12")


async def palette(driver: Driver) -> None:
    await driver.pilot.press("ctrl+p")
    await driver.until(lambda: driver.app.screen.query(OptionList))


async def calibration(driver: Driver) -> None:
    await answered(driver)
    await driver.pilot.press("f9")


Scene = Callable[[Driver], Awaitable[None]]
SCENES: tuple[Scene, ...] = (
    welcome,
    answered,
    details,
    history,
    history_list,
    help_screen,
    tokens,
    palette,
    calibration,
)


def engine() -> ScriptedEngine:
    return ScriptedEngine([Answer([LONG]), Answer(["I don't know."])], ScriptedReader("the Danube", acceptance=0.88))


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
@pytest.mark.parametrize("theme", PROMISED)
async def test_every_text_has_the_contrast_that_is_promised(driven, theme: str, scene: Scene) -> None:
    async with driven(engine(), size=SIZE, **TELLS, **with_figure(0.17)) as driver:
        driver.app.show_theme(theme)
        await scene(driver)
        await driver.pilot.pause(0.3)
        assert driver.app.theme == theme
        assert not too_faint(driver.app, PROMISED[theme])


@pytest.mark.parametrize("p_right", [0.17, 0.88])
@pytest.mark.parametrize("theme", PROMISED)
async def test_every_verdict_has_it(driven, theme: str, p_right: float) -> None:
    readers = [ScriptedReader("the Danube", acceptance=acceptance) for acceptance in (0.9, 0.2)]
    for reader in readers:
        scripted = ScriptedEngine([Answer(["It is the Danube."])], reader)
        async with driven(scripted, size=SIZE, **TELLS, **with_figure(p_right)) as driver:
            driver.app.show_theme(theme)
            await driver.ask("Which river?")
            await driver.pilot.pause(0.3)
            assert not too_faint(driver.app, PROMISED[theme])


@pytest.mark.parametrize("theme", COLOUR_BLIND)
@pytest.mark.parametrize("kind", COLOUR_BLINDNESS)
def test_the_colour_blind_tell_verdicts_apart(theme: str, kind: str) -> None:
    variables = next(each for each in THEMES if each.name == theme).variables
    shown = [seen_as(kind, Color.parse(variables[colour[1:]])) for colour in COLOURS.values()]
    apart = [difference(one, other) for one, other in itertools.combinations(shown, 2)]
    assert min(apart) > 20, f"{kind}: {apart}"


async def test_the_theme_is_chosen_by_name_and_kept(driven) -> None:
    async with driven(ScriptedEngine()) as driver:
        await driver.until(lambda: driver.session.info is not None)
        await driver.pilot.press("f8")
        await driver.until(lambda: driver.app.screen.query(OptionList))
        await driver.pilot.press(*(key if key.isalpha() else "minus" for key in "contrast-dark"))
        await driver.until(lambda: "lacie-high-contrast-dark" in driver.text())
        await driver.pilot.press("down", "enter")
        await driver.until(lambda: driver.app.theme == HIGH_CONTRAST[0])
    assert read_state().theme == HIGH_CONTRAST[0]
    async with driven(ScriptedEngine()) as driver:
        assert driver.app.theme == HIGH_CONTRAST[0]


async def test_one_that_isnt_there_any_more_leaves_the_usual_one(driven) -> None:
    async with driven(ScriptedEngine()) as driver:
        assert driver.app.fitting_theme("of-another-version") == driver.app.theme == "textual-dark"
        assert {*PROMISED, FEW_COLOURS} <= set(driver.app.available_themes)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("#242f38", "#2D2D2D"),
        ("#242f3880", "#2D2D2D80"),
        ("#0178D4", "#0178D4"),
        ("#1e1e1e", "#1e1e1e"),
        ("auto 60%", "auto 60%"),
        ("bold", "bold"),
        ("ansi_blue", "ansi_blue"),
    ],
)
def test_what_is_nearly_grey_is_grey_in_256_colours(value: str, shown: str) -> None:
    assert _grey_if_nearly(value).lower() == shown.lower()


async def test_code_in_16_colours_is_bright_on_black(driven) -> None:
    code = (
        "```python\nimport this\nclass Up(float):\n    def go(self) -> None:\n        raise ValueError( 'x' ) # so\n```"
    )
    async with driven(ScriptedEngine([Answer([code])]), size=SIZE) as driver:
        driver.app.show_theme(FEW_COLOURS)
        await driver.ask("How?")
        await driver.pilot.pause(0.3)
        shown = {
            word: segment.style.color.name
            for strip in strips(driver.app)
            for segment in strip
            for word in segment.text.split()
            if segment.style is not None and segment.style.color is not None
        }
        for word in ("import", "class", "Up", "go", "raise", "ValueError", "this", "self"):
            assert shown[word] not in ("default", "black", "blue", "red", "magenta", "bright_black"), (
                word,
                shown[word],
            )


async def test_no_text_vanishes_in_a_theme_of_the_terminals_own_colours(driven) -> None:
    for theme in ("ansi-dark", "ansi-light", FEW_COLOURS):
        async with driven(engine(), size=SIZE, **TELLS, **with_figure(0.17)) as driver:
            driver.app.show_theme(theme)
            await driver.ask("Which river flows through Vienna?")
            await driver.pilot.pause(0.3)
            same: list[Any] = [
                segment.text
                for strip in strips(driver.app)
                for segment in strip
                if segment.text.strip()
                and segment.style
                and segment.style.color is not None
                and segment.style.color.name == (segment.style.bgcolor.name if segment.style.bgcolor else "")
                and segment.style.color.name != "default"
            ]
            assert not same


async def test_without_colour_the_words_that_differ_are_reversed(driven, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    texts = ("It is the Danube.", "It is the Danube.", "It is surely the Rhine.")
    scripted = ScriptedEngine([Answer([text]) for text in texts], ScriptedReader("the Danube", acceptance=0.88))
    async with driven(scripted, size=(160, 40), **TELLS, **with_figure(0.17)) as driver:
        await driver.ask("Which river?")
        await driver.pilot.press("f2")
        await driver.until(lambda: driver.text().count("right about") >= 2)
        await driver.pilot.press("w")
        await driver.until(lambda: "Rhine" in reversed_text(driver.app))
        assert "It is" not in reversed_text(driver.app)


def reversed_text(app: LacieApp) -> str:
    return " ".join(
        segment.text for strip in strips(app) for segment in strip if segment.style and segment.style.reverse
    )
