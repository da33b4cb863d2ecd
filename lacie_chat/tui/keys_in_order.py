"""Every key meets the screen that those before it made: none is lost between two screens, none overtakes another.

Textual gives a key at once to what has the focus, while what the key before it does (another screen, a conversation
drawn anew, a question sent) has only begun. Typed in one go, `ctrl+n`, a question and enter lost the question, or sent
it in the old conversation. Here a key waits until the one before is done with: until every message that it set off has
been looked at, a screen that it opened is there, and one that it left has had its say. Text that only follows text
needs no wait.
"""

import asyncio
from collections import deque
from contextlib import suppress

from textual.app import App
from textual.events import Event, Key, Paste
from textual.message_pump import MessagePump
from textual.widget import Widget

from lacie_chat.tui.terminal_keys import EscapeAnd
from lacie_chat.tui.typed_text import as_typed

WAITS = "waits"
"""The group of workers that open a screen and do something with its answer."""
PATIENCE = 3.0
"""Seconds after which a key goes on all the same: a keyboard that does nothing is worse than one out of order."""
POLL = 0.02


class KeysInOrder(App[None]):
    """An application whose keys are done one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._arrived: deque[Key | Paste] = deque()
        self._doing: asyncio.Task[None] | None = None
        self._settled = False
        """Is nothing under way that a key has set off? Not at first: the screen is still to be built."""
        self._only_text = False
        """Was it only text, if there is something?"""

    async def on_event(self, event: Event) -> None:
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif not (self._doing or self._arrived) and (self._settled or self._only_text) and _writes(event):
            self._settled, self._only_text = False, True
            await super().on_event(event)
        else:
            self._arrived.append(event)
            if self._doing is None:
                self._doing = asyncio.create_task(self._do_arrived())
                self._doing.add_done_callback(self._done)

    async def keys_done(self) -> None:
        """Wait until all that were pressed are done with."""
        await self._reached(self)
        while self._doing is not None:
            await asyncio.sleep(0)

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._handle_exception(error)

    async def _do_arrived(self) -> None:
        try:
            await self._do_in_order()
        finally:  # not when the loop tells of its end: what comes before it does would lie there till the next key
            self._doing = None

    async def _do_in_order(self) -> None:
        pressed_on: Widget | None = None
        while self._arrived and not self._exit:
            event = self._arrived.popleft()
            writes = _writes(event)
            if not (self._settled or (writes and self._only_text)):
                await self._settle(pressed_on)
            if isinstance(event, Key) and isinstance(event.key, EscapeAnd) and not self._is_possible(event.key):
                letter = Key(event.key.letter, event.key.letter)
                self._arrived.extendleft((letter,) if self._is_command(event.key) else (letter, Key("escape", None)))
                continue
            pressed_on = self.focused
            await super().on_event(event)
            self._settled, self._only_text = False, writes
            if not writes:
                await self._settle(pressed_on)

    async def _settle(self, pressed_on: Widget | None) -> None:
        """Wait until what was pressed is done with. A message that sets off another needs a round for each."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                before, rounds = None, 0
                while (now := (self.screen, self.focused)) != before or rounds < 2:
                    before, rounds = now, rounds + 1
                    for first in dict.fromkeys((pressed_on, self.focused or self.screen)):
                        for pump in first.ancestors_with_self if first is not None else ():
                            await self._reached(pump)
                    await self._followed_up()
        self._settled = True

    def _is_possible(self, key: str) -> bool:
        """Would this key do something now?"""
        active = self.screen.active_bindings.get(key)
        return active is not None and active.enabled

    def _is_command(self, key: str) -> bool:
        """Is this key bound on the screen at hand, be it to something that can't be done now?"""
        return any(key in bindings.key_to_bindings for _, bindings in self.screen._modal_binding_chain)

    async def _reached(self, pump: MessagePump) -> None:
        """Wait until a pump has looked at all messages that it has now."""
        done = asyncio.Event()
        if not pump.call_later(done.set):
            return
        while not (done.is_set() or pump._closed or self._exit):
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), POLL)

    async def _followed_up(self) -> None:
        """Wait for those who opened a screen that is gone: they do something with its answer now."""
        screen = self.screen
        while (
            not self._exit
            and self.screen is screen
            and any(
                worker.group == WAITS and worker.node is screen and not worker.is_finished for worker in self.workers
            )
        ):
            await asyncio.sleep(POLL)


def _writes(event: Key | Paste) -> bool:
    return isinstance(event, Paste) or as_typed(event).is_printable
