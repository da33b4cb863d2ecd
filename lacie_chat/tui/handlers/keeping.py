"""What is done with the conversation as a whole: exported, copied up to a message, its branches looked at."""

from typing import TYPE_CHECKING

from lacie_chat.conversations import StoreError
from lacie_chat.conversations.files import FORMATS
from lacie_chat.tui.exporting import choose_and_export, export
from lacie_chat.tui.handlers.conversations import go_to_turn, open_conversation
from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.screens.branches import BranchesScreen

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


@does("chat.export", lambda chat: chat.has_messages)
def export_conversation(chat: "ChatScreen", format: str = "") -> None:
    tree = chat.session.tree
    unsaved = tree if tree.problem or tree.conversation_id is None else None
    if not format:
        choose_and_export(chat.app, chat.session.store, tree.conversation_id, unsaved)
    elif format.lower() in FORMATS:
        export(chat.app, chat.session.store, tree.conversation_id, format.lower(), unsaved)
    else:
        known = ", ".join(FORMATS)
        chat.notify(f"There is no format {format}; there are {known}.", severity="warning", timeout=10, markup=False)


@does("chat.duplicate", lambda chat: chat.has_messages and not chat.session.busy)
async def duplicate(chat: "ChatScreen") -> None:
    """Up to the selected message, else all of the branch; the copy is gone on with. Of a conversation that another chat
    deleted, all there is goes on as a new one."""
    tree = chat.session.tree
    if chat.session.saving.deleted_elsewhere:
        if chat.session.saving.keep_anew():
            chat.notify("Kept as a new conversation.", timeout=5)
        chat.show_unsaved()
        return
    turn = chat.transcript.selected or tree.leaf
    if tree.conversation_id is None or turn is None or turn.stored_id is None:
        chat.notify("This could not be saved yet, so it can't be copied.", severity="warning", markup=False)
        return
    try:
        copy = chat.session.store.duplicate(tree.conversation_id, turn.stored_id)
    except StoreError as error:
        chat.notify(str(error), severity="error", markup=False)
        return
    if await open_conversation(chat, copy.id):
        chat.notify("This is the copy; the conversation that it was made of is in the history.", timeout=5)
    chat.composer.focus()


@does("chat.branches", lambda chat: chat.has_messages, waits=True)
async def show_branches(chat: "ChatScreen") -> None:
    turn = await chat.app.push_screen_wait(BranchesScreen(chat.session.tree))
    if turn is not None:
        await go_to_turn(chat, turn)
