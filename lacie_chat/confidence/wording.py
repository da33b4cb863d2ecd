"""How an assessed response is put into words and plain characters, readable without colour.

Every front end draws from here.

The confidence line holds two figures, always in this order, and what follows from the two:

    ▰▰▰▰▰▰▰▰▰▱ sounds sure · right about 1 in 6 (17 %) · sounds surer than it is

The bar and the tone say how the answer *sounds* (acceptance); then how likely it is *right* (P(right)), in words and
per cent; then the verdict. A bar always means acceptance, and per cent always P(right). Without a calibrator there is
no P(right), and the line says what makes one. An abstention and a response that claims nothing have no bar: neither is
a low confidence. The tone is one word for how the response sounds:

| tone | when |
|---|---|
| declines | the state is `abstained` |
| no claim | the state is `no_claim` |
| sounds sure | acceptance at least 0.85, and no hedge without a booster |
| fairly sure | acceptance at least 0.55, or at least 0.85 with a hedge in the text |
| hedges | acceptance at least 0.27 and a hedge in the text |
| sounds unsure | acceptance under 0.27, or under 0.55 with no hedge that could be pointed at |

The limits are people's: of 5,422 short answers that people rated (arXiv 2509.24202), those that call themselves sure
are best told from those that call themselves fairly sure anywhere between .81 and .95, these from the "not entirely
sure" between .50 and .60, and those from the unsure at .27.

The word never contradicts the cues in the text: "hedges" needs a hedge that is underlined there, and a text that only
hedges is at most "fairly sure". It speaks of the wording alone, so it reads the acceptance and nothing else.
"""

from lacie_chat.confidence.assessment import Agreement, Assessment, Verdict
from lacie_chat.confidence.calibrator import logit

BAR_CELLS = 10

SOUNDS_SURE = "sounds sure"
FAIRLY_SURE = "fairly sure"
HEDGES = "hedges"
SOUNDS_UNSURE = "sounds unsure"
DECLINES = "declines"
NO_CLAIM = "no claim"

TONES = (SOUNDS_SURE, FAIRLY_SURE, HEDGES, SOUNDS_UNSURE, DECLINES, NO_CLAIM)
"""Every word that `tone` can give."""

SURE_FROM, FAIRLY_SURE_FROM, HEDGES_FROM = 0.85, 0.55, 0.27
"""Acceptances from which a text counts as sure, as fairly sure, as one that hedges; under the last it is unsure."""


def tone(assessment: Assessment) -> str:
    """The word of TONES for this assessment."""
    if assessment.state == "abstained":
        return DECLINES
    if assessment.state == "no_claim" or assessment.acceptance is None:
        return NO_CLAIM
    if assessment.acceptance < FAIRLY_SURE_FROM:
        return HEDGES if assessment.hedges and assessment.acceptance >= HEDGES_FROM else SOUNDS_UNSURE
    only_hedges = bool(assessment.hedges) and not assessment.boosters
    return SOUNDS_SURE if assessment.acceptance >= SURE_FROM and not only_hedges else FAIRLY_SURE


def bar(fraction: float, cells: int = BAR_CELLS) -> str:
    """A bar of `cells` cells; never empty or full unless the fraction rounds to 0 or 100 per cent."""
    filled = round(fraction * cells)
    if round(fraction * 100) > 0:
        filled = max(filled, 1)
    if round(fraction * 100) < 100:
        filled = min(filled, cells - 1)
    return "▰" * filled + "▱" * (cells - filled)


def percent(fraction: float) -> str:
    """`62 %`, right-aligned to the width of `100 %`, with a no-break space."""
    return f"{round(fraction * 100):>3}\u00a0%"


def agreement_text(agreement: Agreement) -> str:
    """`4 of 5 samples agree`."""
    agreed = round(agreement.value * agreement.k)
    noun, verb = "sample" if agreement.k == 1 else "samples", "agrees" if agreed == 1 else "agree"
    return f"{agreed} of {agreement.k} {noun} {verb}"


_SHARES = (
    (1, 100), (1, 50), (1, 30), (1, 20), (1, 15), (1, 10), (1, 8), (1, 6), (1, 5), (1, 4), (1, 3), (2, 5), (1, 2),
    (3, 5), (2, 3), (3, 4), (4, 5), (5, 6), (7, 8), (9, 10), (14, 15), (19, 20), (29, 30), (49, 50), (99, 100),
)  # fmt: skip
"""What a probability is put as: shares that people can picture."""

UNCALIBRATED = "how often right? lacie calibrate"
NO_ANSWER_TO_CHECK = "no single answer to be right or wrong"

SIGNS: dict[Verdict, str] = {
    "sounds surer than it is": "▲",
    "sounds about right": "●",
    "surer than it sounds": "▽",
}
"""One sign for each verdict, for the line and where there is no room for words."""

UNSURE_SIGN = "~"
"""Of an answer that is more likely wrong than right, and sounds so: no reader may take it for a good one."""

LIKELY_FROM = 0.5
"""P(right) from which an answer that sounds as right as it is counts as likely right."""


def verdict_sign(assessment: Assessment) -> str:
    """The sign of an answer's verdict; empty without one."""
    if assessment.verdict is None or assessment.p_right is None:
        return ""
    if assessment.verdict == "sounds about right" and assessment.p_right < LIKELY_FROM:
        return UNSURE_SIGN
    return SIGNS[assessment.verdict]


def verdict_text(verdict: Verdict) -> str:
    """The verdict as it follows on the two figures. Behind "right about 1 in 6" people would take "sounds about right"
    for "seems correct", so the line says what is meant.
    """
    return "the tone fits" if verdict == "sounds about right" else verdict


def share_words(probability: float) -> str:
    """`1 in 6`: the share nearest to a probability (in log-odds); beyond the last ones `less than 1 in 100`."""
    if probability < 0.0075:
        return "less than 1 in 100"
    if probability > 0.9925:
        return "more than 99 in 100"
    shown = min(max(round(probability * 100), 1), 99) / 100  # of the per cent that stand beside it: 1 % is 1 in 100
    part, whole = min(_SHARES, key=lambda share: abs(logit(share[0] / share[1]) - logit(shown)))
    return f"{part} in {whole}"


def right_percent(p_right: float) -> str:
    """`17 %`; never 0 or 100 per cent: nobody knows such a thing for certain."""
    shown = percent(p_right).strip()
    if shown in (percent(0).strip(), percent(1).strip()):
        return "under 1\u00a0%" if p_right < 0.5 else "over 99\u00a0%"
    return shown


def right_text(p_right: float) -> str:
    """`right about 1 in 6 (17 %)`."""
    words = share_words(p_right)
    about = "" if words.startswith(("less", "more")) else "about "
    return f"right {about}{words} ({right_percent(p_right)})"


def p_right_text(assessment: Assessment) -> str:
    """How likely an answer is right, or why nobody knows: the second figure of the line."""
    if assessment.p_right is not None:
        return right_text(assessment.p_right)
    return UNCALIBRATED if assessment.answer_span else NO_ANSWER_TO_CHECK


def no_figures_text(assessment: Assessment) -> str | None:
    """The whole line of a response that has neither figure; None for one that has."""
    if assessment.state == "abstained":
        return f"⊘ {tone(assessment)} · no answer to be sure of"
    if assessment.confidence is None:
        return f"· {tone(assessment)} · nothing to be sure of"
    return None


def confidence_text(assessment: Assessment) -> str:
    """The whole line, without colour."""
    if (text := no_figures_text(assessment)) is not None:
        return text
    assert assessment.acceptance is not None
    parts = [f"{bar(assessment.acceptance)} {tone(assessment)}", p_right_text(assessment)]
    if assessment.verdict is not None:
        parts.append(verdict_text(assessment.verdict))
    if assessment.agreement is not None:
        parts.append(agreement_text(assessment.agreement))
    return " · ".join(parts)


def spoken_text(assessment: Assessment) -> str:
    """The same in whole sentences, without a sign: for who listens to it. Here per cent is how sure it sounds."""
    if assessment.state == "abstained":
        return "It declines: there is no answer to be sure of."
    if assessment.confidence is None or assessment.acceptance is None:
        return "It claims nothing that could be right or wrong."
    parts = [f"Sounds {percent(assessment.acceptance).strip()} sure.".replace("\u00a0", " ")]
    if assessment.p_right is not None and assessment.verdict is not None:
        parts.append(f"{_times_in_100(assessment.p_right)}: {verdict_text(assessment.verdict)}.")
    elif assessment.answer_span is None:
        parts.append("It gives no single answer to be right or wrong.")
    else:
        parts.append("How often such answers are right is not known yet: lacie calibrate measures it.")
    if assessment.agreement is not None:
        parts.append(f"{agreement_text(assessment.agreement)}.")
    return " ".join(parts)


def _times_in_100(p_right: float) -> str:
    times = round(p_right * 100)
    if times in (0, 100):
        return "Right less than once in 100" if times == 0 else "Right more than 99 times in 100"
    return f"Right about {'once' if times == 1 else f'{times} times'} in 100"
