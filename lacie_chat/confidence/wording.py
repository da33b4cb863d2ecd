"""The confidence line in plain characters, readable at a glance and without colour; every front end draws from here.

`▰▰▰▰▰▰▱▱▱▱  62 %  calibrated · sounds sure`: a bar, the figure, its kind, a word; and where further samples were
drawn, how many of them agree. An abstention and a response that
claims nothing have no bar: neither is a low confidence.
"""

from lacie_chat.confidence.assessment import Agreement, Assessment
from lacie_chat.confidence.tone import tone

BAR_CELLS = 10


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
