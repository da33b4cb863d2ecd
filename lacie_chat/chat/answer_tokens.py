"""The tokens of an answer, each with what else could have stood at its place; and how the store keeps them.

The engine gives probabilities and alternatives as two lists of equal length: the first is what the assessment reads,
the second only who wants to look. Here they are one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from lacie_chat.confidence.signals import TokenProbability
from lacie_chat.engine.events import Alternatives

DIGITS = 4
"""Of a stored log-probability."""


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """One token: its characters of the answer (end exclusive), how probable it was, and the rest as in Alternatives."""

    start: int
    end: int
    logprob: float
    text: str
    likeliest: tuple[tuple[str, float], ...]
    drawn: int | None

    @property
    def probability(self) -> float:
        return exp(self.logprob)


def answer_tokens(
    text: str, tokens: Sequence[TokenProbability], alternatives: Sequence[Alternatives]
) -> list[AnswerToken]:
    """The tokens that wrote `text`; without alternatives where none are known."""
    known = (
        alternatives if len(alternatives) == len(tokens) else [Alternatives(text[s:e], (), None) for s, e, _ in tokens]
    )
    return [AnswerToken(*place, *others) for place, others in zip(tokens, known, strict=True)]


def to_rows(tokens: Sequence[TokenProbability], alternatives: Sequence[Alternatives]) -> list[list[Any]]:
    """As JSON has them, one row a token: start, end, log-probability; its text, which of the likeliest it is, and those
    as pairs."""
    rows: list[list[Any]] = [[start, end, round(logprob, DIGITS)] for start, end, logprob in tokens]
    if len(alternatives) == len(tokens):
        for row, (text, likeliest, drawn) in zip(rows, alternatives, strict=True):
            row += [text, drawn, [[other, round(logprob, DIGITS)] for other, logprob in likeliest]]
    return rows


def from_rows(rows: Iterable[Sequence[Any]]) -> tuple[tuple[TokenProbability, ...], tuple[Alternatives, ...]]:
    """Read back what `to_rows` wrote."""
    rows = list(rows)
    tokens = tuple((start, end, logprob) for start, end, logprob, *_ in rows)
    alternatives = tuple(
        Alternatives(text, tuple((other, logprob) for other, logprob in likeliest), drawn)
        for _, _, _, text, drawn, likeliest in (row for row in rows if len(row) > 3)
    )
    return tokens, alternatives
