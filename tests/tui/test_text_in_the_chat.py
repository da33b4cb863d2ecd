"""Answers with tags, line breaks and long code in the chat and beside another: whole while they come and when they are
there, with what hedges set off and nothing else."""

import pytest
from rich.style import Style as RichStyle
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.events import MouseScrollDown
from two_sided import TwoSided

from lacie_chat.tui.widgets.code_fence import CodeFence, CodeLines

TAGGED = ["<answer>List<Str", "ing> if x <y and", " y> z</answer>\nvector<int>"]
TAGGED_LINES = ["<answer>List<String> if x <y and y> z</answer>", "vector<int>"]
HAIKU = ["An old silent pond\n", "A frog jumps into the pond—\nSplash!", " Silence again."]
HAIKU_LINES = ["An old silent pond", "A frog jumps into the pond—", "Splash! Silence again."]
LONG = "```python\ndef sure(x):  # " + "long " * 30 + "END\n    return perhaps(x)\n```\n\nPerhaps `perhaps` it is."


def stand(lines: list[str], screen: str) -> bool:
    """Do these lines stand on the screen, one under the other?"""
    shown = [line.strip() for line in screen.splitlines()]
    found = [next((at for at, line in enumerate(shown) if wanted in line), -1) for wanted in lines]
    return -1 not in found and found == list(range(found[0], found[0] + len(lines)))


@pytest.mark.parametrize(("pieces", "lines"), [(TAGGED, TAGGED_LINES), (HAIKU, HAIKU_LINES)])
async def test_an_answer_is_whole_while_it_comes_and_after(driven, pieces: list[str], lines: list[str]) -> None:
    engine = ScriptedEngine([Answer(pieces, hold_after=len(pieces))])
    async with driven(engine, size=(80, 30)) as driver:
        await driver.type("<b>question</b> a\nb")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: stand(lines, driver.text()))
        engine.go_on.set()
        await driver.until(lambda: not driver.session.busy and driver.session.tree.leaf.phase == "done")
        await driver.until(lambda: stand(lines, driver.text()))
        assert "<b>question</b> a" in driver.text()
        assert driver.session.tree.leaf.text == "".join(pieces)


async def test_a_folded_answer_opens_whole(driven) -> None:
    engine = ScriptedEngine([Answer(TAGGED)], ScriptedReader("x", acceptance=0.2))
    async with driven(engine, size=(80, 30)) as driver:
        turn = await driver.ask("q")
        view = driver.chat.transcript.answer_view(turn)
        view.add_class("-text-folded")
        await driver.pilot.pause()
        assert "vector<int>" not in driver.text()
        view.remove_class("-text-folded")
        await driver.until(lambda: stand(TAGGED_LINES, driver.text()))


async def test_both_sides_of_a_comparison_are_whole(driven) -> None:
    code = "```sh\nls " + "long " * 40 + "END\n```"
    engine = TwoSided([Answer(["".join(TAGGED)])], [Answer(["First."]), Answer(["".join(HAIKU), "\n\n" + code])])
    async with driven(engine, size=(160, 40), adapter_name="lacie") as driver:
        await driver.ask("q")
        await driver.pilot.press("f2")
        await driver.until(lambda: "vector<int>" in driver.text() and "Silence again." in driver.text())
        await driver.until(lambda: "vector<int>" in driver.text() and not driver.app.screen.comparison.busy)
        await driver.pilot.press("ctrl+f")
        await driver.until(lambda: driver.app.clipboard.startswith("ls long"))
        lines = driver.app.screen.query_one(CodeLines)
        await driver.pilot.press("shift+right")
        await driver.until(lambda: lines.scroll_offset.x > 0)


def styles_of(driver, word: str) -> list[RichStyle]:  # type: ignore[no-untyped-def]
    """The styles in which a word is drawn on the screen."""
    strips = driver.app.screen._compositor.render_strips()
    return [
        segment.style for strip in strips for segment in strip if word in segment.text and segment.style is not None
    ]


async def test_only_what_hedges_is_underlined(driven) -> None:
    async with driven(ScriptedEngine([Answer([LONG])]), size=(100, 30)) as driver:
        await driver.ask("q")
        await driver.until(lambda: "Perhaps" in driver.text())
        await driver.until(lambda: any(style.underline for style in styles_of(driver, "Perhaps")))
        for word in ("sure", "return", "perhaps"):
            assert styles_of(driver, word), word
            assert not any(style.underline for style in styles_of(driver, word)), word


async def test_long_code_scrolls_by_key_wheel_and_not_the_line_above(driven) -> None:
    async with driven(ScriptedEngine([Answer([LONG])]), size=(60, 30)) as driver:
        await driver.ask("q")
        lines = driver.chat.query_one(CodeLines)
        assert "END" not in driver.text()
        await driver.pilot.press("tab")  # from the composer to the conversation
        while lines.scroll_offset.x < lines.max_scroll_x:
            before = lines.scroll_offset.x
            await driver.pilot.press("shift+right")
            assert lines.scroll_offset.x > before
        await driver.until(lambda: "END" in driver.text())
        assert "python" in driver.text() and "copy" in driver.text()
        await driver.pilot.press("shift+left")
        assert lines.scroll_offset.x < lines.max_scroll_x
        lines.scroll_to(x=0, animate=False)
        await driver.pilot.pause()
        # the wheel with shift, as a terminal sends it
        await driver.pilot._post_mouse_events([MouseScrollDown], lines, (1, 0), shift=True)
        await driver.until(lambda: lines.scroll_offset.x > 0)


async def test_short_code_takes_no_key(driven) -> None:
    async with driven(ScriptedEngine([Answer(["```\nshort\n```"])])) as driver:
        await driver.ask("q")
        assert driver.chat.query_one(CodeFence).size.height == 2, "its line and one line of code, no bar"
        assert driver.chat.query_one(CodeLines).max_scroll_x == 0
