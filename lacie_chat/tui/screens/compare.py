"""Two answers to one question, side by side: the model as it is, and with its adapter, streaming at once.

Under each answer its confidence line, above them what differs. Wide terminals show two columns; narrow ones open one
side at a time and fold the other to its confidence line, so that both figures and the difference are always in sight.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Footer, Static

from lacie_chat.chat.answering import thinking_of
from lacie_chat.chat.comparing import MOST_SAMPLES, SIDES, Comparison, Side
from lacie_chat.chat.events import ChatEvent, Notice, TextAdded, ThoughtAdded, TurnChanged, TurnEnded
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Phase, Turn
from lacie_chat.comparison import Difference, differing_words
from lacie_chat.confidence import bar, percent
from lacie_chat.tui.actions import COMPARE_ACTIONS
from lacie_chat.tui.clipboard import copy
from lacie_chat.tui.code_round import CodeRound, may_have_code
from lacie_chat.tui.figures import DIM, NOT_CALIBRATED
from lacie_chat.tui.interface_state import InterfaceState
from lacie_chat.tui.key_names import names_of
from lacie_chat.tui.messages import FromSession, ThoughtWanted
from lacie_chat.tui.screens.base import SizedScreen
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.widgets.code_fence import STEP, scroll_code
from lacie_chat.tui.widgets.compare_column import ColumnSelected, CompareColumn
from lacie_chat.tui.widgets.details import sampling_text
from lacie_chat.tui.widgets.line_layout import WITHIN

NAMES: dict[Side, str] = {"left": "the baseline", "right": "the adapter"}
"""What the sides are called in sentences; the frames carry their full names."""

VERBS: dict[Phase, str] = {"thinking": "think", "answering": "answer"}
"""What a side does that is worth a word."""

MeanRight = float | None


class CompareScreen(SizedScreen[bool]):
    """Dismissed with whether the user picked an answer. What happens is also sent to `also` (the chat screen)."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in COMPARE_ACTIONS]

    def __init__(
        self, session: ChatSession, question: Turn, state: InterfaceState, also: Callable[[Message], object]
    ) -> None:
        super().__init__()
        self.session = session
        self.comparison = Comparison(session, question, self._from_threads)
        self._also = also
        self._state = state
        self._index = 0
        self._side: Side = "right"
        self._words = False
        self._thoughts = False
        self._code_round = CodeRound()
        opening = next(action for action in COMPARE_ACTIONS if action.name == "compare.thought")
        self._thought_key = names_of(opening, state.keymap)[0]

    def compose_screen(self) -> ComposeResult:
        session = self.session
        title = Content.assemble(("lacie", "bold"), (f" · compare · {session.speaker.model_name}", "$foreground 65%"))
        yield Static(title, classes="title-bar")
        yield Static(self.comparison.question.text, id="compare-question", markup=False)
        yield Static(id="compare-difference")
        yield Static(id="compare-overall")
        yield Static(id="compare-making")
        with Container(id="sides"):
            yield CompareColumn("left", f"baseline: {session.speaker.model_name}")
            yield CompareColumn("right", f"with {session.speaker.adapter_name}")
        yield Footer(show_command_palette=False, compact=True)

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
        line.update(difference_content(difference) if difference else state_content(pair))
        overall = comparison.overall()
        above = self.query_one("#compare-overall", Static)
        above.display = overall is not None
        if overall is not None:
            right = (mean_right(comparison.samples["left"]), mean_right(comparison.samples["right"]))
            above.update(overall_content(overall, comparison.changed(), right))
        making = comparison.sampling(index)
        self.query_one("#compare-making", Static).update(
            Content.styled(f"both: seed {making.seed} · {sampling_text(params_of(pair))}", "$foreground 65%")
        )
        for side in SIDES:
            column = self._column(side)
            column.set_class(side == self._side, "-selected")
            column.set_class(side != self._side, "-folded")
            if column.sample is not None:
                column.sample.show_stability(comparison.stability(side))
                column.sample.open_thought(self._thoughts, self._thought_key)
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
        if action == "compare_again":
            return not comparison.busy
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

    def action_compare_back(self) -> None:
        if not self.stop():
            self.dismiss(False)

    def action_compare_pick(self) -> None:
        turn = self._selected
        if self.comparison.pick(turn):
            self.dismiss(True)
        elif turn.status == "streaming":
            self.notify("It is still being answered: escape stops it.", timeout=3)
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
            self.notify("The last sample is being answered: escape stops it.", timeout=3)

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

    def action_compare_copy(self) -> None:
        if text := self._selected.text:
            copy(self, text, f"the answer of {NAMES[self._side]}")

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
        copy(self, self._selected.reasoning, f"the thought of {NAMES[self._side]}")

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


def difference_content(difference: Difference) -> Content:
    """The line above both answers."""
    sign = "=" if difference.same_text else "≠"
    return Content.assemble((f"{sign} ", "bold $text-primary"), (_summary(difference), "bold"))


def overall_content(difference: Difference, changed: tuple[int, int], right: tuple[MeanRight, MeanRight]) -> Content:
    """The line on all samples: both figures on average, each in its own place, and how often the sides disagree."""
    before, after = difference.left.acceptance, difference.right.acceptance
    facts = []
    if before is not None and after is not None:
        facts.append(f"how sure they sound {bar(before)} → {bar(after)}")
    if any(value is not None for value in right):
        words = [NOT_CALIBRATED if value is None else percent(value).strip() for value in right]
        facts.append(f"right {words[0]} → {words[1]}")
    if changed[1]:
        facts.append(f"another answer in {changed[0]} of {changed[1]}")
    line = WITHIN.join(facts) or _summary(difference)
    return Content.assemble((f"on average of {difference.right.n} samples: ", DIM), (line, "$foreground 80%"))


def mean_right(turns: Sequence[Turn]) -> MeanRight:
    """How likely one side's answers are right on average; None unless every one that can be right has a figure: a
    mean over some of them says nothing of the side."""
    able = [turn.assessment for turn in turns if turn.assessment is not None and turn.assessment.answer_span]
    found = [assessment.p_right for assessment in able if assessment.p_right is not None]
    return sum(found) / len(found) if found and len(found) == len(able) else None


def _summary(difference: Difference) -> str:
    text = difference.summary(NAMES["left"], NAMES["right"])
    return text[:1].upper() + text[1:]


def state_content(pair: list[Turn]) -> Content:
    """Why there is no difference to tell yet."""
    if any(turn.status == "streaming" for turn in pair):
        if not (who := _doing(pair)):
            return Content.styled("… the model is reading the question" if _begun(pair) else "… waiting for the model")
        escape = "escape goes to the answer" if thinking_of(pair) else "escape stops"
        return Content.styled(f"… {who} · {escape}", "$foreground 65%")
    if any(turn.phase == "listening" for turn in pair):
        return Content.styled("∿ listening to both answers…", "$foreground 65%")
    if any(turn.status != "complete" for turn in pair):
        return Content.styled("Not compared: an answer is missing or was cut off · r answers it again", "$text-warning")
    if any(turn.thought_only for turn in pair):
        return Content.styled("Not compared: no answer came of a thought · r asks anew", "$text-warning")
    return Content.styled("Not compared: an answer could not be assessed", "$text-warning")


def _doing(pair: list[Turn]) -> str:
    """Which side thinks and which answers; empty where none does."""
    found = []
    for phase, verb in VERBS.items():
        names = [NAMES[side] for side, turn in zip(SIDES, pair, strict=True) if turn.phase == phase]
        if names:
            found.append(f"both sides {verb}" if len(names) == 2 else f"{names[0]} {verb}s")
    return ", ".join(found)


def _begun(pair: list[Turn]) -> bool:
    return any(turn.phase == "reading" for turn in pair)


def params_of(pair: list[Turn]) -> dict[str, object]:
    """The sampling of both answers (they share it)."""
    return dict(pair[0].params["sampling"])
