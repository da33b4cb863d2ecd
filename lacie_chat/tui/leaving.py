"""Before a conversation is left, or the program: what isn't saved is saved, or the user says what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lacie_chat.chat.copies import usual_folders, write_copy_at
from lacie_chat.errors import LacieError
from lacie_chat.tui.keys_in_order import WAITS
from lacie_chat.tui.screens.confirm import ChoiceScreen, NameScreen
from lacie_chat.tui.widgets.unsaved import count_of

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen

STAY, COPY, LEAVE = "Stay here", "Write a copy, then leave", "Leave without them"
ASKING = "leaving"
"""The name of the worker that asks."""


async def leave_then(chat: "ChatScreen", do: Callable[[], Awaitable[object]], *, quits: bool = False) -> None:
    """Do what leaves the conversation, at once where all is saved; else if the user still wants to. `quits`: it ends
    the program."""
    if not _missing(chat, quits):
        await do()
        return
    if any(worker.name == ASKING and not worker.is_finished for worker in chat.app.workers):
        return  # it is being asked already

    async def ask() -> None:
        if await may_leave(chat, quits=quits):
            await do()

    chat.run_worker(ask(), name=ASKING, group=WAITS)
    await asyncio.sleep(0)  # it has opened its screen when the next key comes


async def may_leave(chat: "ChatScreen", *, quits: bool = False) -> bool:
    """Save what can be saved now; if something is left, ask. Only in a worker, for it waits for the answer."""
    saving = chat.session.saving
    if not _missing(chat, quits):
        return True
    await asyncio.to_thread(saving.save_now)
    while missing := _missing(chat, quits):
        question = f"{count_of(missing)} could not be saved: {saving.problem}."
        chosen = await chat.app.push_screen_wait(ChoiceScreen(question, (STAY, COPY, LEAVE), STAY))
        if chosen == LEAVE or (chosen == COPY and await _copied(chat)):
            saving.forget()
            return True
        if chosen != COPY:
            return False
    return True


def _missing(chat: "ChatScreen", quits: bool) -> int:
    saving = chat.session.saving
    return saving.lost_at_the_end if quits else saving.unsaved


async def _copied(chat: "ChatScreen") -> bool:
    """Write all that isn't saved to where the user says; False if not all of it could be."""
    label = "A copy with all of it, for `lacie history import`: into which folder, or which new file (.json)?"
    place = await chat.app.push_screen_wait(NameScreen(label, str(usual_folders()[0])))
    if place is None:
        return False
    try:
        for tree in chat.session.saving.copied_trees():
            path = await asyncio.to_thread(write_copy_at, tree, place)
            chat.notify(f"The copy is {path}", timeout=10, markup=False)
    except LacieError as error:
        chat.notify(str(error), severity="error", timeout=10, markup=False)
        return False
    return True
