"""Two sides on the same questions: tests and intervals that use the pairing.

A difference between two sides is far less uncertain than the two figures it is of, since hard questions are hard for
both. So differences get intervals of their own: the questions are drawn again with replacement, the same for both
sides, and the figures are taken anew (paired percentile bootstrap, 95 %). For yes-or-no outcomes there is McNemar's
test (Psychometrika 12, 1947): only the questions on which the sides disagree say anything.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lacie_chat.statistics.metrics import Bools, Scored, bootstrap_intervals, none_if_nan, probability_figures

Measure = Callable[[Scored], dict[str, float]]


@dataclass(frozen=True, slots=True)
class McNemar:
    """`only_left`, `only_right`: pairs where the outcome is true on that side alone.

    `p` is the exact two-sided p (binomial with 1/2); `chi_square` has Edwards' continuity correction, one degree of
    freedom, and `chi_square_p` is its p. The exact one is to be quoted; the other is what many papers give.
    """

    only_left: int
    only_right: int
    p: float
    chi_square: float
    chi_square_p: float

    def to_dict(self) -> dict[str, float | int]:
        return {
            "only_left": self.only_left,
            "only_right": self.only_right,
            "p": self.p,
            "chi_square": self.chi_square,
            "chi_square_p": self.chi_square_p,
        }


def mcnemar(only_left: int, only_right: int) -> McNemar:
    """McNemar's test from the two counts of disagreement. Raises ValueError for a negative one."""
    if only_left < 0 or only_right < 0:
        raise ValueError("counts of pairs can't be negative")
    n = only_left + only_right
    term = tail = 1  # binomial coefficients, in whole numbers: exact for any n
    for k in range(min(only_left, only_right)):
        term = term * (n - k) // (k + 1)
        tail += term
    chi_square = max(abs(only_left - only_right) - 1, 0) ** 2 / n if n else 0.0
    return McNemar(
        only_left,
        only_right,
        p=min(1.0, 2 * tail / 2**n),
        chi_square=chi_square,
        chi_square_p=math.erfc(math.sqrt(chi_square / 2)),
    )


def mcnemar_of(left: Bools | Sequence[bool], right: Bools | Sequence[bool]) -> McNemar:
    """The same from the outcomes, pair by pair. Raises ValueError if the sides are of different length."""
    before, after = np.asarray(left, dtype=bool), np.asarray(right, dtype=bool)
    if before.shape != after.shape:
        raise ValueError(f"paired outcomes must be of one length, not {before.size} and {after.size}")
    return mcnemar(int((before & ~after).sum()), int((~before & after).sum()))


def paired_bootstrap(
    left: Scored, right: Scored, measure: Measure, *, repeats: int = 1000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """For each figure that `measure` gives: `left`, `right`, `difference` (right minus left) and its `interval`.

    Row i of both sides must be one question. A figure that isn't defined (NaN) is None, and so is a difference with
    it; an interval is None where fewer than half of the resamples define the difference. Raises ValueError if the
    sides are of different length.
    """
    if len(left) != len(right):
        raise ValueError(f"paired sides must be of one length, not {len(left)} and {len(right)}")
    before, after = measure(left), measure(right)
    draws = np.random.default_rng(seed)
    differences: dict[str, list[float]] = {key: [] for key in before}
    for _ in range(repeats if len(left) else 0):
        index = draws.integers(0, len(left), len(left))
        one, other = measure(left.take(index)), measure(right.take(index))
        for key, values in differences.items():
            values.append(other[key] - one[key])
    return {
        key: {
            "left": none_if_nan(before[key]),
            "right": none_if_nan(after[key]),
            "difference": none_if_nan(after[key] - before[key]),
            "interval": _interval(values),
        }
        for key, values in differences.items()
    }


def paired_figures(
    left: Scored, right: Scored, *, bins: int = 9, repeats: int = 1000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """The figures of acceptance, or of P(right), on both sides (FIGURES of metrics.py): as `paired_bootstrap` gives
    them, and each side's own interval as `left_interval` and `right_interval`."""

    def measure(part: Scored) -> dict[str, float]:
        return probability_figures(part.acceptance, part.correct, bins)

    found = paired_bootstrap(left, right, measure, repeats=repeats, seed=seed)
    for side, scored in (("left", left), ("right", right)):
        intervals = bootstrap_intervals(scored, measure, repeats, seed)
        for key, entry in found.items():
            entry[f"{side}_interval"] = intervals.get(key)
    return found


def _interval(values: Sequence[float]) -> list[float] | None:
    array = np.array(values, dtype=float)
    defined = array[~np.isnan(array)]
    if not len(array) or len(defined) < len(array) / 2:
        return None
    return [float(edge) for edge in np.quantile(defined, [0.025, 0.975])]


def acceptance_by_truth(scored: Scored) -> dict[str, float]:
    """Mean acceptance of the right answers, of the wrong ones, and how far they are apart; abstentions left out."""
    answered = scored.take(~scored.abstained)
    right = _mean(answered.acceptance[answered.correct])
    wrong = _mean(answered.acceptance[~answered.correct])
    return {"acceptance_correct": right, "acceptance_wrong": wrong, "acceptance_gap": right - wrong}


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(values.mean()) if len(values) else float("nan")
