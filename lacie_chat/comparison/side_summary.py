"""What one side of a comparison says, over one sample or several: how sure it sounds, how likely it is right, which
answer, how stable.

Which answers are the same is confidence/same_answer.py's to say, as it is for the agreement of samples.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lacie_chat.confidence import Assessment, State, Verdict, tone, verdict_of
from lacie_chat.confidence.same_answer import commonest_answer, different_answers

_STATES: tuple[State, ...] = ("answered", "abstained", "no_claim")  # of equally common ones the first counts


@dataclass(frozen=True, slots=True)
class SideSummary:
    """One side's samples. Shares are of all `n` samples; acceptance is of those that answered.

    `state`, `tone` and `answer` are the commonest; `answer` is None where no sample has an answer span.
    `agreement` is the share of samples that give `answer`, `tone_agreement` the share that sound like `tone`.
    `low` and `high` are the extremes of the acceptance. `p_right` is the mean over the samples with an answer that can
    be right or wrong; None where one of those has no P(right).
    """

    n: int
    state: State
    tone: str
    tone_agreement: float
    declined: int
    answer: str | None
    answer_count: int
    answers: int
    acceptance: float | None
    low: float | None
    high: float | None
    p_right: float | None
    hedges: int
    boosters: int

    @property
    def agreement(self) -> float | None:
        """The share of all samples that give the commonest answer."""
        return self.answer_count / self.n if self.answer is not None else None

    @property
    def verdict(self) -> Verdict | None:
        """The two means held together."""
        return verdict_of(self.acceptance, self.p_right)

    @property
    def spread(self) -> float | None:
        """The range of the acceptance over the samples, 0 to 1."""
        return None if self.low is None or self.high is None else self.high - self.low

    def to_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "state": self.state,
            "declined": self.declined,
            "answer": self.answer,
            "different_answers": self.answers,
            "agreement": self.agreement,
            "tone": self.tone,
            "tone_agreement": self.tone_agreement,
            "acceptance": self.acceptance,
            "acceptance_low": self.low,
            "acceptance_high": self.high,
            "acceptance_spread": self.spread,
            "p_right": self.p_right,
            "verdict": self.verdict,
            "hedges": self.hedges,
            "boosters": self.boosters,
        }


def summarise_side(samples: Sequence[Assessment]) -> SideSummary:
    """Sum up the samples of one side. Raises ValueError for none."""
    if not samples:
        raise ValueError("a side of a comparison needs at least one sample")
    states = Counter(sample.state for sample in samples)
    tones = Counter(tone(sample) for sample in samples)
    common_tone, tone_count = tones.most_common(1)[0]
    spans = [sample.answer_span.text for sample in samples if sample.answer_span is not None]
    answer, count = commonest_answer(spans) if spans else (None, 0)
    answered = [sample for sample in samples if sample.state == "answered"]
    acceptances = [sample.acceptance for sample in answered if sample.acceptance is not None]
    checkable = [sample.p_right for sample in answered if sample.answer_span is not None]
    likely = [p_right for p_right in checkable if p_right is not None]
    return SideSummary(
        n=len(samples),
        state=max(_STATES, key=lambda state: states[state]),
        tone=common_tone,
        tone_agreement=tone_count / len(samples),
        declined=states["abstained"],
        answer=answer,
        answer_count=count,
        answers=different_answers(spans),
        acceptance=_mean(acceptances),
        low=min(acceptances, default=None),
        high=max(acceptances, default=None),
        p_right=_mean(likely) if len(likely) == len(checkable) else None,
        hedges=sum(len(sample.hedges) for sample in samples),
        boosters=sum(len(sample.boosters) for sample in samples),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
