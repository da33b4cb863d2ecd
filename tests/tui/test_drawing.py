"""What was changed is drawn, however the machine's load orders the messages: see lacie_chat/tui/drawing.py."""

import asyncio

from screen_text import screen_text
from textual.app import ComposeResult
from textual.widgets import Static

from lacie_chat.tui.drawing import DrawsWhole


class Lines(DrawsWhole[None]):
    CSS = "Static { height: auto; }"

    def compose(self) -> ComposeResult:
        yield Static("one", id="first")
        yield Static("below", id="second")


async def test_a_line_that_changes_twice_before_it_is_looked_after_takes_its_last_height() -> None:
    app = Lines()
    async with app.run_test(size=(20, 6)) as pilot:
        await pilot.pause()
        first = app.query_one("#first", Static)
        first.update("one\ntwo\nthree")
        app.screen._clear_arrangement_cache()  # as after a change of another widget
        app.screen._refresh_layout()
        first.update("four")
        await pilot.pause()
        assert first.size.height == 1
        assert screen_text(app).split() == ["four", "below"]


async def test_what_was_changed_in_a_batch_is_drawn_after_it() -> None:
    """The screen has nothing more to do while the batch lasts; its end must wake it."""
    app = Lines()
    async with app.run_test(size=(20, 6)) as pilot:
        await pilot.pause()
        first, screen = app.query_one("#first", Static), app.screen
        idle = asyncio.Event()
        screen.call_later(lambda: None)
        with app.batch_update():
            first.update("one\ntwo")
            while not screen._layout_required:
                await asyncio.sleep(0)
            screen.call_later(idle.set)
            await idle.wait()
            await asyncio.sleep(0.05)  # the screen is idle: it may not draw yet
            assert first.size.height == 1
        while first.size.height == 1:  # for ever, where nobody tells the screen
            await asyncio.sleep(0.01)
        assert screen_text(app).split() == ["one", "two", "below"]


async def test_a_line_is_not_broken_at_a_no_break_space() -> None:
    app = Lines()
    async with app.run_test(size=(10, 6)) as pilot:
        app.query_one("#first", Static).update("right (17\u00a0%) and 1\u202f000\u00a0km")
        await pilot.pause()
        assert [line.strip() for line in screen_text(app).splitlines()[:4]] == [
            "right", "(17\u00a0%) and", "1\u202f000\u00a0km", "below",
        ]  # fmt: skip
