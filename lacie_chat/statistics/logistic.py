"""Logistic regression by Newton's method, and what the fits of one and of two inputs share: targets, folds, loss."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lacie_chat.statistics.metrics import Bools, Floats

EDGE = 1e-6  # as Calibrator clips the acceptance


def smoothed_targets(correct: Bools) -> Floats:
    """Platt's targets: how surely an answer like this would be right again (1999, equation 12)."""
    right = int(correct.sum())
    wrong = len(correct) - right
    return np.where(correct, (right + 1) / (right + 2), 1 / (wrong + 2))


def newton(design: NDArray[np.float64], targets: Floats, start: NDArray[np.float64]) -> tuple[float, ...]:
    weights, loss = start, cross_entropy(design @ start, targets)
    for _ in range(100):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - targets)
        if np.abs(gradient).max() < 1e-9 * len(targets):
            break
        # A little on the diagonal keeps it solvable where the sigmoid has saturated.
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-12 * np.eye(len(start))
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-10:
            tried = weights - size * step
            new = cross_entropy(design @ tried, targets)
            if new < loss:
                weights, loss = tried, new
                break
            size /= 2
        else:
            break
    return tuple(float(weight) for weight in weights)


def log_loss(probability: Floats, correct: Bools) -> float:
    """Mean negative log likelihood in nats; probabilities are clipped to [1e-6, 1 - 1e-6]."""
    p = np.clip(probability, EDGE, 1 - EDGE)
    return float(-np.where(correct, np.log(p), np.log(1 - p)).mean())


def stratified(correct: Bools, folds: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each answer; right and wrong ones are each dealt out evenly."""
    place = np.zeros(len(correct), dtype=np.int64)
    dealt = 0
    for kind in (True, False):
        index = draw.permutation(np.flatnonzero(correct == kind))
        place[index] = (dealt + np.arange(len(index))) % folds  # goes on where the last kind ended: even folds
        dealt += len(index)
    return place


def arrays(acceptances: ArrayLike, correct: ArrayLike) -> tuple[Floats, Bools]:
    x, y = np.asarray(acceptances, dtype=float), np.asarray(correct, dtype=bool)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(f"acceptances and correct are two lists of one length, not {x.shape} and {y.shape}")
    if not bool(((x >= 0) & (x <= 1)).all()):
        raise ValueError("an acceptance lies between 0 and 1")
    return x, y


def logit(x: Floats) -> Floats:
    clipped = np.clip(x, EDGE, 1 - EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


def sigmoid(values: Floats) -> Floats:
    # By the sign, so that no exponential overflows.
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1 / (1 + small), small / (1 + small))


def cross_entropy(values: Floats, targets: Floats) -> float:
    """Of sigmoid(values); log(1 + exp(v)) - t v, without overflow."""
    return float((np.logaddexp(0.0, values) - targets * values).sum())
