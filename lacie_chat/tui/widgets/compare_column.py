"""One side of a comparison: a sample of its answer, how sure it sounds, and how stable the side is over its samples."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from lacie_chat.chat.compared import Side
from lacie_chat.chat.tree import Turn
from lacie_chat.comparison import SideSummary, segments
from lacie_chat.confidence import Span, bar
from lacie_chat.highlights import Highlight, HighlightKind, words_in
from lacie_chat.tui.messages import TurnSelected
from lacie_chat.tui.widgets.confidence_line import SHORT_CELLS
from lacie_chat.tui.widgets.highlighted_markdown import HighlightedMarkdown
from lacie_chat.tui.widgets.message import AnswerView

_KINDS: dict[frozenset[str], HighlightKind] = {
    frozenset({"hedge"}): "hedge",
    frozenset({"booster"}): "booster",
    frozenset({"differs"}): "differs",
    frozenset({"hedge", "differs"}): "hedge differs",
    frozenset({"booster", "differs"}): "booster differs",
    frozenset({"hedge", "booster"}): "hedge",
    frozenset({"hedge", "booster", "differs"}): "hedge differs",
}


class SampleView(AnswerView):
    """An answer whose text scrolls by itself, so that what stands under it is always in sight."""

    BESIDE = True

    def __init__(self, turn: Turn) -> None:
        super().__init__(turn, (1, 1))
        self._differing: Sequence[Span] = ()
        self._summary: SideSummary | None = None
        self._thought_wanted = (False, "")

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Static(stability_content(self._summary), classes="stability" if self._summary else "stability -none")

    def fit(self) -> None:
        """Let the text have the room that the lines under it leave."""
        if not self._built:
            return
        room = self.parent.size.height if isinstance(self.parent, Widget) else 0
        if not room:
            return  # not laid out yet
        for line in self.query(".confidence-line, .stability, .note").results(Static):
            room -= line.outer_size.height if line.display else 0
        text, thought = self.query_one(HighlightedMarkdown), self.thought
        room -= text.styles.margin.bottom
        if thought.shown:
            room -= thought.line.outer_size.height + 1
        if thought.shown and thought.opened:  # it scrolls by itself, in what the text doesn't need or half of the room
            room -= 1
            most = max(room // 2, room - (text.virtual_size.height if self.turn.text else 0), 0)
            thought.body.styles.max_height = most
            room -= min(thought.body.virtual_size.height, most)
        text.styles.max_height = max(room, 0)

    def show(self) -> None:
        super().show()
        self._show_thought()
        self.call_after_refresh(self.fit)

    def show_stability(self, summary: SideSummary | None) -> None:
        """How the samples of this side agree."""
        self._summary = summary
        for line in self.query(".stability").results(Static):  # none yet while it is being built
            line.set_class(summary is None, "-none")
            line.update(stability_content(summary))
        self.call_after_refresh(self.fit)

    def highlights(self) -> list[Highlight]:
        cues = super().highlights()
        return overlaid(self.turn.text, cues, self._differing) if self._differing else cues

    async def follow(self) -> None:
        if not self._built:
            return
        growing: tuple[Widget, ...] = (self.query_one(HighlightedMarkdown), self.thought.body)
        at_end = [part for part in growing if part.is_vertical_scroll_end]
        await super().follow()
        for part in at_end if self._built else ():
            part.scroll_end(animate=False, immediate=False)
        if self.thought.opened:
            self.call_after_refresh(self.fit)

    def open_thought(self, opened: bool, key: str) -> None:
        """Show what was thought first, or only its line, which names the key that opens it. One that isn't built yet
        remembers it."""
        self._thought_wanted = (opened, key)
        self._show_thought()

    def _show_thought(self) -> None:
        if not self._built:
            return  # `show` will do it
        opened, key = self._thought_wanted
        self.thought.hint(key)
        if self.thought.opened != opened:
            self.thought.toggle()
            self.call_after_refresh(self.fit)

    @property
    def scrolled(self) -> Widget | None:
        """What keys scroll: an opened thought, else the text; None before it is built."""
        if not self._built:
            return None
        if self.thought.opened and self.thought.shown:
            return self.thought.body
        return self.query_one(HighlightedMarkdown)

    async def highlight(self, differing: Sequence[Span]) -> None:
        """Set these words of the finished answer off."""
        self._differing = tuple(differing)
        if self.turn.status != "streaming":
            await self.settle()


def overlaid(text: str, cues: Sequence[Highlight], differing: Sequence[Span]) -> list[Highlight]:
    """Highlights that don't overlap: hedges and boosters with the differing words laid over them."""
    layers: dict[str, list[Span]] = {"hedge": [], "booster": [], "differs": words_in(text, differing)}
    for cue in cues:
        layers[cue.kind].append(Span(text[cue.start : cue.end], cue.start, cue.end))
    found, position = [], 0
    for segment in segments(text, layers):
        end = position + len(segment.text)
        if segment.kinds:
            found.append(Highlight(position, end, _KINDS[segment.kinds]))
        position = end
    return found


class ColumnSelected(Message):
    """The user clicked on a side."""

    def __init__(self, side: Side) -> None:
        super().__init__()
        self.side = side


class CompareColumn(Vertical):
    """A frame with the side's name; `-selected` is the one that keys act on, and that is open where it is narrow."""

    def __init__(self, side: Side, name: str) -> None:
        super().__init__(id=side)
        self.side = side
        self.border_title = Content(name)
        self._sample: SampleView | None = None

    def compose(self) -> ComposeResult:
        yield Container(classes="sample")

    @property
    def sample(self) -> SampleView | None:
        return self._sample

    async def show(self, turn: Turn, which: tuple[int, int]) -> None:
        """Show this answer; `which` of how many samples."""
        self.border_subtitle = f"sample {which[0]} of {which[1]}" if which[1] > 1 else ""
        if self._sample is None or self._sample.turn is not turn:
            holder = self.query_one(".sample", Container)
            with self.app.batch_update():
                await holder.remove_children()
                self._sample = SampleView(turn)
                await holder.mount(self._sample)

    def on_resize(self) -> None:
        if self._sample is not None:
            self.call_after_refresh(self._sample.fit)

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(ColumnSelected(self.side))

    def on_turn_selected(self, message: TurnSelected) -> None:
        message.stop()
        self.post_message(ColumnSelected(self.side))


def stability_content(summary: SideSummary | None) -> Content:
    """`3 samples: “Tokyo” in 2 of 3 (2 different answers) · sounds ▰▰▰▱▱ to ▰▰▰▰▱ · “sounds sure” in all`."""
    if summary is None:
        return Content("")
    facts = []
    if summary.answer is not None:
        same = "all" if summary.answer_count == summary.n else f"{summary.answer_count} of {summary.n}"
        more = f" ({summary.answers} different answers)" if summary.answers > 1 else ""
        facts.append(f"“{_short(summary.answer)}” in {same}{more}")
    elif summary.declined < summary.n:
        facts.append("no answer found in any")
    if summary.declined:
        facts.append(f"{summary.declined} decline" + ("s" if summary.declined == 1 else ""))
    if summary.low is not None and summary.high is not None:
        low, high = (bar(value, SHORT_CELLS) for value in (summary.low, summary.high))
        facts.append(f"sounds {low}" if low == high else f"sounds {low} to {high}")
    facts.append(_tone(summary))
    return Content.assemble((f"{summary.n} samples: ", "bold"), (" · ".join(facts), "$foreground 80%"))


def _tone(summary: SideSummary) -> str:
    count = round(summary.tone_agreement * summary.n)
    return f"“{summary.tone}” in {'all' if count == summary.n else count}"


def _short(text: str, length: int = 32) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
