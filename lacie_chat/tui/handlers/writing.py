"""What is done with the text that is being written."""

import os
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from lacie_chat.tui.external_editor import EditorError, edited, editor_command
from lacie_chat.tui.handlers.registry import does

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


@does("chat.editor")
def open_editor(chat: "ChatScreen") -> None:
    chat.composer.call_later(_edit, chat)  # after what was typed before the key


def _edit(chat: "ChatScreen") -> None:
    composer = chat.composer
    text, problem = composer.written, ""
    try:
        command = editor_command(os.environ)
        with chat.app.suspend():
            try:  # in here: what is raised out of it, Textual doesn't come back from
                text = edited(text, command)
            except EditorError as error:
                problem = str(error)
    except SuspendNotSupported:
        problem = "this terminal can't be handed to an editor"
    except EditorError as error:
        problem = str(error)
    if problem:
        chat.notify(f"No edit: {problem}.", severity="warning", timeout=10, markup=False)
    composer.rewrite(text)
    composer.focus()
