"""The conversation: the last messages of the branch as widgets, earlier ones on demand.

A Markdown widget costs some 80 ms to build, so a long history is windowed: only its end is built, and more when one
asks. While new messages come, old ones are dropped from the top again. Whoever goes to a message far back gets a window
around it, which ends before the conversation does; a new question leads back to the end.
"""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Click
from textual.widget import Widget
from textual.widgets import Static

from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.messages import EarlierWanted, EndSeen, LaterWanted, TurnSelected
from lacie_chat.tui.widgets.confidence_line import ConfidenceLine
from lacie_chat.tui.widgets.message import AnswerView, Fold, MessageView
from lacie_chat.tui.widgets.question import QuestionView
from lacie_chat.tui.widgets.thought import ThoughtView

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


class Later(Static):
    """The way on, where an early part of the conversation is shown."""

    ALLOW_SELECT = False

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(LaterWanted())


class Transcript(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Shows a branch of the tree. Its own keys only scroll; what else keys do here, the screen's actions say.

    `fold_of` says which messages are folded (see AnswerView and QuestionView)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_home", "Top", show=False),
        Binding("end", "latest", "Bottom", show=False),
    ]

    def __init__(self, fold_of: Callable[[Turn], Fold | None] = lambda turn: None) -> None:
        super().__init__(id="transcript")
        self._fold_of = fold_of
        self.selected: Turn | None = None
        self._tree: ChatTree | None = None
        self._first = 0
        self._last: int | None = None
        """Messages from here on aren't built; None where all are, to the end."""
        self._leaf: Turn | None = None
        """The end of the branch as it was shown last."""

    def compose(self) -> ComposeResult:
        # At least as high as the view: Textual anchors what is shorter to the bottom.
        yield Vertical(id="messages")

    @property
    def _messages(self) -> Vertical:
        return self.query_one("#messages", Vertical)

    async def show_branch(self, tree: ChatTree, empty: Widget) -> None:
        """Show the current branch of `tree` from its end; `empty` where there is none."""
        self._tree, self.selected, self._leaf = tree, None, tree.leaf
        path = tree.path()
        await self._build(max(0, len(path) - WINDOW), None, empty)
        self.anchor(bool(path))
        if not path:
            self.scroll_home(animate=False)

    async def _build(self, first: int, last: int | None, empty: Widget | None = None) -> None:
        """Build the messages from `first` to `last`, and nothing else; `empty` where there is none."""
        assert self._tree is not None
        path = self._tree.path()
        self._first, self._last = first, last
        views = self._views(path[first:last]) if path or empty is None else [empty]
        with self.app.batch_update():
            await self._messages.remove_children()
            await self._messages.mount_all([self._earlier_line(), *views, *self._later_line(len(path))])

    async def show_new(self, tree: ChatTree) -> None:
        """Bring the widgets up to the current branch after turns were added or another branch was chosen."""
        path = tree.path()
        before, self._leaf = self._leaf, tree.leaf
        if self.selected is not None and self.selected not in path:
            self.selected = None
        if self._last is not None:
            grown = path[-1:] != [before] and before in path  # a new answer may be there whole by now
            if len(path) > self._last and path[-1].status != "streaming" and not grown:
                await self._build(self._first, self._last)  # another branch, of which this part is looked at
            else:
                await self._to_end()
            return
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
        self.anchor()

    async def _to_end(self) -> None:
        assert self._tree is not None
        await self._build(max(0, len(self._tree.path()) - WINDOW), None)
        self.anchor()

    async def action_latest(self) -> None:
        """To the end of the conversation, whatever part of it is shown; there it follows what comes."""
        if self._last is None:
            self.anchor()
        else:
            await self._to_end()

    async def reach(self, turn: Turn) -> None:
        """Build a message of the branch that isn't built: with those between where it is near, else with its
        neighbours alone, for in a long conversation it would take many seconds to build all that lie between."""
        path = self._tree.path() if self._tree is not None else []
        if turn not in path or self.view_of(turn) is not None:
            return
        place = path.index(turn)
        if self._first - WINDOW <= place < self._first:
            await self.show_earlier()
        elif self._last is not None and self._last <= place < self._last + WINDOW:
            await self.show_later()
        else:
            first = max(0, place - WINDOW // 2)
            last = first + WINDOW
            await self._build(first, last if last < len(path) else None)
            self.anchor(False)

    def bring(self, turn: Turn) -> None:
        """Scroll to an answer in such a way that its question is in sight, too."""
        view = (self.view_of(turn.parent) if turn.parent is not None else None) or self.view_of(turn)
        if view is not None:
            self.scroll_to_widget(view, animate=False, top=True)

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

    async def show_later(self) -> bool:
        """Build more of what comes after; False if that was all."""
        if self._tree is None or self._last is None:
            return False
        path, start = self._tree.path(), self._last
        self._last = start + WINDOW if start + WINDOW < len(path) else None
        await self.query(Later).remove()
        await self._messages.mount_all([*self._views(path[start : self._last]), *self._later_line(len(path))])
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

    @property
    def sees_end(self) -> bool:
        """Is the end of the conversation in sight, not only that of a part of it?"""
        return self._last is None and self.at_end

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.sees_end:
            self.post_message(EndSeen())

    async def to_first(self) -> None:
        """To the first message of the conversation."""
        path = self._tree.path() if self._tree is not None else []
        if self._first > 0:
            await self._build(0, WINDOW if len(path) > WINDOW else None)
        self.anchor(False)
        self.scroll_home(animate=False)

    @property
    def at_end(self) -> bool:
        """Is the end in sight, or kept there as the conversation grows?"""
        return self.is_vertical_scroll_end or (self.is_anchored and not self._anchor_released)

    def is_read(self, view: AnswerView) -> bool:
        """Has the user scrolled up to where the text of this answer is in sight?"""
        return not self.at_end and view.shows_text and self.region.overlaps(view.region)

    async def redraw(self, *views: AnswerView) -> None:
        """Draw answers that have changed, so that what the user has scrolled up to read keeps its place."""
        top = next((view for view in self.query(MessageView) if view.region.bottom > self.region.y), None)
        shown = [child for child in top.children if child.region.height] if top is not None else []
        # the part at the upper edge: what comes to its end, or above it, doesn't move what is read
        fixed = None if self.at_end else next((each for each in shown if each.region.bottom > self.region.y), None)
        row = fixed.region.y if fixed is not None else 0
        for view in views:
            await view.settle()
        if fixed is not None:
            self.release_anchor()  # a text that is drawn anew is short for a moment, which may look like the end
            self.call_after_refresh(self._put_back, fixed, row)

    def _put_back(self, widget: Widget, row: int) -> None:
        if widget.is_attached and widget.region.height and (moved := widget.region.y - row):
            self.scroll_relative(y=moved, animate=False)

    def redraw_question(self, view: QuestionView) -> None:
        """Draw a question that was opened or folded; its first line stays where it is, and comes into view where it
        was out of it."""
        row, seen = view.region.y, view.region.y >= self.region.y
        view.show()
        self.release_anchor()
        if seen:
            self.call_after_refresh(self._put_back, view, row)
        else:
            self.call_after_refresh(self.scroll_to_widget, view, animate=False, top=True)

    def toggle_thought(self, view: AnswerView) -> None:
        """Open what was thought before an answer, or fold it; its line stays where it is, and comes into view where it
        was out of it. Who follows a thought as it comes stays at its end."""
        line = view.thought.line
        row, seen = line.region.y, self.region.overlaps(line.region)
        follows = view.turn.status == "streaming" and self.at_end
        view.thought.toggle()
        if follows:
            return
        self.release_anchor()
        if seen:
            self.call_after_refresh(self._put_back, line, row)
        else:
            self.call_after_refresh(self.scroll_to_widget, line, animate=False, top=True)

    def hint_thought(self, turn: Turn | None, key: str) -> None:
        """Have the thought of `turn`, and no other, say that this key opens it."""
        for view in self.query(AnswerView):
            for thought in view.query(ThoughtView):  # none before it is built
                thought.hint(key if view.turn is turn else "")

    def hint_going_on(self, turn: Turn | None, key: str) -> None:
        """Have the line of `turn`, and no other, say that this key lets it go on."""
        for view in self.query(AnswerView):
            for line in view.query(ConfidenceLine):  # none before it is built
                line.hint(key if view.turn is turn else "")

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
        if index == len(turns) and self._last is not None:
            self.post_message(LaterWanted())
        if 0 <= index < len(turns):
            self.post_message(TurnSelected(turns[index]))

    def _views(self, turns: list[Turn]) -> list[Widget]:
        assert self._tree is not None
        return [
            QuestionView(turn, siblings_of(self._tree, turn), self._fold_of)
            if turn.role == "user"
            else AnswerView(turn, siblings_of(self._tree, turn), self._fold_of)
            for turn in turns
            if turn.role != "system"
        ]

    def _earlier_line(self) -> Earlier:
        line = Earlier(f"▲ {self._first} earlier messages · click or {key_of(self, 'view.earlier')}", classes="earlier")
        line.display = self._first > 0
        return line

    def _later_line(self, count: int) -> list[Later]:
        """Nothing where the end is built."""
        if self._last is None:
            return []
        return [Later(f"▼ {count - self._last} later messages · click or end", classes="earlier")]


def siblings_of(tree: ChatTree, turn: Turn) -> tuple[int, int]:
    """Which of how many, counted from 1."""
    siblings = tree.siblings(turn)
    return siblings.index(turn) + 1, len(siblings)
