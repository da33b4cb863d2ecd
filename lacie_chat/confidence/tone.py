"""One word for how an assessed response sounds, as the interface shows it beside the figure.

| tone | when |
|---|---|
| declines | the state is `abstained` |
| no claim | the state is `no_claim` |
| sounds sure | acceptance at least 0.66 (the accept threshold of LACIE's evaluation), and no hedge without a booster |
| fairly sure | acceptance at least 0.5, or at least 0.66 with a hedge in the text |
| hedges | acceptance under 0.5 and a hedge in the text |
| sounds unsure | acceptance under 0.5, and no hedge that could be pointed at |

The word never contradicts the cues in the text: "hedges" needs a hedge that is underlined there, and a text that only hedges is at most
"fairly sure". It speaks of the wording alone, so it reads the acceptance, also where a calibrated figure is shown.
"""

from lacie_chat.confidence.assessment import Assessment

SOUNDS_SURE = "sounds sure"
FAIRLY_SURE = "fairly sure"
HEDGES = "hedges"
SOUNDS_UNSURE = "sounds unsure"
DECLINES = "declines"
NO_CLAIM = "no claim"

TONES = (SOUNDS_SURE, FAIRLY_SURE, HEDGES, SOUNDS_UNSURE, DECLINES, NO_CLAIM)
"""Every word that `tone` can give."""

SURE_FROM = 0.66
UNSURE_BELOW = 0.5


def tone(assessment: Assessment) -> str:
    """The word of TONES for this assessment."""
    if assessment.state == "abstained":
        return DECLINES
    if assessment.state == "no_claim" or assessment.acceptance is None:
        return NO_CLAIM
    if assessment.acceptance < UNSURE_BELOW:
        return HEDGES if assessment.hedges else SOUNDS_UNSURE
    only_hedges = bool(assessment.hedges) and not assessment.boosters
    return SOUNDS_SURE if assessment.acceptance >= SURE_FROM and not only_hedges else FAIRLY_SURE
