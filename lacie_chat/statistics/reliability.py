"""How often answers are right when they sound so, with how little a few of them prove.

The bins are those of a reliability diagram (DeGroot & Fienberg 1983); each share has its Wilson score interval (Wilson
1927), which stays inside 0 and 1 and holds its 95 % for small n, where the usual p ± 2 s does not (Brown, Cai &
DasGupta 2001).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lacie_chat.confidence import Calibrator
from lacie_chat.statistics.metrics import auroc, ece, reliability

FEW = 100
"""Answers under which five bins are drawn, not ten: finer ones would hold two or three answers each."""
_Z = 1.959963984540054  # the normal's 97.5 % point


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """`right` of `n` answers with acceptances in (low, high], `acceptance` on average; the interval of their share."""

    low: float
    high: float
    acceptance: float
    n: int
    right: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        return self.right / self.n

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "low": self.low,
            "high": self.high,
            "acceptance": self.acceptance,
            "n": self.n,
            "right": self.right,
            "share": self.share,
            "interval": list(self.interval),
        }


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share of `right` in `n`; (0, 1) where n is 0."""
    if not n:
        return 0.0, 1.0
    share, z2 = right / n, _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # at 0 and n an end is exactly 0 or 1, which rounding may miss
    return (0.0 if right == 0 else centre - half), (1.0 if right == n else centre + half)


def reliability_bins(
    acceptances: Sequence[float], correct: Sequence[bool], bins: int | None = None
) -> list[ReliabilityBin]:
    """The bins that hold answers, low ones first; `bins` equal ones from 0 to 1 (None: by the number of answers)."""
    bins = bins or (5 if len(acceptances) < FEW else 10)
    found = []
    for entry in reliability(np.asarray(acceptances, dtype=float), np.asarray(correct, dtype=bool), bins):
        n = int(entry["count"])
        right = round(entry["accuracy"] * n)
        found.append(
            ReliabilityBin(entry["low"], entry["high"], entry["probability"], n, right, wilson(right, n)),
        )
    return found


def summary(
    acceptances: Sequence[float], correct: Sequence[bool], calibrators: Mapping[str, Calibrator]
) -> dict[str, Any]:
    """`n`, `right`, `share` with its `interval`, `auroc` of the acceptance, and `ece` of the acceptance and of what
    each calibrator makes of it. Undefined figures are None."""
    x, y = np.asarray(acceptances, dtype=float), np.asarray(correct, dtype=bool)
    n, right = len(x), int(y.sum())
    told = {"acceptance": x} | {
        name: np.array([calibrator(float(value)) for value in x]) for name, calibrator in calibrators.items()
    }
    area = auroc(x, y)
    return {
        "n": n,
        "right": right,
        "share": right / n if n else None,
        "interval": list(wilson(right, n)),
        "auroc": None if math.isnan(area) else area,
        "ece": {name: ece(values, y) if n else None for name, values in told.items()},
    }
