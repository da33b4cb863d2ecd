"""The line under an answer says the same without colour: state, figure, kind, word, ending."""

import pytest

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence.assessment import Assessment, Confidence, State
from lacie_chat.tui.widgets.confidence_line import colour_of, line_content


def answer(
    state: State = "answered", value: float = 0.62, kind: str = "calibrated", acceptance: float = 0.9, **turn: object
) -> Turn:
    confidence = Confidence(value, kind) if state == "answered" else None  # type: ignore[arg-type]
    assessment = Assessment("Q", "text", state, None, "text", acceptance, confidence, (), ())
    return Turn("assistant", "text", None, assessment=assessment, **turn)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("turn", "line"),
    [
        (answer(), "▰▰▰▰▰▰▱▱▱▱  62\u00a0%  calibrated · sounds sure"),
        (answer(kind="acceptance", value=0.9), "▰▰▰▰▰▰▰▰▰▱  90\u00a0%  acceptance · sounds sure"),
        (answer(value=1.0), "▰▰▰▰▰▰▰▰▰▰ 100\u00a0%  calibrated · sounds sure"),
        (answer(value=0.0, acceptance=0.2), "▱▱▱▱▱▱▱▱▱▱   0\u00a0%  calibrated · sounds unsure"),
        (answer("abstained"), "⊘ declines · no answer to be sure of"),
        (answer("no_claim"), "· no claim · nothing to be sure of"),
        (answer(status="cancelled"), "▰▰▰▰▰▰▱▱▱▱  62\u00a0%  calibrated · sounds sure   ■ cut off by you"),
        (
            answer(heard_otherwise=True),
            "▰▰▰▰▰▰▱▱▱▱  62\u00a0%  calibrated · sounds sure · heard by another listener",
        ),
        (Turn("assistant", "half", None, status="cut_off"), "■ cut off: the engine stopped"),
        (Turn("assistant", "", None, status="failed", problem="no model"), "✗ no model"),
        (Turn("assistant", "text", None, problem="odd tokens"), "○ not assessed: odd tokens"),
        (Turn("assistant", "", None), "the model said nothing"),
        (Turn("assistant", "text", None, phase="listening"), "∿ listening…"),
        (Turn("assistant", "", None, status="streaming", phase="waiting"), "… waiting"),
        (
            Turn(
                "assistant",
                "text",
                None,
                params={"sampling": {"max_tokens": 8}, "baseline": True},
                usage={"completion_tokens": 8},
            ),
            "■ stopped at 8 tokens   baseline",
        ),
    ],
)
def test_what_one_reads(turn: Turn, line: str) -> None:
    assert line_content(turn).plain == line


def test_a_wide_line_says_what_the_figure_means() -> None:
    assert line_content(answer(), wide=True).plain.endswith("of answers that sound so, this share is right")
    told = line_content(answer(kind="acceptance"), wide=True).plain
    assert told.endswith("how sure it sounds; says nothing of how often it is right")
    assert line_content(answer(heard_otherwise=True), wide=True).plain.endswith(
        "sounds sure · heard by another listener"
    )


def test_siblings_are_counted() -> None:
    assert line_content(answer(), siblings=(2, 3)).plain.endswith("◂ 2/3 ▸")


def test_only_a_calibrated_figure_is_judged_by_colour() -> None:
    colours = [colour_of(turn.assessment) for value in (0.1, 0.5, 0.9) if (turn := answer(value=value)).assessment]
    assert len(set(colours)) == 3
    sounds = [answer(value=value, kind="acceptance").assessment for value in (0.1, 0.9)]
    assert len({colour_of(assessment) for assessment in sounds if assessment}) == 1
