"""From answers that are known to be right or wrong to a calibrator: Platt's sigmoid or isotonic regression.

Both are fitted on Platt's smoothed targets (Platt 1999): of N+ right and N- wrong answers a right one counts as
(N+ + 1) / (N+ + 2) and a wrong one as 1 / (N- + 2). A handful of right answers (a small model has 5 in 100) then never
makes a calibrator say 0 or 100 %, which no finite number of answers can show.

Which of the two it is, is decided by held-out log loss: each answer is judged by fits that didn't see it (stratified
k-fold, repeated, since with few answers one cut into folds is luck). The figures "after" are held out in the same way;
a fit judged on its own answers looks better than it is. The share of right answers alone, said of every answer, is
measured beside them: a calibrator that does no better has found nothing in the wording.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, WayOfDrawing
from lacie_chat.confidence.calibrator import CalibratorKind
from lacie_chat.errors import LacieError
from lacie_chat.statistics.logistic import (
    EDGE,
    arrays,
    log_loss,
    logit,
    newton,
    sigmoid,
    smoothed_targets,
    stratified,
)
from lacie_chat.statistics.metrics import Bools, Floats, ece

MINIMUM = 50
"""Answers under which nothing is fitted: the share of right ones is then known to no better than ± 14 %."""
FOLDS = 5
REPEATS = 5
_TIE = 1e-9  # nats; a smaller difference is rounding

Predict = Callable[[Floats], Floats]


class FittingError(LacieError):
    """These answers fit no calibrator; one line says why."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """A calibrator and what is known of it: `right` of `n` answers are right.

    `log_loss` has `before` (the bare acceptance), `platt`, `isotonic` and `share` (the share of right answers, said of
    all); `ece` has `before` and `after`. All but `before` are held out, over `folds` folds.
    """

    calibrator: Calibrator
    n: int
    right: int
    folds: int
    log_loss: dict[str, float]
    ece: dict[str, float]

    @property
    def method(self) -> CalibratorKind:
        """`platt` or `isotonic`: the one with the lower held-out log loss."""
        return self.calibrator.kind

    @property
    def log_loss_after(self) -> float:
        return self.log_loss[self.method]

    @property
    def tells_apart(self) -> bool:
        """Does it say more than the share of right answers does?"""
        return self.log_loss_after < self.log_loss["share"] - _TIE

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "method": self.method,
            "n": self.n,
            "right": self.right,
            "folds": self.folds,
            "log_loss": {**self.log_loss, "after": self.log_loss_after},
            "ece": self.ece,
            "calibrator": self.calibrator.to_dict(),
        }


def fit_platt(acceptances: ArrayLike, correct: ArrayLike, *, smoothing: bool = True) -> tuple[float, float]:
    """(a, b) of sigmoid(a * logit(acceptance) + b) with the least cross entropy, a >= 0.

    By Newton's method with step halving (Lin, Lin & Weng 2007). Where the best slope is negative (the surer it sounds,
    the more often it is wrong), the best that a calibrator may say is the same of all answers: a = 0.
    """
    x, y = arrays(acceptances, correct)
    targets = smoothed_targets(y) if smoothing else y.astype(float)
    design = np.stack([logit(x), np.ones_like(x)], axis=1)
    share = float(np.clip(targets.mean(), EDGE, 1 - EDGE))
    start = np.array([0.0, np.log(share / (1 - share))])
    if np.ptp(design[:, 0]) == 0:
        return float(start[0]), float(start[1])
    a, b = newton(design, targets, start)
    return (a, b) if a >= 0 else (float(start[0]), float(start[1]))


def fit_isotonic(
    acceptances: ArrayLike, correct: ArrayLike, *, smoothing: bool = True
) -> tuple[tuple[float, float], ...]:
    """Breakpoints ((x, y), …) of the non-decreasing function nearest to the targets, for `Calibrator(points=…)`.

    Pool adjacent violators (Ayer et al. 1955); answers of equal acceptance are one point. The y are those of
    scikit-learn's `IsotonicRegression`, drawn in from 0 and 1 by the smoothing.
    """
    x, y = arrays(acceptances, correct)
    targets = smoothed_targets(y) if smoothing else y.astype(float)
    xs, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=targets) / counts
    blocks: list[tuple[float, int, int, int]] = []  # value, weight, first and last index into xs
    for index in range(len(xs)):
        value, weight, first = float(means[index]), int(counts[index]), index
        while blocks and blocks[-1][0] >= value:
            before, more, first, _ = blocks.pop()
            value = (before * more + value * weight) / (more + weight)
            weight += more
        blocks.append((value, weight, first, index))
    points: list[tuple[float, float]] = []
    for value, _, first, last in blocks:
        level = min(max(value, 0.0), 1.0)
        points += [(float(xs[end]), level) for end in dict.fromkeys((first, last))]
    return tuple(points)


def fit_calibrator(
    acceptances: ArrayLike,
    correct: ArrayLike,
    *,
    model_fingerprint: str,
    source: str,
    sampling: WayOfDrawing,
    version: str = ASSESSMENT_VERSION,
    minimum: int = MINIMUM,
    seed: int = 0,
) -> FitReport:
    """The better of Platt and isotonic for these answers (which all claim something; abstentions are left out before).

    `acceptances` 0 to 1 and `correct`, of one length, of answers that were drawn as `sampling` says and heard by
    `version` of the assessment; `seed` cuts the folds. Raises FittingError, one line, for fewer than `minimum` answers,
    and where (nearly) all are right or all wrong: there is then nothing to tell apart.
    """
    x, y = arrays(acceptances, correct)
    n, right = len(x), int(y.sum())
    if n < minimum:
        raise FittingError(f"{n} answers are too few to fit a calibrator: at least {minimum} are needed")
    if right in (0, n):
        which = "right" if right else "wrong"
        raise FittingError(f"all {n} answers are {which}: there is nothing to tell apart; try other questions")
    if min(right, n - right) < 2:
        which = "right" if right == 1 else "wrong"
        raise FittingError(f"only one of the {n} answers is {which}: at least 2 right and 2 wrong ones are needed")
    folds = min(FOLDS, right, n - right)
    held_out = {name: np.zeros(n) for name in ("platt", "isotonic", "share")}
    losses = dict.fromkeys(held_out, 0.0)
    errors = dict.fromkeys(held_out, 0.0)
    for repeat in range(REPEATS):
        place = stratified(y, folds, np.random.default_rng([seed, repeat]))
        for fold in range(folds):
            inside = place == fold
            for name, predict in _fits(x[~inside], y[~inside]).items():
                held_out[name][inside] = predict(x[inside])
        for name, predicted in held_out.items():
            losses[name] += log_loss(predicted, y) / REPEATS
            errors[name] += ece(predicted, y) / REPEATS
    kind: CalibratorKind = "platt" if losses["platt"] <= losses["isotonic"] + _TIE else "isotonic"
    calibrator = Calibrator(
        kind=kind,
        n=n,
        source=source,
        model_fingerprint=model_fingerprint,
        assessment_version=version,
        sampling=sampling,
        parameters=fit_platt(x, y) if kind == "platt" else None,
        points=fit_isotonic(x, y) if kind == "isotonic" else None,
    )
    return FitReport(
        calibrator=calibrator,
        n=n,
        right=right,
        folds=folds,
        log_loss={"before": log_loss(x, y), **losses},
        ece={"before": ece(x, y), "after": errors[kind]},
    )


def _fits(x: Floats, y: Bools) -> dict[str, Predict]:
    a, b = fit_platt(x, y)
    xs, ys = np.array(fit_isotonic(x, y)).T
    share = float(smoothed_targets(y).mean())
    return {
        "platt": lambda new: sigmoid(a * logit(new) + b),
        "isotonic": lambda new: np.interp(new, xs, ys),
        "share": lambda new: np.full(len(new), share),
    }


def examples(calibrator: Calibrator, at: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9)) -> list[tuple[float, float]]:
    """A few acceptances with the confidence that the calibrator makes of them."""
    return [(x, calibrator(x)) for x in at]
