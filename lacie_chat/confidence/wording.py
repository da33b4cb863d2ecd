"""How an assessed response is put into words and plain characters, readable without colour.

Every front end draws from here.

The confidence line: `▰▰▰▰▰▰▱▱▱▱  62 %  calibrated · sounds sure`: a bar, the figure, its kind, and the tone; where
further samples were drawn, how many of them agree. An abstention and a response that claims nothing have no bar:
neither is a low confidence. The tone is one word for how the response sounds:

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
hedges is at most "fairly sure". It speaks of the wording alone, so it reads the acceptance, also where a calibrated
figure is shown.
"""

from lacie_chat.confidence.assessment import Agreement, Assessment

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


def confidence_text(assessment: Assessment) -> str:
    """The whole line, without colour."""
    word = tone(assessment)
    if assessment.state == "abstained":
        return f"⊘ {word} · no answer to be sure of"
    if assessment.confidence is None:
        return f"· {word} · nothing to be sure of"
    value, kind = assessment.confidence.value, assessment.confidence.kind
    agreed = f" · {agreement_text(assessment.agreement)}" if assessment.agreement else ""
    return f"{bar(value)} {percent(value)}  {kind} · {word}{agreed}"
