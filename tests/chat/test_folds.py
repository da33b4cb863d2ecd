"""“Answer only if at least P”: which answers are folded."""

from typing import Any

import pytest

from lacie_chat.chat.folds import Folds, limit_text, next_step, why_folded
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Assessment, Span

TEXT = "It is the Danube."


def answer(
    acceptance: float | None, p_right: float | None = None, *, correct: bool | None = None, **other: Any
) -> Turn:
    facts: dict[str, Any] = {"state": "answered", "answer_span": Span("the Danube", 6, 16), **other}
    assessment = Assessment(
        question="Which river?", response=TEXT, masked_response=TEXT, acceptance=acceptance, p_right=p_right,
        hedges=(), boosters=(), **facts,
    )  # fmt: skip
    return Turn("assistant", TEXT, Turn("user", "Which river?", None), assessment=assessment, correct=correct)


@pytest.mark.parametrize(
    ("turn", "limit", "calibrated", "reason"),
    [
        (answer(0.9, 0.17), 0.5, True, "right about 1 in 6 (17\u00a0%), under your 50\u00a0%"),
        (answer(0.9, 0.17), 0.5, False, "right about 1 in 6 (17\u00a0%), under your 50\u00a0%"),
        (answer(0.9, 0.17), 0.17, True, None),
        (answer(0.9, 0.17), 0.0, True, None),
        (answer(0.1, 0.9), 0.5, True, None),
        (answer(0.9, 0.17, correct=True), 0.5, True, None),
        (answer(0.9, 0.17, correct=False), 0.5, True, "right about 1 in 6 (17\u00a0%), under your 50\u00a0%"),
        (answer(0.2), 0.5, True, None),
        (answer(0.2), 0.5, False, "sounds unsure, by its wording alone (no calibrator)"),
        (answer(0.9), 0.5, False, None),
        (answer(0.2, answer_span=None), 0.5, False, None),
        (answer(0.1, state="abstained", answer_span=None), 0.5, False, None),
        (answer(None), 0.5, False, None),
    ],
)
def test_what_is_folded_and_why(turn: Turn, limit: float, calibrated: bool, reason: str | None) -> None:
    assert why_folded(turn, limit, calibrated=calibrated) == reason


def test_what_is_not_finished_or_not_assessed_or_a_question_is_never_folded() -> None:
    turn = answer(0.9, 0.1)
    turn.phase = "listening"
    unknown = Turn("assistant", TEXT, None)
    assert turn.parent is not None
    for each in (turn, unknown, turn.parent):
        assert why_folded(each, 1.0, calibrated=True) is None


def test_what_was_opened_stays_open_also_when_its_conversation_is_opened_again() -> None:
    folds, turn, again = Folds(0.5, calibrated=True), answer(0.9, 0.1), answer(0.9, 0.1)
    turn.stored_id = again.stored_id = 7
    assert folds.folded(turn)
    folds.open(turn)
    assert not folds.folded(turn) and not folds.folded(again) and folds.is_open(again)
    folds.close(again)
    assert folds.folded(turn)
    unsaved, other = answer(0.9, 0.1), answer(0.9, 0.1)
    folds.open(unsaved)
    assert not folds.folded(unsaved) and folds.folded(other)


def test_the_key_goes_round() -> None:
    steps = [0.0]
    for _ in range(4):
        steps.append(next_step(steps[-1]))
    assert steps == [0.0, 0.25, 0.5, 0.75, 0.0]
    assert (next_step(0.6), next_step(0.9)) == (0.75, 0.0)
    assert (limit_text(0.5), limit_text(0.0)) == ("folds under 50\u00a0%", "")
