"""What the user writes, on the chat screen: commands, what may be meant, and what is sent of it.

A room of the chat screen (chat.py), which shows the conversation and does everything else.
"""

from collections.abc import Iterable
from contextlib import suppress

from textual import getters
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from lacie_chat.chat import attached
from lacie_chat.conversations import StoreError
from lacie_chat.printable import printable
from lacie_chat.sizes import text_size
from lacie_chat.tui import slash
from lacie_chat.tui.messages import CommandTyped, SuggestionTaken
from lacie_chat.tui.prompts import read_prompts
from lacie_chat.tui.screens.thoughts import ThoughtsScreen
from lacie_chat.tui.widgets.composer import Composer, Unsent
from lacie_chat.tui.widgets.line_layout import WITHIN
from lacie_chat.tui.widgets.suggestions import Offer, Suggestion, Suggestions


class WritingScreen(ThoughtsScreen):
    """What the chat screen has of this."""

    composer = getters.query_one(Composer)

    @property
    def writing_place(self) -> Widget | None:
        return next(iter(self.query(Composer)), None)

    def compose_writing(self) -> ComposeResult:
        """The composer and what stands over it."""
        suggestions = Suggestions()
        yield suggestions
        yield Static(id="writing-note", markup=False)
        yield Composer("Ask something", suggestions, self.prepare, self.suggest)

    def begin_writing(self) -> None:
        """What was written before is there again."""
        for text in read_prompts(self.session.store).shown:
            self.composer.remember(text)
        self.composer.fill(self.state.draft)
        self.composer.focus()

    def forget_deleted(self, conversations: Iterable[str]) -> None:
        """After conversations were deleted, or taken back: the up key finds their questions no more, or again."""
        store, composer = self.session.store, self.composer
        prompts, hidden = read_prompts(store), set[str]()
        for each in conversations:
            with suppress(StoreError):
                hidden |= {message.text for message in store.messages(each) if message.role == "user"}
        hidden = (hidden | set(prompts.hidden)) - set(prompts.shown)
        back = [text for text in prompts.shown if text not in composer.past]
        kept, composer.past = [text for text in composer.past if text not in hidden], []
        for text in (*back, *kept):
            composer.remember(text)

    def is_possible(self, name: str) -> bool:
        """Can this action be done now?"""
        raise NotImplementedError

    def prepare(self, written: str, shown: str) -> str:
        """What is sent of it; empty where it is a command. Files are named in what is `shown` of it, not in a long
        paste. Raises Unsent where it has to stay."""
        found = slash.read(written)
        if isinstance(found, slash.Unknown):
            raise Unsent(found.told)
        if isinstance(found, slash.Command):
            if not self.is_possible(found.action.name):
                raise Unsent(f"/{found.action.word} can't be done now. What it does: {found.action.help}.")
            self.post_message(CommandTyped(found))
            return ""
        try:
            return attached.with_files(shown, found)
        except attached.AttachError as error:
            raise Unsent(f"Not sent: {error}.") from None

    def suggest(self, text: str, cursor: int) -> Offer | None:
        """What may be meant at the cursor: a command, or a file."""
        if (file := attached.begun(text[:cursor])) is not None:
            start, name = file
            found = [
                Suggestion(attached.as_mention(path), path, text_size(size) if done else "folder", done)
                for path, size in attached.beginning_with(name)
                for done in [not path.endswith("/")]
            ]
            return Offer(start, cursor, tuple(found), picked=False) if found else None
        begin = slash.begun(text)
        if begin is None or cursor != len(text):
            return None
        actions = [action for action in slash.beginning_with(begin) if self.is_possible(action.name)]
        items = [Suggestion(f"/{action.word}", f"/{action.word}", action.help) for action in actions]
        return Offer(0, len(text), tuple(items), picked=bool(begin), command=True) if items else None

    def on_suggestion_taken(self, message: SuggestionTaken) -> None:
        self.composer.take(message.suggestion)

    # What is said of the text before it is sent

    def show_writing_note(self) -> None:
        """Say how large the files are that the text names, or how a long paste is opened."""
        text, note = self.composer.text, self.query_one("#writing-note", Static)
        try:
            lines = [each.told for each in attached.named_files(text)] if "@" in text else []
        except attached.AttachError as error:
            lines = [str(error)]
        if self.composer.pieces.spans(text):
            lines.append(f"{self.key_of('answer.unfold')} or a click opens […]")
        note.display = bool(lines)
        note.update(printable(WITHIN.join(lines)))
