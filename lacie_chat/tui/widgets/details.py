"""All that is known of one answer: what the listener read, each figure, and what it was made with."""

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lacie_chat.confidence import bar, listener_suffix, percent, tone
from lacie_chat.confidence.assessment import Assessment, Span
from lacie_chat.tui.marks import STYLES, MarkKind
from lacie_chat.tui.tree import Turn
from lacie_chat.tui.widgets.confidence_line import KINDS, colour_of

NAME_WIDTH = 12

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
        self._turn: Turn | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="details-text", markup=False)

    def show(self, turn: Turn | None) -> None:
        """Draw what is known of `turn`."""
        self._turn = turn
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        self.query_one("#details-text", Static).update(details_content(self._turn, width))


def details_content(turn: Turn | None, width: int) -> Content:
    """The panel's text, `width` cells wide."""
    if turn is None:
        return Content.styled("No answer yet.", "$foreground 65%")
    if turn.role != "assistant":
        return Content.styled(
            "A question of yours. Select an answer to see what the listener made of it.", "$foreground 65%"
        )
    parts = []
    if turn.assessment is not None:
        parts += _assessment(turn.assessment, width)
    else:
        reason = turn.problem or ("it is being listened to" if turn.phase == "listening" else "it was not finished")
        parts.append(Content.styled(f"Not assessed: {reason.rstrip('.')}.", "$foreground 65%"))
        parts.append(Content(""))
    parts += _making(turn, width)
    return Content("\n").join(parts)


def _assessment(assessment: Assessment, width: int) -> list[Content]:
    read = listener_suffix(assessment.masked_response) if assessment.masked_response.strip() else "(nothing)"
    confidence = assessment.confidence
    rows: list[tuple[str, str | Content]] = [("in a word", tone(assessment))]
    if confidence is not None:
        figure = Content.styled(f"{bar(confidence.value)} {percent(confidence.value).strip()}", colour_of(assessment))
        rows.append(("confidence", figure))
        rows.append(("kind", confidence.kind))
        rows.append(("", Content.styled(KINDS[confidence.kind], "$foreground 65%")))
    if assessment.acceptance is not None:
        rows.append(("acceptance", f"{assessment.acceptance:.3f}"))
    span = assessment.answer_span
    rows += [
        ("answer", f"“{span.text}” at {span.start}-{span.end}" if span else "none found"),
        ("hedges", _spans(assessment.hedges, "hedge")),
        ("boosters", _spans(assessment.boosters, "booster")),
    ]
    figures = [_row(name, value, width) for name, value in rows]
    return [
        _heading("How sure it sounds"), *figures, Content(""),
        _heading("What the listener read"), Content(read), Content(""),
    ]  # fmt: skip


def _making(turn: Turn, width: int) -> list[Content]:
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
    return [
        _heading("How it was made"),
        *(_row(name, str(value), width) for name, value in rows if value not in (None, "")),
    ]


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $text-primary")


def _row(name: str, value: str | Content, width: int) -> Content:
    """A name and its value; a value of several lines hangs under its first."""
    content = Content(value) if isinstance(value, str) else value
    lines = content.wrap(max(12, width - NAME_WIDTH)) if width else [content]
    indented = Content("\n" + " " * NAME_WIDTH).join(lines)
    return Content.assemble((f"{name:<{NAME_WIDTH}}", "$foreground 65%"), indented)


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
