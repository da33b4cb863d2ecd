"""The conversation: the last messages of the branch as widgets, earlier ones on demand.

A Markdown widget costs some 80 ms to build, so a long history is windowed: only its end is built, and more when one
asks. While new messages come, old ones are dropped from the top again.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Click
from textual.widget import Widget
from textual.widgets import Static

from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.tui.messages import EarlierWanted, TurnSelected
from lacie_chat.tui.widgets.message import AnswerView, MessageView, QuestionView

WINDOW = 12
"""Messages that are built at first, and at a time."""
LIMIT = 60
"""Messages from which on old ones are dropped while new ones come."""


class Earlier(Static):
    """The way to what is not built."""

    ALLOW_SELECT = False

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(EarlierWanted())


class Transcript(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Shows a branch of the tree. Its own keys only scroll; what else keys do here, the screen's actions say."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_home", "Top", show=False),
        Binding("end", "scroll_end", "Bottom", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="transcript")
        self.selected: Turn | None = None
        self._tree: ChatTree | None = None
        self._first = 0

    def compose(self) -> ComposeResult:
        # At least as high as the view: Textual anchors what is shorter to the bottom.
        yield Vertical(id="messages")

    @property
    def _messages(self) -> Vertical:
        return self.query_one("#messages", Vertical)

    async def show_branch(self, tree: ChatTree, empty: Widget) -> None:
        """Show the current branch of `tree` from its end; `empty` where there is none."""
        self._tree, self.selected = tree, None
        path = tree.path()
        self._first = max(0, len(path) - WINDOW)
        with self.app.batch_update():
            await self._messages.remove_children()
            widgets = self._views(path[self._first :]) if path else [empty]
            await self._messages.mount_all([self._earlier_line(), *widgets])
        self.anchor(bool(path))
        if not path:
            self.scroll_home(animate=False)

    async def show_new(self, tree: ChatTree) -> None:
        """Bring the widgets up to the current branch after turns were added or another branch was chosen."""
        path = tree.path()
        shown = list(self.query(MessageView))
        wanted = path[self._first :]
        kept = 0
        for view, turn in zip(shown, wanted, strict=False):
            if view.turn is not turn or view.branch != siblings_of(tree, turn):
                break
            kept += 1
        with self.app.batch_update():
            await self.query("#welcome").remove()
            for view in shown[kept:]:
                await view.remove()
            for answer in self.query(AnswerView):
                answer.explain(False)
            await self._messages.mount_all(self._views(wanted[kept:]))
            await self._drop_oldest()
        if self.selected is not None and self.selected not in path:
            self.selected = None
        self.anchor()

    async def show_earlier(self) -> bool:
        """Build more of what came before; False if that was all."""
        if self._tree is None or self._first == 0:
            return False
        path = self._tree.path()
        first = max(0, self._first - WINDOW)
        top = next(iter(self.query(MessageView)), None)
        new = self._views(path[first : self._first])
        self._first = first
        await self._messages.mount_all(new, before=top)
        await self.query(Earlier).remove()
        await self._messages.mount(self._earlier_line(), before=0)
        if top is not None:
            self.call_after_refresh(self.scroll_to_widget, top, animate=False, top=True)
        return True

    async def _drop_oldest(self) -> None:
        """Drop the oldest widgets of a conversation that has grown long; the view is about to go to its end."""
        views = list(self.query(MessageView))
        if len(views) <= LIMIT:
            return
        excess = len(views) - LIMIT // 2
        self._first += excess
        for view in views[:excess]:
            await view.remove()
        await self.query(Earlier).remove()
        await self._messages.mount(self._earlier_line(), before=0)

    def view_of(self, turn: Turn) -> MessageView | None:
        """The widget of a turn, if it is built."""
        return next((view for view in self.query(MessageView) if view.turn is turn), None)

    def answer_view(self, turn: Turn) -> AnswerView | None:
        """The widget of an answer, if it is built."""
        view = self.view_of(turn)
        return view if isinstance(view, AnswerView) else None

    def select(self, turn: Turn | None) -> None:
        """Mark one message as selected, and bring it into view."""
        self.selected = turn
        for view in self.query(MessageView):
            view.set_class(view.turn is turn, "-selected")
        if turn is not None and (chosen := self.view_of(turn)) is not None:
            chosen.scroll_visible(animate=False)

    def step(self, step: int) -> None:
        """Select the message before or after the selected one (before any: the last one)."""
        turns = [view.turn for view in self.query(MessageView)]
        if not turns:
            return
        index = turns.index(self.selected) + step if self.selected in turns else len(turns) - 1
        if index < 0 and self._first > 0:
            self.post_message(EarlierWanted())
        if 0 <= index < len(turns):
            self.post_message(TurnSelected(turns[index]))

    def _views(self, turns: list[Turn]) -> list[Widget]:
        assert self._tree is not None
        return [
            (QuestionView if turn.role == "user" else AnswerView)(turn, siblings_of(self._tree, turn))
            for turn in turns
            if turn.role != "system"
        ]

    def _earlier_line(self) -> Earlier:
        line = Earlier(f"▲ {self._first} earlier messages · click or f3", classes="earlier")
        line.display = self._first > 0
        return line


def siblings_of(tree: ChatTree, turn: Turn) -> tuple[int, int]:
    """Which of how many, counted from 1."""
    siblings = tree.siblings(turn)
    return siblings.index(turn) + 1, len(siblings)
