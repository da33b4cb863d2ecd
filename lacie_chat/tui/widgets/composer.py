"""Where the user writes: several lines, a history, and a paste that is never sent by itself.

Enter sends. Ctrl+j makes a new line: it is a byte of its own in every terminal; alt+enter is in most, shift+enter in
some, and a backslash before enter is everywhere. Pasted text arrives as one event (bracketed paste), so its line ends
don't send.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.document._document import Document, EditResult
from textual.document._edit import Edit
from textual.events import Click, Key, Paste
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from lacie_chat.tui.messages import Submitted
from lacie_chat.tui.widgets.pieces import Pieces, is_long
from lacie_chat.tui.widgets.suggestions import Offer, Suggestion, Suggestions

SUGGESTION_KEYS = ("up", "down", "tab", "enter", "escape")
NEWLINE_KEYS = ("ctrl+j", "shift+enter", "alt+enter", "ctrl+enter")


class Unsent(Exception):
    """Why a text stays where it was written, in one line."""


class Composer(TextArea):
    """A text area that grows to eight lines.

    `prepare` makes what is sent of what was written and of what stands here of it. Nothing is where that was a command,
    which it has done then; it raises Unsent where the text has to stay. `suggest` says what may be meant at a place of
    the text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+underscore", "undo", "Undo", show=False)]

    def __init__(
        self,
        placeholder: str,
        suggestions: Suggestions,
        prepare: Callable[[str, str], str],
        suggest: Callable[[str, int], Offer | None],
    ) -> None:
        super().__init__(
            id="composer",
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder=placeholder,
            tab_behavior="focus",
        )
        self.suggestions = suggestions
        self._prepare = prepare
        self._suggest = suggest
        self._suggested_for: tuple[str, int] | None = None
        self._unwanted: int | None = None
        """Where the word begins for which the user wants no suggestions."""
        self.past: list[str] = []
        self.pieces = Pieces()
        self._position = 0
        self._draft = ""

    async def on_key(self, event: Key) -> None:
        # Here and not as bindings: those with priority overtake the keys typed just before, others come after TextArea.
        if event.key in SUGGESTION_KEYS and self._in_suggestions(event.key):
            event.stop()
            event.prevent_default()
        elif event.key == "enter" or event.key in NEWLINE_KEYS:
            event.stop()
            event.prevent_default()
            if event.key == "enter" and not self._is_continued():
                self.action_send()
            else:
                self.action_newline()

    def action_send(self) -> None:
        if not (written := self.written.strip()):
            return
        try:
            sent = self._prepare(self.written, self.text)
        except Unsent as why:
            self.notify(str(why), severity="warning", timeout=6, markup=False)
            return
        self.clear()
        if sent or " " in written:  # a command with more than its word is worth coming back to
            self.remember(written)
        if sent:
            self.post_message(Submitted(sent, written))

    # Pieces that stand as one line

    @property
    def written(self) -> str:
        """All of the text, long pieces included."""
        return self.pieces.whole(self.text)

    @property
    def has_pieces(self) -> bool:
        """Is there a line that stands for more, or a piece that was one?"""
        return bool(self.pieces.spans(self.text)) or self.pieces.folded(self.text) != self.text

    def toggle_pieces(self) -> None:
        """Open all lines that stand for more; where there are none, fold what was one."""
        text = self.written if self.pieces.spans(self.text) else self.pieces.folded(self.text)
        super().edit(Edit(text, (0, 0), self.document.end, False))
        self.move_cursor(self.document.end)

    def edit(self, edit: Edit) -> EditResult:
        text, document = self.text, self._content_lines
        if self.pieces.spans(text):
            start, end = (document.get_index_from_location(place) for place in (edit.top, edit.bottom))
            moved = self.pieces.around(text, start, end)
            if moved != (start, end):
                first, last = (document.get_location_from_index(place) for place in moved)
                edit = Edit(edit.text, first, last, False)
        return super().edit(edit)

    async def on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        self._paste(event.text)

    def action_paste(self) -> None:
        self._paste(self.app.clipboard)

    def _paste(self, text: str) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if is_long(text):
            text = self.pieces.label(text)
        if text:
            self.move_cursor(self.replace(text, *self.selection, maintain_selection_offset=False).end_location)
        self.focus()

    def on_click(self, event: Click) -> None:
        place = self._content_lines.get_index_from_location(self.get_target_document_location(event))
        for start, end in self.pieces.spans(self.text):
            if start <= place < end:
                self._open_piece(start, end)
                return

    def _open_piece(self, start: int, end: int) -> None:
        first, last = (self._content_lines.get_location_from_index(place) for place in (start, end))
        result = super().edit(Edit(self.pieces.whole(self.text[start:end]), first, last, False))
        self.move_cursor(result.end_location)

    def _recompute_cursor_offset(self) -> None:
        # Undo measures the text before it has put the cursor back, which may stand below its end then.
        with suppress(ValueError):
            super()._recompute_cursor_offset()  # type: ignore[no-untyped-call]

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        for start, end in self.pieces.spans(line.plain):
            line.stylize(Style(italic=True, underline=True), start, end)
        return line

    # Suggestions

    @property
    def _content_lines(self) -> Document:
        assert isinstance(self.document, Document)
        return self.document

    def on_text_area_changed(self) -> None:
        self._offer()

    def on_text_area_selection_changed(self) -> None:
        self._offer()

    def _offer(self) -> None:
        """Suggest what may be meant now; called before any key that would take a suggestion, for a fast typist's text
        comes sooner than word of it."""
        text, cursor = self.text, self._content_lines.get_index_from_location(self.cursor_location)
        if (text, cursor) == self._suggested_for:
            return
        self._suggested_for = text, cursor
        offer = self._suggest(text, cursor) if self.selection.is_empty else None
        if offer is None or offer.start != self._unwanted:
            self._unwanted = None
        self.suggestions.show(offer if self._unwanted is None else None)

    def _in_suggestions(self, key: str) -> bool:
        """Do what a key does in the list of suggestions; False where it is none of the list's."""
        self._offer()
        offer = self.suggestions.offer
        if offer is None:
            return False
        if key in ("up", "down"):
            self.suggestions.step(1 if key == "down" else -1)
        elif key == "escape":
            self._unwanted = offer.start
            self.suggestions.show(None)
        else:
            chosen = self.suggestions.foremost if key == "tab" else self.suggestions.chosen
            if chosen is None:
                return False
            if key == "enter" and offer.command:
                self.take(chosen)
                self.action_send()
                return True
            if key == "enter" and self.text[offer.start : offer.end] == chosen.text:
                return False
            self.take(chosen)
        return True

    def take(self, suggestion: Suggestion) -> None:
        """Put a suggestion in the place of what was typed."""
        if (offer := self.suggestions.offer) is not None:
            start, end = (self._content_lines.get_location_from_index(place) for place in (offer.start, offer.end))
            text = suggestion.text
            if suggestion.done and not offer.command and self.text[offer.end : offer.end + 1] != " ":
                text += " "
            self.move_cursor(self.replace(text, start, end).end_location)
            self._offer()
            self.focus()

    def _is_continued(self) -> bool:
        """Does a backslash at the cursor ask for a new line in its place? It is selected then. Two are a backslash."""
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        if not self.selection.is_empty or (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return False
        self.selection = Selection((row, column - 1), (row, column))
        return True

    def action_newline(self) -> None:
        self.replace("\n", *self.selection, maintain_selection_offset=False)

    def action_cursor_up(self, select: bool = False) -> None:
        if not select and self.navigator.is_first_wrapped_line(self.cursor_location) and self._position > 0:
            self._recall(self._position - 1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if not select and self.navigator.is_last_wrapped_line(self.cursor_location) and self._position < len(self.past):
            self._recall(self._position + 1)
        else:
            super().action_cursor_down(select)

    def remember(self, text: str) -> None:
        """Put a text at the end of the history; it stands there once."""
        if not self.past or self.past[-1] != text:
            if text in self.past:
                self.past.remove(text)
            self.past.append(text)
        self._position, self._draft = len(self.past), ""

    def put_away(self) -> None:
        """Clear, but keep the text where the up key finds it."""
        text = self.written
        self.clear()
        if text.strip():
            self.remember(text)

    def rewrite(self, text: str) -> None:
        """Put another text in the place of this one, which undo brings back."""
        if (folded := self.pieces.folded(text)) != self.text:
            self.replace(folded, (0, 0), self.document.end)
            self.move_cursor(self.document.end)

    def fill(self, text: str) -> None:
        """Replace the text, with the cursor at its end; nothing is to be undone then."""
        self.pieces.know_files(text)
        self.load_text(self.pieces.folded(text))
        self.move_cursor(self.document.end)

    def _recall(self, position: int) -> None:
        if self._position == len(self.past):
            self._draft = self.written
        self._position = position
        text = self._draft if position == len(self.past) else self.past[position]
        self.pieces.know_files(text)
        if is_long(self.pieces.folded(text)) and position < len(self.past):
            self.pieces.label(text, "question")  # or the up key would go through all its lines first
        self.fill(text)
