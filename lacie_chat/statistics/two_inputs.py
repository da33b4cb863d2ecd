"""A calibrator's second form: P(correct) from acceptance and agreement, where further samples were drawn.

sigmoid(a * logit(acceptance) + c * agreement + b), by least cross entropy on Platt's smoothed targets, as the one-input
form in fitting.py. It is kept only if it beats a one-input Platt map on held-out answers: the same answers, the same
folds. a and c are never negative (surer, or more agreed on, never gives the lower figure): where the best would be,
the best on the boundary is taken.
"""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lacie_chat.confidence import Calibrator
from lacie_chat.statistics.fitting import FOLDS, MINIMUM, REPEATS, FittingError, fit_platt
from lacie_chat.statistics.logistic import (
    EDGE,
    arrays,
    cross_entropy,
    log_loss,
    logit,
    newton,
    sigmoid,
    smoothed_targets,
    stratified,
)
from lacie_chat.statistics.metrics import Floats


@dataclass(frozen=True, slots=True)
class TwoInputReport:
    """`calibrator` has the second form if `log_loss` (held out, over `n` answers with agreement) says that it helps."""

    calibrator: Calibrator
    n: int
    log_loss: dict[str, float]

    @property
    def helps(self) -> bool:
        """Does agreement say something that acceptance doesn't?"""
        return self.calibrator.agreement_parameters is not None

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {"n": self.n, "log_loss": self.log_loss, "helps": self.helps}


def fit_platt_two(
    acceptances: ArrayLike, agreements: ArrayLike, correct: ArrayLike, *, smoothing: bool = True
) -> tuple[float, float, float]:
    """(a, c, b), a and c >= 0. Both inputs 0 to 1, all three of one length; ValueError otherwise.

    The problem is convex, so its constrained best lies on one of four faces: both slopes free, one, or none.
    """
    x, y = arrays(acceptances, correct)
    z, _ = arrays(agreements, correct)
    targets = smoothed_targets(y) if smoothing else y.astype(float)
    share = float(np.clip(targets.mean(), EDGE, 1 - EDGE))
    columns = [logit(x), z]
    offset = float(np.log(share / (1 - share)))
    best, best_loss = (0.0, 0.0, offset), cross_entropy(np.full(len(y), offset), targets)
    for free in product((False, True), repeat=2):
        used = [index for index in (0, 1) if free[index] and np.ptp(columns[index]) > 0]
        if not used:
            continue
        design = np.stack([*(columns[index] for index in used), np.ones_like(x)], axis=1)
        *slopes, b = newton(design, targets, np.array([0.0] * len(used) + [offset]))
        loss = cross_entropy(design @ np.array([*slopes, b]), targets)
        if min(slopes) >= 0 and loss < best_loss:
            found = dict(zip(used, slopes, strict=True))
            best, best_loss = (found.get(0, 0.0), found.get(1, 0.0), b), loss
    return best


def add_agreement(
    calibrator: Calibrator,
    acceptances: ArrayLike,
    agreements: ArrayLike,
    correct: ArrayLike,
    *,
    minimum: int = MINIMUM,
    seed: int = 0,
) -> TwoInputReport:
    """`calibrator` with a second form fitted on these answers, or without it where it doesn't help.

    Raises FittingError, one line, for fewer than `minimum` answers, or fewer than two right or two wrong ones.
    """
    x, y = arrays(acceptances, correct)
    z, _ = arrays(agreements, correct)
    n, rarer = len(y), int(min(y.sum(), (~y).sum()))
    if n < minimum:
        raise FittingError(f"{n} answers have an agreement: at least {minimum} are needed to fit on it")
    if rarer < 2:
        raise FittingError(f"of {n} answers with an agreement at least 2 must be right and 2 wrong to fit on it")
    folds = min(FOLDS, rarer)
    losses = {"one_input": 0.0, "two_inputs": 0.0}
    for repeat in range(REPEATS):
        place = stratified(y, folds, np.random.default_rng([seed, repeat]))
        one, two = np.zeros(n), np.zeros(n)
        for fold in range(folds):
            inside = place == fold
            a, b = fit_platt(x[~inside], y[~inside])
            one[inside] = sigmoid(a * logit(x[inside]) + b)
            two[inside] = _predict(fit_platt_two(x[~inside], z[~inside], y[~inside]), x[inside], z[inside])
        losses["one_input"] += log_loss(one, y) / REPEATS
        losses["two_inputs"] += log_loss(two, y) / REPEATS
    parameters = fit_platt_two(x, z, y)
    helps = losses["two_inputs"] < losses["one_input"] and parameters[1] > 0
    return TwoInputReport(replace(calibrator, agreement_parameters=parameters if helps else None), n, losses)


def _predict(parameters: tuple[float, float, float], x: Floats, z: Floats) -> Floats:
    a, c, b = parameters
    return sigmoid(a * logit(x) + c * z + b)
