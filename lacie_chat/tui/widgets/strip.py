"""One row over the conversation: a mark for each of its answers, to see which to doubt, and to go there.

Signs tell all without colour. The row shows as many marks as fit: the end of the conversation, or what is around the
selected answer, with the number of those that are left out on either side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click, MouseMove
from textual.widgets import Static

from lacie_chat.chat.tree import Turn, title_of
from lacie_chat.confidence import right_text, tone
from lacie_chat.confidence.wording import FAIRLY_SURE_FROM, LIKELY_FROM, SIGNS, UNSURE_SIGN, verdict_sign
from lacie_chat.tui.messages import AnswerWanted

FEWEST = 2
"""Answers from which on there is something to choose from."""
PLACE = 2
"""Cells of a mark: its sign and a space."""
COUNT = 6
"""Cells kept for the number of marks left out on a side: `‹ 123 `."""
TITLE = 60

CALM = "$foreground 65%"
UNSURE, SURE, TO_COME, DECLINES, NOTHING = UNSURE_SIGN, "○", "…", "⊘", "·"
DOUBTFUL = (SIGNS["sounds surer than it is"], UNSURE)
"""Signs of answers that are worth a second look."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the strip says of one answer: a sign, what it means, and its colour."""

    sign: str
    meaning: str
    style: str = CALM

    @property
    def doubtful(self) -> bool:
        """Does it sound surer than it is, or unsure?"""
        return self.sign in DOUBTFUL


def mark_of(turn: Turn) -> Mark:
    """The mark of an answer: what the user said of it, else what its assessment says."""
    if turn.correct is not None:
        return Mark("✓", "you marked it right", "$text-success") if turn.correct else Mark(
            "✗", "you marked it wrong", "$text-warning"
        )  # fmt: skip
    if turn.phase != "done":
        return Mark(TO_COME, "being listened to" if turn.phase == "listening" else "still to come")
    assessment = turn.assessment
    if assessment is None:
        return Mark(NOTHING, "not assessed")
    if assessment.state == "abstained":
        return Mark(DECLINES, "declines to answer")
    if assessment.state == "no_claim" or assessment.acceptance is None:
        return Mark(NOTHING, "makes no claim")
    if assessment.p_right is None or assessment.verdict is None:
        sounds = assessment.acceptance >= FAIRLY_SURE_FROM
        return Mark(SURE if sounds else UNSURE, f"{tone(assessment)}; how likely it is right is not known")
    right, sign = right_text(assessment.p_right), verdict_sign(assessment)
    match assessment.verdict:
        case "sounds surer than it is":
            return Mark(sign, f"{assessment.verdict}: {right}", "$text-warning")
        case "surer than it sounds":
            return Mark(sign, f"{assessment.verdict}: {right}")
        case "sounds about right":
            if assessment.p_right >= LIKELY_FROM:
                return Mark(sign, f"likely right, and sounds so: {right}", "$text-success")
            return Mark(sign, f"unlikely to be right, and sounds so: {right}")


def window_of(count: int, width: int, chosen: int | None) -> tuple[int, int]:
    """Which of `count` marks fit into `width` cells, as first and last (exclusive): the end of them, moved only as far
    as the `chosen` one asks for."""
    if count * PLACE <= width:
        return 0, count
    room = max(1, (width - 2 * COUNT) // PLACE)
    last = count if chosen is None or chosen >= count - room else min(count, chosen + (room + 1) // 2)
    last = max(last, min(count, room))
    return max(0, last - room), last


class Strip(Static):
    """The row. A click on a mark goes to its answer; on a number, to the nearest answer that is left out there."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="strip")
        self.display = False
        self._answers: Sequence[Turn] = ()
        self._selected: Turn | None = None
        self._places: list[tuple[int, int, Turn]] = []

    def show(self, answers: Sequence[Turn], selected: Turn | None) -> None:
        """Draw the marks of these answers, in this order, the `selected` one set off."""
        self._answers, self._selected = answers, selected
        self.display = len(answers) >= FEWEST
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def place_of(self, turn: Turn) -> int | None:
        """The cell in which the mark of an answer stands, if it is in sight."""
        return next((start for start, _, shown in self._places if shown is turn), None)

    def _draw(self) -> None:
        if not self.display:
            return
        answers, width = self._answers, self.content_size.width
        chosen = answers.index(self._selected) if self._selected in answers else None
        first, last = window_of(len(answers), width, chosen)
        parts: list[Content] = []
        self._places = []
        if first:
            self._add(parts, Content.styled(f"‹ {first} ", CALM), answers[first - 1])
        for turn in answers[first:last]:
            mark = mark_of(turn)
            style = f"{mark.style} bold reverse" if turn is self._selected else mark.style
            self._add(parts, Content.assemble((mark.sign, style), " "), turn)
        if last < len(answers):
            self._add(parts, Content.styled(f"{len(answers) - last} ›", CALM), answers[last])
        self.update(Content("").join(parts))

    def _add(self, parts: list[Content], part: Content, turn: Turn) -> None:
        start = sum(each.cell_length for each in parts)
        parts.append(part)
        self._places.append((start, start + part.cell_length, turn))

    def _at(self, event: Click | MouseMove) -> Turn | None:
        offset = event.get_content_offset(self)
        if offset is None:
            return None
        return next((turn for start, end, turn in self._places if start <= offset.x < end), None)

    def on_mouse_move(self, event: MouseMove) -> None:
        turn = self._at(event)
        text = tooltip_of(turn) if turn is not None else None
        if text != self.tooltip:
            self.tooltip = text

    def on_click(self, event: Click) -> None:
        event.stop()
        if (turn := self._at(event)) is not None:
            self.post_message(AnswerWanted(turn))


def tooltip_of(turn: Turn) -> Content:
    """What the mark of an answer means, and how its question begins."""
    mark, question = mark_of(turn), title_of(turn.question)
    shown = question if len(question) <= TITLE else question[: TITLE - 1].rstrip() + "…"
    return Content(f"{mark.sign} {mark.meaning}\n{shown}")
