"""What is known of an answer without the truth: what a calibrator makes P(right) of, and what the details show.

Acceptance knows the wording alone. How probable the tokens of the answer span were to the speaker itself tells right
from wrong better than any wording does (AUROC .82 against .68 on 350 trivia questions that nobody tuned on), and the
engine has it anyhow. Signals are kept with an answer, so that a calibrator can be fitted on them later. Of each of
them more means surer: none may ever lower P(right) by rising.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TokenProbability = tuple[int, int, float]
"""A token of a response: the first and last character (exclusive) that it helped to write, and its log-probability
(natural log, of the speaker's plain softmax). Tokens of one character overlap; a word piece across a span's border
counts as the span's."""

ACCEPTANCE, SPAN_SUM, SPAN_LOWEST, SPAN_FIRST, MEAN, AGREEMENT = (
    "acceptance", "span_sum", "span_lowest", "span_first", "mean", "agreement",
)  # fmt: skip

FREE = (ACCEPTANCE, SPAN_SUM, SPAN_LOWEST, SPAN_FIRST, MEAN)
"""The signals that every answer of ours has at no cost."""

MEANINGS: Mapping[str, str] = {
    ACCEPTANCE: "how sure its wording sounds to a reader",
    SPAN_SUM: "how probable the model found the words of the answer, all together",
    SPAN_LOWEST: "how probable it found the least probable piece of the answer",
    SPAN_FIRST: "how probable it found the first piece of the answer",
    MEAN: "how probable it found what it said on the whole, a piece on average",
    AGREEMENT: "how many of its further samples give the same answer",
}
"""Every signal that a calibrator may use, and what it is, for people."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Log-probabilities, all of them 0 or less. `span_*`: of the tokens that wrote the answer span, None without one;
    `mean`: of all tokens of the response; `span_tokens`, `tokens`: how many those are.
    """

    span_sum: float | None
    span_lowest: float | None
    span_first: float | None
    span_tokens: int
    mean: float
    tokens: int

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Signals":
        """Read back what `to_dict` wrote."""
        return cls(**{name: data[name] for name in cls.__slots__})


def signals_of(tokens: Sequence[TokenProbability], span: tuple[int, int] | None) -> Signals | None:
    """The signals of a response whose answer stands at `span` (characters, end exclusive); None where its tokens
    aren't known."""
    if not tokens:
        return None
    inside = [logprob for start, end, logprob in tokens if span and start < span[1] and span[0] < end]
    return Signals(
        span_sum=sum(inside) if inside else None,
        span_lowest=min(inside, default=None),
        span_first=inside[0] if inside else None,
        span_tokens=len(inside),
        mean=sum(logprob for *_, logprob in tokens) / len(tokens),
        tokens=len(tokens),
    )


def signal_values(row: Mapping[str, Any]) -> dict[str, float]:
    """The signals by name that are known of an answer, from what `Assessment.to_dict` wrote of it. Empty for one that
    gives no answer to be right or wrong: an abstention, no claim, no answer span.
    """
    if row["state"] != "answered" or row.get("acceptance") is None or not row.get("answer_span"):
        return {}
    own, agreement = row.get("signals") or {}, row.get("agreement") or {}
    found = {ACCEPTANCE: row["acceptance"], AGREEMENT: agreement.get("value")}
    found |= {name: own.get(name) for name in (SPAN_SUM, SPAN_LOWEST, SPAN_FIRST, MEAN)}
    return {name: float(value) for name, value in found.items() if value is not None}
