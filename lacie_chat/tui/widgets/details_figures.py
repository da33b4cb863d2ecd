"""The two figures of an answer at length: how sure it sounds, how likely it is right, and the signals behind them."""

import math
from dataclasses import dataclass

from textual.content import Content

from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import MEANINGS, Calibrator, agreement_text, bar, right_text, tone
from lacie_chat.confidence.assessment import Assessment, Span
from lacie_chat.confidence.signals import ACCEPTANCE, AGREEMENT, MEAN, SPAN_FIRST, SPAN_LOWEST, SPAN_SUM
from lacie_chat.confidence.wording import NO_ANSWER_TO_CHECK
from lacie_chat.highlights import HighlightKind
from lacie_chat.tui.figures import DIM, WHAT_FOLLOWS, calibrate_command, colour_of, verdict_content
from lacie_chat.tui.widgets.highlighted_markdown import STYLES
from lacie_chat.tui.widgets.rows import heading, row

Row = tuple[str, str | Content]

_NAMES = {SPAN_SUM: "the answer", SPAN_LOWEST: "its weakest", SPAN_FIRST: "its first", MEAN: "on average"}
ASKS = (
    "It asks the model questions whose answers are known. Or mark answers right and wrong here: Calibration (in the "
    "help) shows when they are enough."
)
_LEAST_SHOWN = 0.001
_SAME = 0.005
"""Two figures that read the same in per cent."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The calibrator in use for an answer; `shipped`: it came with the model, else it is the user's own."""

    calibrator: Calibrator
    shipped: bool

    def explains(self, assessment: Assessment) -> bool:
        """Is the answer's P(right) of this calibrator? Another may have been in use when it was given."""
        now = self.calibrator(assessment.values)
        return now is not None and assessment.p_right is not None and abs(now - assessment.p_right) < _SAME


def fitted_for(session: ChatSession, turn: Turn) -> Fitted | None:
    """The calibrator in use for what gave this answer; None if there is none, or something else gave it."""
    calibrator, origin = session.speaker.calibrator_of(turn.baseline), session.speaker.origin_of(turn.baseline)
    if calibrator is None:
        return None
    if origin is None:
        return Fitted(calibrator, shipped=False) if turn.params.get("model") == session.speaker.model_name else None
    same = turn.params.get("fingerprint") == origin.fingerprint
    return Fitted(calibrator, calibrator == origin.shipped) if same else None


def sounding(assessment: Assessment, width: int) -> list[Content]:
    """How sure it sounds, and by which words."""
    rows: list[Row] = [("in a word", tone(assessment))]
    if assessment.acceptance is not None:
        shown = bar(assessment.acceptance) if assessment.confidence is not None else ""
        figure = Content.assemble((f"{shown} " if shown else "", colour_of(assessment)), f"{assessment.acceptance:.3f}")
        rows += [("acceptance", figure), ("", Content.styled(MEANINGS[ACCEPTANCE], DIM))]
    span = assessment.answer_span
    rows += [
        ("answer", f"“{span.text}” at {span.start}-{span.end}" if span else "none found"),
        ("hedges", _spans(assessment.hedges, "hedge")),
        ("boosters", _spans(assessment.boosters, "booster")),
    ]
    return [heading("How sure it sounds"), *(row(*each, width) for each in rows), Content("")]


def being_right(turn: Turn, assessment: Assessment, fitted: Fitted | None, width: int) -> list[Content]:
    """How likely it is right, what follows from the two figures, and who says so."""
    title, end = heading("How likely it is right"), Content("")
    if assessment.state == "abstained":
        return [title, Content("It declines: there is no answer to be right or wrong."), end]
    if assessment.confidence is None:
        return [title, Content("It claims nothing that could be right or wrong."), end]
    if assessment.p_right is None:
        return [title, *_unknown(turn, assessment, fitted), end]
    figure = Content.styled(right_text(assessment.p_right), f"{colour_of(assessment)} bold")
    rows: list[Row] = [("P(right)", figure)]
    if assessment.verdict is not None:
        rows += [("verdict", verdict_content(assessment)), ("", WHAT_FOLLOWS[assessment.verdict])]
    rows.append(("calibrator", calibrator_text(fitted if fitted and fitted.explains(assessment) else None)))
    return [title, *(row(*each, width) for each in rows), end]


def calibrator_text(fitted: Fitted | None) -> str:
    """What a calibrator was fitted on, and whose it is."""
    if fitted is None:
        return "another one than is in use now"
    calibrator = fitted.calibrator
    whose = "it came with the model" if fitted.shipped else "it is your own"
    return (
        f"fitted on {calibrator.n} answers ({calibrator.source}), {round(calibrator.share * 100)}\u00a0% of them "
        f"right; {whose}"
    )


def _unknown(turn: Turn, assessment: Assessment, fitted: Fitted | None) -> list[Content]:
    if assessment.answer_span is None:
        return [Content(f"It gives {NO_ANSWER_TO_CHECK}.")]
    if fitted is not None:
        return [Content("Not measured for this answer: it is older than the calibrator, or too little is known of it.")]
    return [
        Content("Not measured: this model has no calibrator yet. To get one:"),
        Content.styled(calibrate_command(turn.params), "bold"),
        Content.styled(ASKS, DIM),
    ]


def signal_rows(turn: Turn, assessment: Assessment, width: int) -> list[Content]:
    """Each signal that is known: its value and one plain sentence. Nothing for a response that has none."""
    known, own = assessment.values, assessment.signals
    rows: list[Content] = []
    for name, label in _NAMES.items():
        if own is None or name not in known:
            continue
        count = {MEAN: own.tokens, SPAN_SUM: own.span_tokens}.get(name)
        tokens = f" ({count} token{'' if count == 1 else 's'})" if count else ""
        rows.append(row(label, Content.assemble(probability_text(known[name]), (tokens, DIM)), width))
        rows.append(row("", Content.styled(MEANINGS[name], DIM), width))
    if assessment.agreement is not None:
        rows.append(row("agreement", agreement_text(assessment.agreement), width))
        rows.append(row("", Content.styled(MEANINGS[AGREEMENT], DIM), width))
    elif turn.drawing:
        rows.append(row("agreement", Content.styled("samples are being drawn", DIM), width))
    if not rows:
        return []
    return [heading("What the model itself found (signals)"), *rows, Content("")]


def probability_text(logprob: float) -> str:
    """A log-probability as a probability in per cent."""
    share = math.exp(logprob)
    if share < _LEAST_SHOWN:
        return "under 0.1\u00a0%"
    return f"{share * 100:.1f}\u00a0%" if share < 0.1 else f"{share * 100:.0f}\u00a0%"


def _spans(spans: tuple[Span, ...], kind: HighlightKind) -> Content:
    if not spans:
        return Content("none")
    return Content(", ").join([Content(span.text).stylize(STYLES[kind]) for span in spans])
