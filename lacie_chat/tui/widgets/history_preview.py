"""The end of the conversation that is highlighted in the history, as text: enough to know it again."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lacie_chat.conversations import Message, Store, StoreError, damage_words
from lacie_chat.conversations.export import notes_of
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.widgets.history_rows import Entry
from lacie_chat.tui.widgets.line_layout import unbroken

MESSAGES = 6
"""So many are read."""
_LONGEST = 1500
"""Characters of a message that are shown."""


class HistoryPreview(VerticalScroll, can_focus=False):
    """Shows nothing until it is given an entry."""

    def __init__(self, store: Store) -> None:
        super().__init__(id="preview")
        self._store = store

    def compose(self) -> ComposeResult:
        yield Static(id="preview-text")

    def show(self, entry: Entry | None) -> None:
        """Show the messages before what was found, or the last ones."""
        text = Content("")
        if entry is not None:
            try:
                thread = [] if entry.message_id is None else self._store.thread(entry.message_id, MESSAGES)
                own = damage_words("this conversation", entry.damaged)
                parts = [Content.styled(entry.title, "bold"), *([Content.styled(unbroken(own), DIM)] if own else [])]
                text = Content("\n\n").join([*parts, *_content(thread)])
            except StoreError as error:
                text = Content(str(error))
        self.query_one("#preview-text", Static).update(text)
        # what one knows a conversation by is its end
        self.call_after_refresh(self.scroll_end, animate=False)


def _content(thread: Sequence[Message]) -> list[Content]:
    if not thread:
        return [Content.styled("No message yet.", DIM)]
    parts = [] if thread[0].parent_id is None else [Content.styled("…", DIM)]
    for message in thread:
        text = message.text.strip()
        shown = text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + " …"
        mark = Content.styled("▌ ", "$secondary") if message.role == "user" else Content("")
        lines = [mark + Content(shown)] if shown else []
        parts.append(Content("\n").join([*lines, *(Content.styled(unbroken(note), DIM) for note in notes_of(message))]))
    return parts
