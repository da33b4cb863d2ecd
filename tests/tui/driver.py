"""An app under test, driven by keys and read off its screen."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

from screen_text import screen_text
from textual.pilot import Pilot

from lacie_chat.chat.tree import Turn
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.widgets.composer import Composer


class Driver:
    """An app under test and its pilot."""

    def __init__(self, app: LacieApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.session = app.session
        self.chat = app.chat
        self.told: list[str] = []
        """The lines that popped up."""
        notify = app.notify

        def told(message: str, **named: Any) -> None:
            self.told.append(message)
            notify(message, **named)

        app.notify = told  # type: ignore[method-assign]
        press = pilot.press

        async def pressed(*keys: str) -> None:
            for key in keys:
                await press(key)
                await app.keys_done()

        pilot.press = pressed  # type: ignore[method-assign]

    async def until(self, condition: Callable[[], object], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            await asyncio.sleep(0.01)
        await self.pilot.pause()

    async def shows(self, *texts: str) -> None:
        """Wait until all of `texts` are on the screen; a footer and a status line are drawn after the rest."""
        await self.until(lambda: all(text in self.text() for text in texts))

    async def until_soon(self, condition: Callable[[], object], seconds: float = 120) -> None:
        """As `until`, without waiting for all else on the screen: for what is done hundreds of times."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            await asyncio.sleep(0)

    async def type(self, text: str) -> None:
        composer = self.chat.query_one(Composer)
        self.chat.set_focus(composer)  # as typing does
        composer.insert(text)
        await self.pilot.pause()

    async def ask(self, text: str) -> Turn:
        """Type and send, and wait until the answer is there and assessed."""
        before = self.session.tree.leaf
        await self.type(text)
        await self.pilot.press("enter")
        await self.until(lambda: self.session.tree.leaf is not before)
        turn = self.session.tree.leaf
        assert turn is not None
        await self.until(lambda: turn.phase == "done" and not self.session.busy)
        return turn

    def text(self) -> str:
        """The screen as plain text."""
        return screen_text(self.app)


_SOME_TEXT = re.compile(r"<text[^>]*>[^<\n]")


async def settled(pilot: Pilot[None]) -> str:
    """The picture of the screen once it has text and is the same three times; not for ever, for some never stand
    still."""
    seen: list[str] = []
    for _ in range(150):
        await pilot.pause(0.02)
        try:
            seen.append(pilot.app.export_screenshot())
        except TypeError:  # parts of the screen have never been drawn yet
            seen.append("")
        if _SOME_TEXT.search(seen[-1]) and seen[-3:] == [seen[-1]] * 3:
            break
    return seen[-1]
