"""A conversation as a file, from the chat and from the history: which format is asked for, where it lies is said."""

from textual.app import App

from lacie_chat.chat.copies import usual_folders, write_copy, write_stored
from lacie_chat.chat.tree import ChatTree
from lacie_chat.conversations import Store, StoreError
from lacie_chat.conversations.files import FORMATS
from lacie_chat.tui.screens.confirm import ChoiceScreen

CHOICES = ("Markdown", "HTML", "JSON")


def choose_and_export(
    app: App[None], store: Store, conversation_id: str | None, unsaved: ChatTree | None = None
) -> None:
    """Ask for the format, and write."""

    def write(chosen: str | None) -> None:
        if chosen is not None:
            export(app, store, conversation_id, chosen.lower(), unsaved)

    app.push_screen(
        ChoiceScreen("Export the conversation; JSON has all of it, for the import", CHOICES, CHOICES[0]), write
    )


def export(
    app: App[None], store: Store, conversation_id: str | None, name: str, unsaved: ChatTree | None = None
) -> None:
    """Write the conversation in the format of that name into the current folder, or where that can't be written, into
    the one for downloads; one that is `unsaved`, as it is in memory."""
    try:
        written_as = FORMATS[name]
        if unsaved is not None or conversation_id is None:
            assert unsaved is not None
            path = write_copy(unsaved, usual_folders(), written_as)
        else:
            path = write_stored(store, conversation_id, usual_folders(), written_as)
    except (StoreError, OSError) as error:
        app.notify(str(error), severity="error", timeout=10, markup=False)
        return
    app.notify(f"Exported to {path}", timeout=10, markup=False)
