"""One message of the conversation; an answer is Markdown with the line of its figures (a question: question.py)."""

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownStream

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import lexical_cues
from lacie_chat.highlights import Highlight
from lacie_chat.tui.figures import DIM, calibrate_command, gloss
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.messages import FoldWanted, TurnSelected
from lacie_chat.tui.widgets.confidence_line import ConfidenceLine
from lacie_chat.tui.widgets.highlighted_markdown import HighlightedMarkdown
from lacie_chat.tui.widgets.line_layout import form_at
from lacie_chat.tui.widgets.thought import ThoughtView


class Fold(NamedTuple):
    """Why an answer is folded, and whether it was opened for all that."""

    reason: str
    opened: bool


class MessageView(Vertical):
    """A message that can be selected by a click."""

    def __init__(self, turn: Turn, siblings: tuple[int, int]) -> None:
        super().__init__(classes=f"message -{turn.role}")
        self.turn = turn
        self.branch = siblings

    def on_click(self, event: Click) -> None:
        if "@click" not in event.style.meta:
            self.post_message(TurnSelected(self.turn))


class FoldLine(Static):
    """Stands for the text of what is folded, or beside that of what was opened; a click goes over to the other."""

    ALLOW_SELECT = False

    def __init__(self, turn: Turn) -> None:
        super().__init__(classes="fold")
        self.turn = turn
        self.display = False

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(FoldWanted(self.turn))


class Gloss(Static):
    """Says in plain words what the line above it means; hidden unless it is asked for."""

    ALLOW_SELECT = False

    def __init__(self, turn: Turn) -> None:
        super().__init__(classes="gloss")
        self.turn = turn
        self.display = False

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """Say it in as much room as the line has."""
        if self.turn.assessment is not None:
            short = form_at(self.size.width) == "short"
            self.update(
                Content.styled(gloss(self.turn.assessment, calibrate_command(self.turn.params), short=short), DIM)
            )


class AnswerView(MessageView):
    """What the model wrote, and above it what it thought first: `follow` streams what is new, `settle` draws the whole
    once more, with its cues.

    `fold_of` says whether the answer is folded, and why (None: it never is)."""

    BESIDE: ClassVar[bool] = False
    """Does it stand beside another answer to the same question?"""

    def __init__(
        self, turn: Turn, siblings: tuple[int, int], fold_of: Callable[[Turn], Fold | None] = lambda turn: None
    ) -> None:
        super().__init__(turn, siblings)
        self._fold_of = fold_of
        self.fold: Fold | None = None
        """As decided last; whoever draws it anew decides, for it must not change while the text is drawn."""
        self._stream: MarkdownStream | None = None
        self._shown = 0
        self._settled: str | None = None
        self._highlights: list[Highlight] | None = None
        self._mounted = False
        self._explained = False

    @property
    def _built(self) -> bool:
        """Its parts are there: not before it is mounted, and no more once it is being taken out with its screen.

        A callback, an event from the engine or a word of the stream may come at either time.
        """
        parts = (".note", ThoughtView, FoldLine, HighlightedMarkdown, ConfidenceLine)
        return self._mounted and self.is_attached and all(self.query(part) for part in parts)

    @property
    def shows_text(self) -> bool:
        """Is its text in place, not folded away?"""
        return self._built and not self.has_class("-text-folded")

    @property
    def thought(self) -> ThoughtView:
        """What stands above the text."""
        return self.query_one(ThoughtView)

    def compose(self) -> ComposeResult:
        note = Static(self.turn.note, markup=False, classes="note")
        note.display = bool(self.turn.note)
        yield note
        yield ThoughtView(self.turn)
        yield FoldLine(self.turn)
        yield HighlightedMarkdown(open_links=False)
        yield ConfidenceLine(self.turn, self.branch, beside=self.BESIDE)
        yield Gloss(self.turn)

    async def on_mount(self) -> None:
        self._mounted = True
        self.explain(self._explained)
        self.fold = self._fold_of(self.turn)
        if self.turn.status == "streaming":
            self.show()
            await self.follow()
        else:
            await self.settle()

    async def follow(self) -> None:
        """Show what has come since the last call."""
        if not self._built or self.turn.status != "streaming":
            return
        self.thought.follow()
        new = self.turn.text[self._shown :]
        if not new:
            return
        self._shown += len(new)
        if self._stream is None:
            self._stream = Markdown.get_stream(self.query_one(HighlightedMarkdown))
        await self._stream.write(new)

    def highlights(self) -> list[Highlight]:
        """What is set off in the text."""
        return cues_of(self.turn)

    async def settle(self) -> None:
        """The text is complete."""
        if not self._built:
            return  # on_mount will do it
        if self._stream is not None:
            # The whole is drawn anew below, so a stumble of the incremental parser must not end the program.
            with suppress(Exception):
                await self._stream.stop()
            self._stream = None
        highlights = self.highlights()
        text = self.turn.text
        if self._built and (highlights != self._highlights or text != self._settled):
            markdown = self.query_one(HighlightedMarkdown)
            self._highlights = markdown.highlights = highlights
            await markdown.update(text)
            self._settled, self._shown = text, len(text)  # if it goes on, only what is new is added
        self.show()

    def show(self) -> None:
        """Draw what surrounds the text as it now is."""
        if not self._built:
            return  # on_mount will do it, or nobody sees it any more
        note = self.query_one(".note", Static)
        note.update(Content(self.turn.note))
        note.display = bool(self.turn.note)
        self.thought.show()
        self._show_fold()
        self.query_one(ConfidenceLine).show()

    def _show_fold(self) -> None:
        fold, line = self.fold, self.query_one(FoldLine)
        line.display = fold is not None
        self.set_class(fold is not None and not fold.opened, "-text-folded")
        if fold is not None:
            line.update(fold_content(fold, key_of(self, "answer.unfold")))

    def explain(self, wanted: bool) -> None:
        """Show the gloss under the line, or take it away."""
        self._explained = wanted  # on_mount will do it, where it isn't built yet
        for line in self.query(Gloss):
            line.display = wanted
            line.show()


def fold_content(fold: Fold, key: str) -> Content:
    """The one line of a folded answer, or above one that was opened; `key` opens it, too."""
    if fold.opened:
        return Content(f"Opened: {fold.reason}. {key} or click folds")
    return Content(f"Folded: {fold.reason}. {key} or click opens")


def cues_of(turn: Turn) -> list[Highlight]:
    """The hedges and boosters of an answer: the assessment's, else those that its words give away."""
    if turn.assessment is not None and turn.assessment.response == turn.text:
        hedges, boosters = turn.assessment.hedges, turn.assessment.boosters
    else:
        hedges, boosters = lexical_cues(turn.text)
    return [Highlight(span.start, span.end, "hedge") for span in hedges] + [
        Highlight(span.start, span.end, "booster") for span in boosters
    ]
