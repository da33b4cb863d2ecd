"""What a figure said of answers, and how often they were right: bins, with how little a few answers prove.

The bins are those of a reliability diagram (DeGroot & Fienberg 1983); each share has its Wilson score interval (Wilson
1927), which stays inside 0 and 1 and holds its 95 % for small n, where the usual p ± 2 s does not (Brown, Cai &
DasGupta 2001). Acceptance and P(right) are binned and drawn alike, so that one picture shows how far each is from being
right as often as it says.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lacie_chat.confidence import Calibrator
from lacie_chat.statistics.metrics import auroc, ece, none_if_nan, reliability

Figure = Literal["acceptance", "shipped", "own"]
"""A figure that says something of an answer: how sure it sounds, and P(right) by the calibrator that came with the
model, and by the user's own."""
FIGURES: tuple[Figure, ...] = ("acceptance", "shipped", "own")

Said = Mapping[Figure, Sequence[float | None]]
"""What each figure says of each answer; None where it says nothing."""

FEW = 200
"""Answers under which five bins are drawn, not ten: finer ones would hold too few answers each to show anything."""
LEAST_TO_TELL = 20
"""Answers of which a sentence such as "when it says 70 % or more" speaks at least."""
_Z = 1.959963984540054  # the normal's 97.5 % point


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """`right` of `n` answers of which a figure said something in (low, high], on average `said`; the interval."""

    low: float
    high: float
    said: float
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
            "said": self.said,
            "n": self.n,
            "right": self.right,
            "share": self.share,
            "interval": list(self.interval),
        }


Bins = Mapping[Figure, Sequence[ReliabilityBin]]


@dataclass(frozen=True, slots=True)
class Telling:
    """Of `n` answers of which at least (or at most) `limit` was said, `right` were right."""

    at_least: bool
    limit: float
    n: int
    right: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {"at_least": self.at_least, "limit": self.limit, "n": self.n, "right": self.right}


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share of `right` in `n`; (0, 1) where n is 0."""
    if not n:
        return 0.0, 1.0
    share, z2 = right / n, _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # at 0 and n an end is exactly 0 or 1, which rounding may miss
    return (0.0 if right == 0 else centre - half), (1.0 if right == n else centre + half)


def said_of(
    acceptances: Sequence[float],
    signals: Sequence[Mapping[str, float]],
    calibrators: Mapping[Figure, Calibrator],
) -> dict[Figure, Sequence[float | None]]:
    """What the acceptance and each calibrator say of each answer."""
    said: dict[Figure, Sequence[float | None]] = {"acceptance": acceptances}
    for role, calibrator in calibrators.items():
        said[role] = [calibrator(each) for each in signals]
    return said


def reliability_bins(
    said: Sequence[float | None], correct: Sequence[bool], bins: int | None = None
) -> list[ReliabilityBin]:
    """The bins that hold answers, low ones first; `bins` equal ones from 0 to 1 (None: by the number of answers).
    Answers of which nothing is said are in none."""
    bins = bins or (5 if len(said) < FEW else 10)
    found = []
    for entry in reliability(*_known(said, correct), bins):
        n = int(entry["count"])
        right = round(entry["accuracy"] * n)
        found.append(
            ReliabilityBin(entry["low"], entry["high"], entry["probability"], n, right, wilson(right, n)),
        )
    return found


def all_bins(said: Said, correct: Sequence[bool]) -> dict[Figure, list[ReliabilityBin]]:
    """The bins of each figure that says something of some answer; all have the same edges."""
    found = {figure: reliability_bins(said[figure], correct) for figure in FIGURES if figure in said}
    return {figure: bins for figure, bins in found.items() if bins}


def summary(said: Said, correct: Sequence[bool]) -> dict[str, Any]:
    """`n`, `right`, `share` with its `interval`, and by figure `auroc` and `ece`, over the answers of which it says
    something. Undefined figures are None."""
    n, right = len(correct), sum(map(bool, correct))
    known = {figure: _known(values, correct) for figure, values in said.items()}
    return {
        "n": n,
        "right": right,
        "share": right / n if n else None,
        "interval": list(wilson(right, n)),
        "auroc": {figure: none_if_nan(auroc(x, y)) for figure, (x, y) in known.items()},
        "ece": {figure: none_if_nan(ece(x, y)) for figure, (x, y) in known.items()},
    }


def tellings(said: Sequence[float], correct: Sequence[bool]) -> list[Telling]:
    """The most that is said of enough answers, and the least, each with how many of them were right; the limits are
    whole tens of per cent. None of them where so many answers have neither."""
    x, y = _known(said, correct)
    found = []
    for at_least, tens in ((True, range(9, 4, -1)), (False, range(1, 5))):
        for ten in tens:
            inside = x >= ten / 10 if at_least else x <= ten / 10
            if inside.sum() >= LEAST_TO_TELL:
                found.append(Telling(at_least, ten / 10, int(inside.sum()), int(y[inside].sum())))
                break
    return found


def _known(said: Sequence[float | None], correct: Sequence[bool]) -> tuple[Any, Any]:
    pairs = [(value, right) for value, right in zip(said, correct, strict=True) if value is not None]
    return np.array([value for value, _ in pairs], dtype=float), np.array([right for _, right in pairs], dtype=bool)
