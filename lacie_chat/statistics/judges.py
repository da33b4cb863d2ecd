"""How far judges agree: with each other (Krippendorff's alpha), and with a score (correlations).

Alpha is 1 where all say the same, 0 for what chance would give, below 0 for less than that. It takes any number of
judges and leaves out what a judge didn't judge (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, whose
worked examples are in the tests). A coefficient that isn't defined (no pairs, no variation) is NaN.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Level = Literal["nominal", "ordinal", "interval"]
Array = NDArray[np.float64]


def krippendorff_alpha(units: Sequence[Sequence[float]], level: Level = "nominal") -> float:
    """Alpha over units, each the list of the values that its judges gave (in any order, missing ones left out)."""
    counts, values = tally(units)
    return alpha_of_counts(counts, values, level)


def tally(units: Sequence[Sequence[float]]) -> tuple[Array, Array]:
    """How often each unit got each value: counts of shape (units, values), and the values, ascending."""
    values = np.array(sorted({value for unit in units for value in unit}), dtype=np.float64)
    counts = np.zeros((len(units), len(values)))
    for row, unit in enumerate(units):
        for value in unit:
            counts[row, np.searchsorted(values, value)] += 1
    return counts, values


def alpha_of_counts(counts: Array, values: Array, level: Level = "nominal") -> float:
    """Alpha from what `tally` gives; units judged by fewer than two say nothing and are passed over."""
    judged = counts.sum(axis=1)
    pairable, judged = counts[judged > 1], judged[judged > 1]
    if not len(pairable):
        return float("nan")
    weights = 1 / (judged - 1)
    coincidences = (pairable * weights[:, None]).T @ pairable - np.diag((pairable * weights[:, None]).sum(axis=0))
    totals = coincidences.sum(axis=0)
    n = totals.sum()
    distance = _distances(values, totals, level)
    expected = float((np.outer(totals, totals) * distance).sum()) / float(n - 1)
    if expected == 0:
        return float("nan")
    observed = float((coincidences * distance).sum())
    return 1 - observed / expected


def _distances(values: Array, totals: Array, level: Level) -> Array:
    """Squared differences between values, as the level of measurement has them."""
    if level == "nominal":
        return 1 - np.eye(len(values))
    if level == "interval":
        return np.asarray(np.subtract.outer(values, values) ** 2)
    # ordinal: how many judgements lie from one value to the other, those two counted half
    middles = np.cumsum(totals) - totals / 2
    return np.asarray(np.subtract.outer(middles, middles) ** 2)


def pearson(one: ArrayLike, other: ArrayLike) -> float:
    """Pearson's r. With one yes-or-no series it is the point-biserial correlation, with two it is phi."""
    left, right = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if left.shape != right.shape:
        raise ValueError(f"a correlation needs as many of one as of the other, not {left.size} and {right.size}")
    if len(left) < 2:
        return float("nan")
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum()) / scale if scale > 0 else float("nan")


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Spearman's rho: Pearson's r of the ranks, ties sharing the mean of theirs."""
    return pearson(ranks(one), ranks(other))


def ranks(values: ArrayLike) -> Array:
    """Ranks from 1 on, ties sharing the mean of theirs."""
    _, inverse, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)
