"""Two answers to one question, side by side: the chat's, and its baseline's or whatever else it is compared with.

Under each answer its confidence line, above them what differs. Wide terminals show two columns; narrow ones open one
side at a time and fold the other to its confidence line, so that both figures and the difference are always in sight.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from lacie_chat.chat.answering import thinking_of
from lacie_chat.chat.compared import SIDES, Side
from lacie_chat.chat.comparing import MOST_SAMPLES, Comparison
from lacie_chat.chat.events import ChatEvent, Notice, TextAdded, ThoughtAdded, TurnChanged, TurnEnded
from lacie_chat.chat.others import Against
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.comparison import differing_words
from lacie_chat.tui.actions import COMPARE_ACTIONS
from lacie_chat.tui.clipboard import copy
from lacie_chat.tui.code_round import CodeRound, may_have_code
from lacie_chat.tui.interface_state import InterfaceState
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.messages import FromSession, ThoughtWanted
from lacie_chat.tui.screens.base import SizedScreen
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.screens.others import OthersScreen
from lacie_chat.tui.widgets.code_fence import STEP, scroll_code
from lacie_chat.tui.widgets.compare_column import ColumnSelected, CompareColumn
from lacie_chat.tui.widgets.compare_lines import (
    difference_content,
    making_text,
    mean_right,
    overall_content,
    state_content,
)
from lacie_chat.tui.widgets.fitting_footer import FittingFooter

if TYPE_CHECKING:
    from lacie_chat.chat.choosing import Find


class CompareScreen(SizedScreen[bool]):
    """Dismissed with whether the user picked an answer. What happens is also sent to `also` (the chat screen)."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in COMPARE_ACTIONS]

    def __init__(
        self,
        session: ChatSession,
        question: Turn,
        state: InterfaceState,
        also: Callable[[Message], object],
        find: "Find | None" = None,
    ) -> None:
        super().__init__()
        self.session = session
        self.comparison = Comparison(session, question, self._from_threads, session.compared_with)
        self._also = also
        self._find = find
        self._state = state
        self._index = 0
        self._side: Side = "right"
        self._words = False
        self._thoughts = False
        self._code_round = CodeRound()

    def compose_screen(self) -> ComposeResult:
        session = self.session
        title = Content.assemble(("lacie", "bold"), (f" · compare · {session.speaker.model_name}", "$foreground 65%"))
        yield Static(title, classes="title-bar")
        yield Static(self.comparison.question.text, id="compare-question", markup=False)
        yield Static(id="compare-difference")
        yield Static(id="compare-overall")
        yield Static(id="compare-making")
        with Container(id="sides"):
            for side in SIDES:
                yield CompareColumn(side, self.comparison.sides[side].title)
        yield FittingFooter()

    @property
    def _names(self) -> dict[Side, str]:
        return {side: self.comparison.sides[side].name for side in SIDES}

    def _state_content(self) -> Content:
        loading = self.comparison.loading
        what = None if loading is None else (self._names["left"], loading)
        return state_content(self._pair, self._names, partial(key_of, self), what)

    async def on_mount(self) -> None:
        self.comparison.begin()
        await self._show_sample(0)

    def on_unmount(self) -> None:
        self.comparison.close()

    # What happens

    def _from_threads(self, event: ChatEvent) -> None:
        self.post_message(FromSession(event))
        self._also(FromSession(event))

    async def on_from_session(self, message: FromSession) -> None:
        try:
            await self._show_event(message.event)
        except NoMatches:  # left in the middle of drawing
            if self in self.app.screen_stack:
                raise

    async def _show_event(self, event: ChatEvent) -> None:
        match event:
            case TextAdded(turn, _) | ThoughtAdded(turn, _):
                if (sample := self._column_of(turn)) is not None and sample.sample is not None:
                    await sample.sample.follow()
            case TurnChanged(turn) | TurnEnded(turn):
                await self._redraw(turn)
            case Notice(text, serious):
                self.notify(text, severity="error" if serious else "information", timeout=10, markup=False)

    async def _redraw(self, turn: Turn) -> None:
        column = self._column_of(turn)
        if column is not None and column.sample is not None:
            if turn.status == "streaming":
                column.sample.show()
            else:
                await column.sample.settle()
        await self._show_difference()

    def _column_of(self, turn: Turn) -> CompareColumn | None:
        return next(
            (column for column in self.query(CompareColumn) if column.sample and column.sample.turn is turn), None
        )

    # What is shown

    async def _show_sample(self, index: int) -> None:
        comparison = self.comparison
        self._index = max(0, min(index, comparison.count - 1))
        for side in SIDES:
            which = (self._index + 1, comparison.count)
            await self._column(side).show(comparison.samples[side][self._index], which)
        await self._show_difference()

    async def _show_difference(self) -> None:
        """All that stands around the two texts."""
        comparison, index = self.comparison, self._index
        pair = self._pair
        difference = comparison.difference(index)
        line = self.query_one("#compare-difference", Static)
        line.update(difference_content(difference, self._names) if difference else self._state_content())
        overall = comparison.overall()
        above = self.query_one("#compare-overall", Static)
        above.set_class(overall is None, "-none")
        if overall is not None:
            right = (mean_right(comparison.samples["left"]), mean_right(comparison.samples["right"]))
            above.update(overall_content(overall, comparison.changed(), right, self._names))
        making = making_text(comparison.sampling(index).seed, pair, self._names)
        self.query_one("#compare-making", Static).update(Content.styled(making, "$foreground 65%"))
        for side in SIDES:
            column = self._column(side)
            column.set_class(side == self._side, "-selected")
            column.set_class(side != self._side, "-folded")
            if column.sample is not None:
                column.sample.show_stability(comparison.stability(side))
                column.sample.open_thought(self._thoughts, key_of(self, "compare.thought"))
        await self._highlight(pair)
        self.refresh_bindings()

    async def _highlight(self, pair: list[Turn]) -> None:
        over = self._words and all(turn.status != "streaming" and turn.text.strip() for turn in pair)
        spans = differing_words(pair[0].text, pair[1].text) if over else ((), ())
        for side, differing in zip(SIDES, spans, strict=True):
            if (sample := self._column(side).sample) is not None and sample.turn in pair:
                await sample.highlight(differing)

    def _column(self, side: Side) -> CompareColumn:
        return self.query_one(f"#{side}", CompareColumn)

    @property
    def _selected(self) -> Turn:
        return self.comparison.samples[self._side][self._index]

    @property
    def _pair(self) -> list[Turn]:
        """The sample of both sides that is shown; empty before there is one."""
        samples = self.comparison.samples
        return [samples[side][self._index] for side in SIDES if self._index < len(samples[side])]

    @property
    def _texts(self) -> list[Widget]:
        """What keys scroll; empty while it is being built."""
        sample = self._column(self._side).sample
        return [sample.scrolled] if sample is not None and sample.scrolled is not None else []

    # The actions (see actions.py)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        comparison = self.comparison
        if action == "compare_more":
            return comparison.count < MOST_SAMPLES
        if action == "compare_fewer":
            return comparison.count > 1
        if action in ("compare_next", "compare_previous"):
            return comparison.count > 1
        if action == "compare_against":
            return self._find is not None
        if action == "compare_again":
            return not comparison.busy
        if action == "compare_send":
            return comparison.undecided is not None
        if action == "compare_now":
            return bool(thinking_of(self._pair))
        if action == "compare_thought":
            return any(turn.reasoning.strip() for turn in self._pair)
        if action == "compare_copy_code":
            return may_have_code(self._selected.text)
        if action == "compare_copy_thought":
            return bool(self._selected.reasoning.strip())
        return True

    async def on_column_selected(self, message: ColumnSelected) -> None:
        await self._select(message.side)

    async def _select(self, side: Side) -> None:
        self._side = side
        await self._show_difference()

    def stop(self) -> bool:
        """Stop both sides; False if nothing runs."""
        return self.comparison.stop()

    def action_compare_now(self) -> None:
        self.comparison.answer_now()

    def action_compare_send(self) -> None:
        self.comparison.send_cut()

    def action_compare_back(self) -> None:
        if not self.stop():
            self.dismiss(False)

    def action_compare_pick(self) -> None:
        turn = self._selected
        if self.comparison.pick(turn):
            self.dismiss(True)
        elif turn.status == "streaming":
            self.notify(f"It is still being answered: {key_of(self, 'compare.back')} stops it.", timeout=3)
        else:
            self.notify("There is no answer to go on from.", timeout=3)

    async def action_compare_other(self) -> None:
        await self._select(SIDES[1 - SIDES.index(self._side)])

    async def action_compare_left(self) -> None:
        await self._select(SIDES[0])

    async def action_compare_right(self) -> None:
        await self._select(SIDES[1])

    async def action_compare_more(self) -> None:
        if self.comparison.more():
            await self._show_sample(self.comparison.count - 1)

    async def action_compare_fewer(self) -> None:
        if self.comparison.fewer():
            await self._show_sample(self._index)
        else:
            self.notify(f"The last sample is being answered: {key_of(self, 'compare.back')} stops it.", timeout=3)

    async def action_compare_next(self) -> None:
        await self._show_sample(self._index + 1)

    async def action_compare_previous(self) -> None:
        await self._show_sample(self._index - 1)

    async def action_compare_words(self) -> None:
        self._words = not self._words
        await self._show_difference()

    async def action_compare_again(self) -> None:
        self.comparison.again()
        await self._show_sample(self._index)

    def action_compare_against(self) -> None:
        if self._find is not None:
            self.app.push_screen(OthersScreen(self.session, self._find), self._compare_with)

    async def _compare_with(self, chosen: Against | None) -> None:
        """Hold the chat's answers against what was chosen; what there is of the comparison until now is kept."""
        if chosen is None:
            return
        self.comparison.close()
        self.session.compared_with = chosen
        self.comparison = Comparison(self.session, self.comparison.question, self._from_threads, chosen)
        for side in SIDES:
            self._column(side).border_title = Content(self.comparison.sides[side].title)
        self.comparison.begin()
        await self._show_sample(0)

    def action_compare_copy(self) -> None:
        if text := self._selected.text:
            copy(self, text, f"the answer of {self._names[self._side]}")

    def action_compare_copy_code(self) -> None:
        self._code_round.copy_next(self._selected.text, self, self._column(self._side))

    def action_compare_code_left(self) -> None:
        for text in self._texts:
            scroll_code(text, -STEP)

    def action_compare_code_right(self) -> None:
        for text in self._texts:
            scroll_code(text, STEP)

    async def action_compare_thought(self) -> None:
        self._thoughts = not self._thoughts
        await self._show_difference()

    async def on_thought_wanted(self, _: ThoughtWanted) -> None:
        await self.action_compare_thought()

    def action_compare_copy_thought(self) -> None:
        copy(self, self._selected.reasoning, f"the thought of {self._names[self._side]}")

    def action_compare_up(self) -> None:
        for text in self._texts:
            text.scroll_up(animate=False)

    def action_compare_down(self) -> None:
        for text in self._texts:
            text.scroll_down(animate=False)

    def action_compare_page_up(self) -> None:
        for text in self._texts:
            text.scroll_page_up(animate=False)

    def action_compare_page_down(self) -> None:
        for text in self._texts:
            text.scroll_page_down(animate=False)

    def action_compare_help(self) -> None:
        self.app.push_screen(HelpScreen(self._state))
