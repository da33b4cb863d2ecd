"""What has to wait for the answer in progress: another model, or the same run otherwise.

It waits beside all else: keys wait for those who opened a screen (keys_in_order.py), and must not wait for an answer.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen

_LOOK_SECONDS = 0.1


def once_free(chat: "ChatScreen", told: str, do: Callable[[], object]) -> None:
    """Do it now, or where an answer is in progress when that is finished, which is `told`."""
    session = chat.session
    if not session.why_unchangeable:
        do()
        return

    async def wait() -> None:
        while session.why_unchangeable:
            await asyncio.sleep(_LOOK_SECONDS)
        do()

    chat.notify(
        f"{told} when this answer is finished ({chat.key_of('answer.stop')} stops it).", timeout=6, markup=False
    )
    chat.run_worker(wait(), group="once_free")
