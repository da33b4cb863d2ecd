"""All that is known of one answer: what the listener read, each figure, and what it was made with."""

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lacie_chat.confidence import Assessment, tone
from lacie_chat.confidence.assessment import Span
from lacie_chat.tui.marks import STYLES, MarkKind
from lacie_chat.tui.tree import Turn
from lacie_chat.tui.widgets.confidence_line import KINDS, bar, colour_of, percent

STATUS_WORDS = {
    "complete": "complete",
    "streaming": "in progress",
    "cancelled": "cut off by you",
    "cut_off": "cut off: the engine stopped",
    "failed": "failed",
}


class Details(VerticalScroll):
    """A panel beside the conversation, or under it where that is narrow."""

    def __init__(self) -> None:
        super().__init__(id="details")
        self.display = False
        self.border_title = "Details"

    def compose(self) -> ComposeResult:
        yield Static(id="details-text", markup=False)

    def show(self, turn: Turn | None) -> None:
        """Draw what is known of `turn`."""
        self.query_one("#details-text", Static).update(details_content(turn))


def details_content(turn: Turn | None) -> Content:
    """The panel's text."""
    if turn is None:
        return Content.styled("No answer yet.", "$text-muted")
    if turn.role != "assistant":
        return Content.styled("A question of yours. Select an answer to see what the listener made of it.", "$text-muted")
    parts = []
    if turn.assessment is not None:
        parts += _assessment(turn.assessment)
    else:
        reason = turn.problem or ("it is being listened to" if turn.phase == "listening" else "it was not finished")
        parts.append(Content.styled(f"Not assessed: {reason}.", "$text-muted"))
    parts += _making(turn)
    return Content("\n").join(parts)


def _assessment(assessment: Assessment) -> list[Content]:
    lines = [_heading("What the listener read"), Content(assessment.masked_response or "(nothing)"), Content("")]
    lines.append(_heading("What it made of it"))
    confidence = assessment.confidence
    lines.append(_row("sounds", tone(assessment)))
    if confidence is not None:
        figure = Content.styled(f"{bar(confidence.value)} {percent(confidence.value).strip()}", colour_of(assessment))
        lines.append(_row("confidence", figure))
        lines.append(_row("kind", confidence.kind))
        lines.append(_row("", Content.styled(KINDS[confidence.kind], "$text-muted")))
    if assessment.acceptance is not None:
        lines.append(_row("acceptance", f"{assessment.acceptance:.3f}"))
    span = assessment.answer_span
    lines.append(_row("answer", f"{span.text!r} at {span.start}-{span.end}" if span else "none found"))
    lines.append(_row("hedges", _spans(assessment.hedges, "hedge")))
    lines.append(_row("boosters", _spans(assessment.boosters, "booster")))
    return [*lines, Content("")]


def _making(turn: Turn) -> list[Content]:
    usage, timings, params = turn.usage or {}, turn.timings or {}, turn.params
    sampling: dict[str, Any] = params.get("sampling") or {}
    rows: list[tuple[str, Any]] = [
        ("status", STATUS_WORDS[turn.status]),
        ("first token", _seconds(timings.get("time_to_first_token"))),
        ("speed", _rate(timings.get("tokens_per_second"))),
        ("prompt", _tokens(usage.get("prompt_tokens"), usage.get("cached_tokens"))),
        ("answer", _tokens(usage.get("completion_tokens"))),
        ("model", params.get("model")),
        ("adapter", params.get("adapter") or "none"),
        ("side", params.get("side")),
        ("seed", sampling.get("seed")),
        ("sampling", _sampling(sampling)),
    ]
    return [_heading("How it was made"), *(_row(name, str(value)) for name, value in rows if value not in (None, ""))]


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $text-primary")


def _row(name: str, value: str | Content) -> Content:
    return Content.assemble((f"{name:<12}", "$text-muted"), value)


def _spans(spans: tuple[Span, ...], kind: MarkKind) -> Content:
    if not spans:
        return Content("none")
    return Content(", ").join([Content(span.text).stylize(STYLES[kind]) for span in spans])


def _seconds(value: float | None) -> str:
    return f"{value:.2f} s" if value is not None else ""


def _rate(value: float | None) -> str:
    return f"{value:.1f} tokens/s" if value is not None else ""


def _tokens(count: int | None, cached: int | None = None) -> str:
    if count is None:
        return ""
    return f"{count} tokens, {cached} of them cached" if cached else f"{count} tokens"


def _sampling(sampling: dict[str, Any]) -> str:
    names = {"temperature": "temperature", "top_p": "top-p", "top_k": "top-k", "repeat_penalty": "repeat"}
    return ", ".join(f"{word} {sampling[name]:g}" for name, word in names.items() if name in sampling)
