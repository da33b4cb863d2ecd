"""The conversations by day: search and filter as one types, see how one ends, resume, rename, pin, copy, export, delete
and take back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from lacie_chat.conversations import FilterError, Query, Store, StoreError, parse_query
from lacie_chat.tui.actions import HISTORY_ACTIONS
from lacie_chat.tui.exporting import choose_and_export
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.screens.base import STEPS, SizedScreen, TitleBar
from lacie_chat.tui.screens.confirm import NameScreen
from lacie_chat.tui.widgets.fitting_footer import FittingFooter
from lacie_chat.tui.widgets.history_preview import HistoryPreview
from lacie_chat.tui.widgets.history_rows import Entry, found_entry, grouped, listed_entry

PAGE = 200
"""So many conversations are listed at a time; more when one comes near the end."""
MOST_HITS = 400
BESIDE, BELOW = 80, 30
"""Columns from which the preview stands beside the list; rows from which it stands below, where it doesn't."""
FILTERS = "is:wrong is:abstained is:pinned is:deleted sounds:>80 right:<40 model:… after:2026-01-31 -word".split()
RESTORE = "history.restore"


class HistoryScreen(SizedScreen[str | None]):
    """Dismissed with the id of the conversation to resume, or None; `found` is the message that was found in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(action.binding() for action in HISTORY_ACTIONS),
        *STEPS,
    ]

    search = getters.query_one(Input)
    hint = getters.query_one("#hint", Static)
    conversations = getters.query_one(OptionList)
    preview = getters.query_one(HistoryPreview)
    nothing = getters.query_one("#nothing", Static)

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._rows: list[Entry | str] = []
        """What stands in the list, a row each; headings are texts."""
        self._query = Query()
        self._more = False
        """Are there conversations beyond those that are listed?"""
        self._deleted: list[Entry] = []
        self.found: int | None = None
        self.changed = False
        """Was something deleted, or taken back?"""

    @property
    def writing_place(self) -> Input:
        return self.search

    def compose_screen(self) -> ComposeResult:
        yield TitleBar("history")
        yield Input(placeholder="Words or filters", id="search", compact=True)
        yield Static(id="hint", markup=False)
        with Container(id="found"):
            yield OptionList(id="conversations")
            yield HistoryPreview(self._store)
        yield Static(id="nothing", markup=False)
        yield FittingFooter()

    def on_mount(self) -> None:
        self._fill()
        self.search.focus()

    def on_resize(self) -> None:
        width, height = self.app.size
        self.set_class(width >= BESIDE, "-beside")
        self.set_class(width < BESIDE and height >= BELOW, "-below")
        self.preview.show(self._current())
        self._show_hint()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(self._current() if not event.value else None)

    def on_input_submitted(self) -> None:
        self.action_history_resume()

    def on_option_list_option_selected(self) -> None:
        self.action_history_resume()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if self._more and event.option_index > len(self._rows) - PAGE // 4:
            self._list_more()
        if self.has_class("-beside") or self.has_class("-below"):
            self.preview.show(self._current())
        self.refresh_bindings()

    def action_move(self, action: str) -> None:
        getattr(self.conversations, f"action_{action}")()

    # What can be done

    def action_history_resume(self) -> None:
        if (entry := self._current()) is None:
            return
        if entry.deleted:
            self.notify(
                f"“{entry.title}” is deleted; {key_of(self, RESTORE)} takes it back.", severity="warning", markup=False
            )
        else:
            self.found = entry.message_id if self._query.words else None
            self.dismiss(entry.conversation_id)

    def action_history_close(self) -> None:
        if self.search.value:
            self.search.value = ""
        else:
            self.dismiss(None)

    def action_history_rename(self) -> None:
        if (entry := self._current()) is None:
            return

        def rename(title: str | None) -> None:
            if title:
                self._change(lambda: self._store.rename(entry.conversation_id, title))

        self.app.push_screen(NameScreen("Rename the conversation", entry.title), rename)

    def action_history_pin(self) -> None:
        if (entry := self._current()) is not None:
            self._change(lambda: self._store.pin(entry.conversation_id, not entry.pinned))

    def action_history_duplicate(self) -> None:
        if (entry := self._current()) is None:
            return
        copies: list[str] = []
        if self._change(lambda: copies.append(self._store.duplicate(entry.conversation_id).id)):
            self._fill(on=copies[0])
            self.notify(f"Copied “{entry.title}”.", timeout=4, markup=False)

    def action_history_export(self) -> None:
        if (entry := self._current()) is not None:
            choose_and_export(self.app, self._store, entry.conversation_id)

    def action_history_delete(self) -> None:
        if (entry := self._current()) is None:
            return
        if self._change(lambda: self._store.delete(entry.conversation_id)):
            self._deleted.append(entry)
            self.changed = True
            self.refresh_bindings()
            self.notify(f"Deleted “{entry.title}”; {key_of(self, RESTORE)} takes it back.", timeout=10, markup=False)

    def action_history_restore(self) -> None:
        """Take back the deletion of what is highlighted, else the last one."""
        entry = current if (current := self._current()) is not None and current.deleted else self._deleted[-1]
        if self._change(lambda: self._store.restore(entry.conversation_id), on=entry.conversation_id):
            self._deleted = [each for each in self._deleted if each.conversation_id != entry.conversation_id]
            self.changed = True
            self.refresh_bindings()
            self.notify(f"“{entry.title}” is back.", timeout=4, markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not action.startswith("history_") or action in ("history_close", "history_help"):
            return True
        current = self._current()
        if action == "history_restore":
            return bool(self._deleted) or (current is not None and current.deleted)
        return current is not None and (not current.deleted or action == "history_resume")

    @property
    def deleted(self) -> set[str]:
        """The ids of those that were deleted here and not taken back."""
        return {entry.conversation_id for entry in self._deleted}

    # The list

    def _current(self) -> Entry | None:
        index = self.conversations.highlighted
        row = self._rows[index] if index is not None and index < len(self._rows) else None
        return row if isinstance(row, Entry) else None

    def _change(self, change: Callable[[], None], on: str | None = None) -> bool:
        """Change the store and show the list anew, with the highlight where it was or on the conversation `on`; False,
        and one line, if that failed."""
        try:
            change()
        except StoreError as error:
            self.notify(str(error), severity="error", markup=False)
            return False
        finally:
            self._fill(self._current(), on=on)
        return True

    def _fill(self, current: Entry | None = None, on: str | None = None) -> None:
        """Show what is found. The highlight goes to the conversation `on`, or stays with that of `current`, wherever
        its row is now; where that is gone, with the row; without one it is on the first."""
        options = self.conversations
        index = (options.highlighted or 0) if current is not None else 0
        wanted = on or (current.conversation_id if current is not None else None)
        entries: list[Entry] = []
        try:
            self._query = parse_query(self.search.value)
            entries = self._found() if self._query.words else self._listed(0)
            reason = "Nothing found." if self.search.value.strip() else "No conversation yet."
        except (FilterError, StoreError) as error:
            reason = str(error)
        self._rows = list(grouped(entries))
        options.set_options(map(_option, self._rows))
        self.set_class(not entries, "-empty")
        self.nothing.update(reason)
        self._show_hint()
        places = {row.conversation_id: place for place, row in enumerate(self._rows) if isinstance(row, Entry)}
        if places:
            index = places.get(wanted or "", index)
            options.highlighted = min(places.values(), key=lambda place: abs(place - index))
        else:
            self.preview.show(None)
        self.refresh_bindings()

    def _show_hint(self) -> None:
        """How many there are, or what can be filtered by, as far as there is room."""
        count = sum(isinstance(row, Entry) for row in self._rows)
        if count and self.search.value:
            self.hint.update(f"{count}{' and more' if self._more else ''} found")
        else:
            ends = [*accumulate(len(each) + 1 for each in FILTERS)]
            self.hint.update(
                " ".join(each for each, end in zip(FILTERS, ends, strict=True) if end <= self.size.width - 3)
            )

    def _listed(self, offset: int) -> list[Entry]:
        now = datetime.now(UTC)
        rows = self._store.list_conversations(PAGE + 1, offset, self._query, pinned_first=True)
        self._more = len(rows) > PAGE
        return [listed_entry(summary, now) for summary in rows[:PAGE]]

    def _list_more(self) -> None:
        entries = [row for row in self._rows if isinstance(row, Entry)]
        rows = list(grouped(self._listed(len(entries)), entries[-1].group))
        self._rows += rows
        self.conversations.add_options(map(_option, rows))

    def _found(self) -> list[Entry]:
        """One row a conversation: its best hit; then those that only have the words in their title, or in several
        messages."""
        self._more = False
        entries: dict[str, Entry] = {}
        matching = {row.id: row for row in self._store.list_conversations(PAGE, query=self._query)}
        for hit in self._store.search(self._query, MOST_HITS):
            entries.setdefault(hit.conversation_id, found_entry(hit, matching.get(hit.conversation_id)))
        now = datetime.now(UTC)
        for summary in matching.values():
            if summary.id not in entries:
                entries[summary.id] = replace(listed_entry(summary, now), group="")
        return list(entries.values())


def _option(row: Entry | str) -> Option:
    if isinstance(row, Entry):
        return Option(row.content)
    return Option(Content.styled(row, f"{DIM} bold"), disabled=True)
