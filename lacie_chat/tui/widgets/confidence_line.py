"""The line under an answer that says how sure it sounds, to be read at a glance and without colour.

A bar, a figure, its kind, a word. Colour judges (green to red) only a calibrated figure: an acceptance says how an
answer sounds, which is neither good nor bad. An abstention has no bar, since it is not a low confidence.
"""

from textual.content import Content
from textual.events import Click
from textual.style import Style
from textual.widgets import Static

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import agreement_text, bar, percent, tone
from lacie_chat.confidence.assessment import Assessment
from lacie_chat.tui.messages import BranchWanted, TurnSelected

WIDE = 112

KINDS = {
    "calibrated": "of answers that sound so, this share is right",
    "acceptance": "how sure it sounds; says nothing of how often it is right",
}


def colour_of(assessment: Assessment) -> str:
    """The style of the figure: a judgement only where there is one to make."""
    confidence = assessment.confidence
    if confidence is None or confidence.kind == "acceptance":
        return "$text-primary"
    if confidence.value >= 2 / 3:
        return "$text-success"
    return "$text-warning" if confidence.value >= 1 / 3 else "$text-error"


def assessment_content(assessment: Assessment, *, wide: bool = False) -> Content:
    """What one reads of an assessment at a glance."""
    word = tone(assessment)
    confidence = assessment.confidence
    if assessment.state == "abstained":
        return Content.assemble(
            ("⊘ ", "$text-warning bold"), (word, "bold"), (" · no answer to be sure of", "$foreground 65%")
        )
    if confidence is None:
        return Content.styled(f"· {word} · nothing to be sure of", "$foreground 65%")
    colour = colour_of(assessment)
    return Content.assemble(
        (bar(confidence.value), colour),
        (f" {percent(confidence.value)}  ", f"{colour} bold"),
        (f"{confidence.kind} · ", "$foreground 65%"),
        (word, "bold"),
        f" · {agreement_text(assessment.agreement)}" if assessment.agreement else "",
        (f" · {KINDS[confidence.kind]}" if wide else "", "$foreground 65%"),
    )


def ending_content(turn: Turn) -> Content:
    """How an answer ended, where that is worth a word."""
    if turn.status == "cancelled":
        return Content.styled("■ cut off by you", "$text-warning")
    if turn.status == "cut_off":
        return Content.styled("■ cut off: the engine stopped", "$text-warning")
    if turn.status == "failed":
        return Content.styled(f"✗ {turn.problem or 'not answered'}", "$text-error")
    limit = turn.params.get("sampling", {}).get("max_tokens")
    if limit and turn.usage and turn.usage.get("completion_tokens", 0) >= limit:
        return Content.styled(f"■ stopped at {limit} tokens", "$foreground 65%")
    if turn.phase == "done" and not turn.text.strip():
        return Content.styled("the model said nothing", "$foreground 65%")
    return Content("")


def line_content(turn: Turn, *, siblings: tuple[int, int] = (1, 1), wide: bool = False) -> Content:
    """The whole line for an answer; `siblings`: which of how many."""
    parts: list[Content] = []
    if turn.phase == "waiting":
        parts.append(Content.styled("… waiting", "$foreground 65%"))
    elif turn.phase == "reading":
        parts.append(Content.styled("… reading", "$foreground 65%"))
    elif turn.phase == "answering":
        parts.append(Content.styled("… answering", "$foreground 65%"))
    else:
        ending = ending_content(turn)
        if turn.phase == "listening":
            parts.append(Content.styled("∿ listening…", "$foreground 65%"))
        elif turn.assessment is not None:
            content = assessment_content(turn.assessment, wide=wide and not ending and not turn.heard_otherwise)
            if turn.heard_otherwise:
                content = Content.assemble(content, (" · heard by another listener", "$foreground 65%"))
            parts.append(
                Content.assemble(content, (" · drawing samples…", "$foreground 65%")) if turn.drawing else content
            )
        elif turn.problem and turn.status in ("complete", "cancelled"):
            parts.append(Content.styled(f"○ not assessed: {turn.problem}", "$foreground 65%"))
        if ending:
            parts.append(ending)
    if turn.correct is not None:
        word, colour = ("✓ marked right", "$text-success") if turn.correct else ("✗ marked wrong", "$text-error")
        parts.append(Content.styled(word, colour))
    if turn.baseline:
        parts.append(Content.styled("baseline", "$text-secondary"))
    elif turn.params.get("adapter"):
        parts.append(Content.styled("adapter", "$text-secondary"))
    if siblings[1] > 1:
        parts.append(branch_content(siblings))
    return Content("   ").join(parts)


def branch_content(siblings: tuple[int, int]) -> Content:
    """◂ 2/3 ▸ with ends to click on."""
    index, count = siblings
    back, forth = (Style.from_meta({"@click": f"branch({step})"}) for step in (-1, 1))
    return Content.assemble(("◂ ", back), f"{index}/{count}", (" ▸", forth))


class ConfidenceLine(Static):
    """The line as a widget; a click on it asks for the details."""

    ALLOW_SELECT = False

    def __init__(self, turn: Turn, siblings: tuple[int, int]) -> None:
        super().__init__(classes="confidence-line")
        self.turn = turn
        self.branch = siblings

    def on_mount(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """Draw the turn as it now is."""
        self.update(line_content(self.turn, siblings=self.branch, wide=self.size.width >= WIDE))
        self.tooltip = "Show what the listener read" if self.turn.assessment else None

    def on_click(self, event: Click) -> None:
        event.stop()
        if "@click" not in event.style.meta:
            self.post_message(TurnSelected(self.turn, details=self.turn.assessment is not None))

    def action_branch(self, step: int) -> None:
        self.post_message(BranchWanted(self.turn, step))
