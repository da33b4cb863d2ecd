"""“Answer only if at least P”: which answers are folded away because they are too seldom right, and which were opened.

An answer is written as ever (nothing is known of it before it is finished) and folded once it is assessed. What counts
is P(right). Where this chat has no calibrator at all, the acceptance is held against the limit instead, and the reason
says so; where it has one, an answer without P(right) is left alone: a wording is not measured by the limit of another
figure. An answer with no span that could be right or wrong is never folded, nor is one that the user called right.
"""

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import percent, right_text, tone

OFF = 0.0
STEPS = (OFF, 0.25, 0.5, 0.75)
"""What a key goes round."""


def next_step(answer_from: float) -> float:
    """The next limit that the key sets; after the last one it is off."""
    return next((step for step in STEPS if step > answer_from), OFF)


def limit_text(answer_from: float) -> str:
    """`folds under 50 %`; empty where nothing is folded."""
    return f"folds under {percent(answer_from).strip()}" if answer_from else ""


def why_folded(turn: Turn, answer_from: float, *, calibrated: bool) -> str | None:
    """Why `turn` is to be folded, in a few words; None where it isn't. `calibrated`: this chat has a calibrator."""
    assessment = turn.assessment
    if turn.role != "assistant" or turn.phase != "done" or turn.correct or assessment is None:
        return None
    if assessment.state != "answered" or assessment.answer_span is None or assessment.acceptance is None:
        return None
    if assessment.p_right is not None:
        if assessment.p_right < answer_from:
            return f"{right_text(assessment.p_right)}, under your {percent(answer_from).strip()}"
    elif not calibrated and assessment.acceptance < answer_from:
        return f"{tone(assessment)}, by its wording alone (no calibrator)"
    return None


class Folds:
    """What is folded in one chat. Which answers were opened is remembered as long as the program runs, also when their
    conversation is left and opened again."""

    def __init__(self, answer_from: float = OFF, *, calibrated: bool) -> None:
        self.answer_from = answer_from
        self.calibrated = calibrated
        self._opened: set[int | Turn] = set()

    def reason(self, turn: Turn) -> str | None:
        """Why this answer is folded, or would be if it hadn't been opened."""
        return why_folded(turn, self.answer_from, calibrated=self.calibrated)

    def is_open(self, turn: Turn) -> bool:
        """Was it opened by the user?"""
        return turn in self._opened or turn.stored_id in self._opened

    def folded(self, turn: Turn) -> bool:
        """Is its text out of sight?"""
        return self.reason(turn) is not None and not self.is_open(turn)

    def open(self, turn: Turn) -> None:
        """Show it, whatever the limit is."""
        self._opened.add(turn if turn.stored_id is None else turn.stored_id)

    def close(self, turn: Turn) -> None:
        """Fold it again."""
        self._opened -= {turn, turn.stored_id}
