"""What the interface says of the two figures of an answer, said once: line, details, help and welcome read from here.

How sure an answer *sounds* is a bar, how likely it is *right* is a share; the verdict holds the two together. Colour
follows the disagreement and not the level: an answer that sounds surer than it is stands out, while one that hedges
and is seldom right is honest, and no failure (nor is it a success: it has no colour).
"""

import shlex
from collections.abc import Mapping
from typing import Any

from textual.content import Content

from lacie_chat.confidence import Assessment, Verdict
from lacie_chat.confidence.wording import SIGNS, UNSURE_SIGN, verdict_sign, verdict_text

DIM = "$foreground 65%"
NEUTRAL = "$foreground 90%"
STANDING_OUT: Verdict = "sounds surer than it is"

COLOURS: dict[Verdict, str] = {
    "sounds surer than it is": "$text-warning",
    "sounds about right": "$text-success",
    "surer than it sounds": "$text-primary",
}

WHAT_FOLLOWS: dict[Verdict, str] = {
    "sounds surer than it is": "Check it before you rely on it: it promises more than such answers keep.",
    "sounds about right": "Believe it about as much as it sounds.",
    "surer than it sounds": "Don't let its hedging put you off: such answers are right more often than they sound.",
}
"""One plain sentence each, for the details."""

VERDICTS_MEAN: dict[Verdict, str] = {
    "sounds surer than it is": "It promises more than such answers keep: check it.",
    "sounds about right": "It sounds as sure as such answers are right; with ~ they seldom are, and it sounds so.",
    "surer than it sounds": "It hedges, but such answers are right more often than they sound.",
}
"""For the help."""

BAR_MEANS = "The bar is how sure it sounds to a reader."
RIGHT_MEANS = "“{}” is how often such answers of this model were right when tested."
SIGNS_MEAN: dict[str, str] = {
    SIGNS["sounds surer than it is"]: "check this one",
    SIGNS["sounds about right"]: "the two agree",
    UNSURE_SIGN: "seldom right, and it sounds so",
    SIGNS["surer than it sounds"]: "better than it sounds",
}
"""A few words for each sign that a verdict may have."""
NOT_MEASURED, NOT_CALIBRATED = "not measured", "not calibrated"


def colour_of(assessment: Assessment) -> str:
    """The colour of both figures and their verdict; neutral where there is none, and for an answer that is more likely
    wrong and sounds so: nothing is amiss, but green would call it good."""
    if assessment.verdict is None or verdict_sign(assessment) == UNSURE_SIGN:
        return NEUTRAL
    return COLOURS[assessment.verdict]


def verdict_content(assessment: Assessment) -> Content:
    """Its sign and its words; the one that this program is for is set off from all else on the screen. Empty without a
    verdict."""
    verdict = assessment.verdict
    if verdict is None:
        return Content("")
    words = f"{verdict_sign(assessment)} {verdict_text(verdict)}"
    behind = " on $warning-muted" if verdict == STANDING_OUT else ""
    return Content.styled(words, f"{colour_of(assessment)} bold{behind}")


def calibrate_command(params: Mapping[str, Any]) -> str:
    """What to type to get a calibrator for what gave an answer, from the answer's parameters (or an Origin's)."""
    model, adapter = params.get("model_ref"), params.get("adapter_ref")
    words = ["lacie", "calibrate"]
    embedded = model == "embedded"
    if model and not embedded:
        words += ["--model", str(model)]
    if adapter and not (embedded and adapter == "embedded"):
        words += ["--adapter", str(adapter)]
    elif embedded and not adapter:
        words.append("--baseline")
    return shlex.join(words)


def gloss(assessment: Assessment, command: str, *, short: bool) -> str:
    """What the line under an answer means, in plain words, for those who see one of their first; empty where the line
    needs none. `short`: the line has but a sign for its verdict."""
    if assessment.confidence is None:
        return ""
    if assessment.p_right is None:
        if assessment.answer_span is None:
            return f"{BAR_MEANS} There is no single answer in it that could be right or wrong."
        return f"{BAR_MEANS} How often such answers of this model are right is not known yet: {command} measures it."
    right, sign = RIGHT_MEANS.format("Right 1 in …" if short else "Right about …"), verdict_sign(assessment)
    return f"{BAR_MEANS} {right} {sign}: {SIGNS_MEAN[sign]}."
