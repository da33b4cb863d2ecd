"""Which function does which action, and when it can be done."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeVar

from lacie_chat.tui.keys_in_order import WAITS

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen

Handler = Callable[..., Awaitable[object] | object]
H = TypeVar("H", bound=Handler)
Condition = Callable[["ChatScreen"], bool]


@dataclass(frozen=True, slots=True)
class _Deed:
    handler: Handler
    possible: Condition | None
    waits: bool


_DEEDS: dict[str, _Deed] = {}


def does(name: str, possible: Condition | None = None, *, waits: bool = False) -> Callable[[H], H]:
    """The function does the action `name`, which can be done while `possible` says so (None: always). `waits`: it waits
    for another screen's answer, so it runs beside the screen's messages and not among them."""

    def tie(handler: H) -> H:
        assert name not in _DEEDS, f"two functions do {name}"
        _DEEDS[name] = _Deed(handler, possible, waits)
        return handler

    return tie


def names() -> set[str]:
    """The actions that a function is tied to."""
    return set(_DEEDS)


def is_possible(chat: "ChatScreen", name: str) -> bool:
    """Can it be done now? What can't has no key and stands in no list."""
    possible = _DEEDS[name].possible
    return possible is None or possible(chat)


async def perform(chat: "ChatScreen", name: str, argument: str = "") -> None:
    """Do it; nothing happens where it can't be done. `argument` was typed after the word of an action that takes
    one."""
    if not is_possible(chat, name):
        return
    deed = _DEEDS[name]

    async def run() -> None:
        found = deed.handler(chat, argument) if argument else deed.handler(chat)
        if isawaitable(found):
            await found

    if deed.waits:
        chat.run_worker(run(), name=name, group=WAITS)
        await asyncio.sleep(0)  # it has opened its screen when the next key comes
    else:
        await run()
