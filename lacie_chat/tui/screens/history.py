"""The conversations: search as one types, resume, rename, delete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from lacie_chat.conversations import Hit, Store, StoreError
from lacie_chat.conversations.records import ConversationSummary
from lacie_chat.names import pair_name
from lacie_chat.tui.screens.base import SizedScreen
from lacie_chat.tui.screens.confirm import NameScreen

LIST_LIMIT = 200
PASSED_ON = {"up": "cursor_up", "down": "cursor_down", "pageup": "page_up", "pagedown": "page_down"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list."""

    conversation_id: str
    title: str
    content: Content


def when(moment: datetime, now: datetime) -> str:
    """A short date: the time today, the day this year, else the date."""
    local, today = moment.astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%d %b}" if local.year == today.year else f"{local:%Y-%m-%d}"


class HistoryScreen(SizedScreen[str | None]):
    """Dismissed with the id of the conversation to resume, or None. `deleted` holds the ids of those that are gone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "resume", "Resume", id="history.resume"),
        Binding("ctrl+r,f2", "rename", "Rename", id="history.rename", priority=True),
        Binding("ctrl+x", "delete", "Delete", id="history.delete", priority=True),
        Binding("alt+z,f7", "restore", "Take back", id="history.restore", priority=True),
        Binding("escape", "close", "Back", id="history.close"),
        *(Binding(key, f"move('{action}')", show=False, priority=True) for key, action in PASSED_ON.items()),
    ]

    search = getters.query_one(Input)
    conversations = getters.query_one(OptionList)
    nothing = getters.query_one("#nothing", Static)

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._entries: list[Entry] = []
        self._deleted: list[Entry] = []

    @property
    def writing_place(self) -> Input:
        return self.search

    def compose_screen(self) -> ComposeResult:
        yield Static("lacie · history · enter resumes", classes="title-bar")
        yield Input(placeholder="Search in all conversations", id="search", compact=True)
        yield OptionList(id="conversations")
        yield Static(id="nothing", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._fill("")
        self.search.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value, self._current() if not event.value else None)

    def on_input_submitted(self) -> None:
        self.action_resume()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._entries[event.option_index].conversation_id)

    def action_move(self, action: str) -> None:
        getattr(self.conversations, f"action_{action}")()

    def action_resume(self) -> None:
        if (entry := self._current()) is not None:
            self.dismiss(entry.conversation_id)

    def action_close(self) -> None:
        if self.search.value:
            self.search.value = ""
        else:
            self.dismiss(None)

    def action_rename(self) -> None:
        if (entry := self._current()) is None:
            return

        def rename(title: str | None) -> None:
            if title:
                self._change(lambda: self._store.rename(entry.conversation_id, title))

        self.app.push_screen(NameScreen("Rename the conversation", entry.title), rename)

    def action_delete(self) -> None:
        if (entry := self._current()) is None:
            return
        if self._change(lambda: self._store.delete(entry.conversation_id)):
            self._deleted.append(entry)
            self.refresh_bindings()
            self.notify(f"Deleted “{entry.title}”; alt+z takes it back.", timeout=10, markup=False)

    def action_restore(self) -> None:
        """Take the last deletion back."""
        entry = self._deleted[-1]
        if self._change(lambda: self._store.restore(entry.conversation_id), entry):
            self._deleted.remove(entry)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._deleted) if action == "restore" else True

    @property
    def deleted(self) -> set[str]:
        """The ids of those that were deleted here and not taken back."""
        return {entry.conversation_id for entry in self._deleted}

    def _current(self) -> Entry | None:
        index = self.conversations.highlighted
        return self._entries[index] if index is not None and index < len(self._entries) else None

    def _change(self, change: Callable[[], None], current: Entry | None = None) -> bool:
        """Change the store and show the list anew, with the highlight where it was or on `current`; False, and one
        line, if that failed."""
        try:
            change()
        except StoreError as error:
            self.notify(str(error), severity="error", markup=False)
            return False
        finally:
            self._fill(self.search.value, current or self._current())
        return True

    def _fill(self, query: str, current: Entry | None = None) -> None:
        """Show what is found. The highlight stays with the conversation of `current`, wherever its row is now; where
        that is gone, with the row; without one it is on the first."""
        options = self.conversations
        index = (options.highlighted or 0) if current is not None else 0
        try:
            self._entries = self._found(query) if query.strip() else self._listed()
            reason = "Nothing found." if query.strip() else "No conversation yet."
        except StoreError as error:
            self._entries, reason = [], str(error)
        options.set_options([Option(entry.content) for entry in self._entries])
        options.set_class(not self._entries, "-empty")
        self.nothing.set_class(bool(self._entries), "-unused")
        self.nothing.update(reason)
        if self._entries:
            ids = [entry.conversation_id for entry in self._entries]
            if current is not None and current.conversation_id in ids:
                index = ids.index(current.conversation_id)
            options.highlighted = min(index, len(ids) - 1)
        self.refresh_bindings()

    def _listed(self) -> list[Entry]:
        now = datetime.now(UTC)
        return [_listed_entry(summary, now) for summary in self._store.list_conversations(LIST_LIMIT)]

    def _found(self, query: str) -> list[Entry]:
        """One row a conversation: its best hit."""
        entries: dict[str, Entry] = {}
        for hit in self._store.search(query):
            entries.setdefault(hit.conversation_id, _found_entry(hit))
        return list(entries.values())


def _listed_entry(summary: ConversationSummary, now: datetime) -> Entry:
    title = summary.title or "(no title)"
    count = f"{summary.messages} message{'' if summary.messages == 1 else 's'}"
    model = pair_name(summary.model, summary.adapter)
    content = Content.assemble(
        (title, "bold"), ("\n" + f"{when(summary.updated_at, now):<7} {count:<12} {model}", "$foreground 65%")
    )
    return Entry(summary.id, title, content)


def _found_entry(hit: Hit) -> Entry:
    title = hit.title or "(no title)"
    snippet = Content(hit.snippet)
    for start, end in hit.matches:
        snippet = snippet.stylize("bold underline", start, end)
    who = "You: " if hit.role == "user" else ""
    return Entry(hit.conversation_id, title, Content.assemble((title, "bold"), "\n", (who, "$foreground 65%"), snippet))
