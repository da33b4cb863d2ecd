"""What differs between two sides that answer one question; always read as: the right one, against the left one.

A shift of acceptance under DEADBAND is no difference: it is the margin under which the method drops a pair of samples
as sounding alike (METHOD: 0.1), and several times what a quantised model's arithmetic moves a figure by. A side that
declines or claims nothing has no acceptance to compare; that it declines is the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lacie_chat.comparison.side_summary import SideSummary, summarise_side
from lacie_chat.confidence import Assessment, right_percent
from lacie_chat.confidence.same_answer import same_answer

DEADBAND = 0.1
"""The smallest shift of acceptance that is called surer or less sure."""

_LONGEST_ANSWER = 40
_EPSILON = 1e-9  # a shift from 0.5 to 0.6 is no less than 0.1

Sounds = Literal["surer", "less sure", "alike"]
Declined = Literal["left", "right", "both"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The right side against the left one.

    `sounds` and the shifts (right minus left, of means) are None unless both sides answer; `p_right_shift` also where
    a side has no P(right): it is never held against the other's acceptance. `changed_answer` is None where a side has
    no answer span. `same_text`: every sample reads the same on both sides.
    """

    sounds: Sounds | None
    acceptance_shift: float | None
    p_right_shift: float | None
    declined: Declined | None
    changed_answer: bool | None
    same_text: bool
    left: SideSummary
    right: SideSummary

    def to_dict(self) -> dict[str, Any]:
        return {
            "summary": self.summary(),
            "sounds": self.sounds,
            "acceptance_shift": self.acceptance_shift,
            "p_right_shift": self.p_right_shift,
            "declined": self.declined,
            "changed_answer": self.changed_answer,
            "same_text": self.same_text,
            "left": self.left.to_dict(),
            "right": self.right.to_dict(),
        }

    def summary(self, left: str = "left", right: str = "right") -> str:
        """One line for people; `left` and `right` name the sides. The names and answers are shown as they are."""
        if self.same_text:
            return "the same text on both sides"
        parts = [self._sound(left, right), self._answer(left, right), self._stability(left, right)]
        return "; ".join(part for part in parts if part)

    def _sound(self, left: str, right: str) -> str:
        states = {left: self.left, right: self.right}
        if self.declined == "both":
            return "both decline"
        if self.declined is not None:
            name = left if self.declined == "left" else right
            return f"{name} declines to answer"
        claimless = [name for name, side in states.items() if side.state == "no_claim"]
        if claimless:
            return "neither makes a claim" if len(claimless) == 2 else f"{claimless[0]} makes no claim"
        if self.sounds is None:
            return ""
        figures = f"acceptance {_plain(self.left.acceptance)} → {_plain(self.right.acceptance)}"
        if self.p_right_shift is not None:
            figures += f", P(right) {_chance(self.left.p_right)} → {_chance(self.right.p_right)}"
        if self.sounds == "alike":
            return f"both sound alike ({figures})"
        return f"{right} sounds {self.sounds} than {left} ({figures})"

    def _answer(self, left: str, right: str) -> str:
        before, after = _short(self.left.answer), _short(self.right.answer)
        if self.changed_answer:
            return f"changed answer: {before} → {after}"
        if self.changed_answer is not None:
            return f"same answer: {after}"
        if before or after:
            return f"{left if before else right} says {before or after}"
        return ""

    def _stability(self, left: str, right: str) -> str:
        if self.left.n == self.right.n == 1:
            return ""
        counts = [
            f"{name} {side.answer_count} of {side.n}"
            for name, side in ((left, self.left), (right, self.right))
            if side.answer is not None
        ]
        return "agreement of samples: " + ", ".join(counts) if counts else ""


def compare_assessments(left: Assessment, right: Assessment) -> Difference:
    """The difference of two answers to one question."""
    return compare_samples([left], [right])


def compare_samples(left: Sequence[Assessment], right: Sequence[Assessment]) -> Difference:
    """The difference of two sides with one or several samples each. Raises ValueError for a side without any."""
    before, after = summarise_side(left), summarise_side(right)
    both_answer = before.state == after.state == "answered"
    shift = _shift(before.acceptance, after.acceptance) if both_answer else None
    return Difference(
        sounds=None if shift is None else _sounds(shift),
        acceptance_shift=shift,
        p_right_shift=_shift(before.p_right, after.p_right) if both_answer else None,
        declined=_declined(before, after),
        changed_answer=(
            None if before.answer is None or after.answer is None else not same_answer(before.answer, after.answer)
        ),
        same_text=[sample.response for sample in left] == [sample.response for sample in right],
        left=before,
        right=after,
    )


def _shift(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _sounds(shift: float) -> Sounds:
    if abs(shift) < DEADBAND - _EPSILON:
        return "alike"
    return "surer" if shift > 0 else "less sure"


def _declined(before: SideSummary, after: SideSummary) -> Declined | None:
    sides = (before.state == "abstained", after.state == "abstained")
    names: dict[tuple[bool, bool], Declined] = {(True, False): "left", (False, True): "right", (True, True): "both"}
    return names.get(sides)


def _plain(value: float | None) -> str:
    """An acceptance: per cent are of P(right) alone."""
    return "?" if value is None else f"{value:.2f}"


def _chance(value: float | None) -> str:
    return "?" if value is None else right_percent(value)


def _short(answer: str | None) -> str:
    """An answer on one line, cut if it is long."""
    text = " ".join((answer or "").split())
    return text if len(text) <= _LONGEST_ANSWER else text[: _LONGEST_ANSWER - 1].rstrip() + "…"
