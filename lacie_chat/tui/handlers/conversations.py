"""One conversation and the others: a new one, an old one, what they all say of the model, and leaving."""

from typing import TYPE_CHECKING

from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import StoreError
from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.leaving import leave_then, may_leave
from lacie_chat.tui.messages import TurnSelected
from lacie_chat.tui.screens.history import HistoryScreen

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


@does("chat.new")
async def new_chat(chat: "ChatScreen") -> None:
    await leave_then(chat, lambda: begin_anew(chat))


async def begin_anew(chat: "ChatScreen") -> None:
    """Whatever becomes of the conversation at hand."""
    chat.session.new_chat()
    await chat.show_conversation()
    chat.composer.focus()


@does("chat.history", waits=True)
async def choose_conversation(chat: "ChatScreen") -> None:
    history = HistoryScreen(chat.session.store)
    chosen = await chat.app.push_screen_wait(history)
    if history.changed:
        chat.forget_deleted(history.deleted)
    current = chat.session.tree.conversation_id
    if chosen is not None and chosen != current:
        if current not in history.deleted and not await may_leave(chat):
            return
        if not await open_conversation(chat, chosen):
            return
    elif current in history.deleted:
        chat.session.saving.forget()
        await begin_anew(chat)
    elif current is not None:
        chat.session.tree.reread_title()
        chat.show_title()
    chat.composer.focus()
    if chosen is not None and history.found is not None:
        found = next((turn for turn in chat.session.tree.turns() if turn.stored_id == history.found), None)
        if found is not None:
            await go_to_turn(chat, found)


async def open_conversation(chat: "ChatScreen", conversation_id: str) -> bool:
    """Go on with a conversation; False, and one line, if it can't be read."""
    try:
        chat.session.open(conversation_id)
    except StoreError as error:
        chat.notify(str(error), severity="error", markup=False)
        return False
    await chat.show_conversation()
    return True


async def go_to_turn(chat: "ChatScreen", turn: Turn) -> None:
    """Show the branch in which a message stands, and select it."""
    if turn not in chat.session.tree.path():
        chat.session.show(turn)
        await chat.show_branch()
    await chat.transcript.reach(turn)
    chat.on_turn_selected(TurnSelected(turn))


@does("chat.calibration")
def show_calibration(chat: "ChatScreen") -> None:
    from lacie_chat.tui.screens.calibration import CalibrationScreen  # numpy: not before it is wanted

    chat.app.push_screen(CalibrationScreen(chat.session))


@does("chat.quit")
async def leave(chat: "ChatScreen") -> None:
    await chat.app.action_quit()
