"""How well acceptance and P(right) tell right answers from wrong ones: numpy only, so that evaluating needs no torch.

A row has an acceptance (how sure it sounds), a correctness, and may be an abstention. With abstentions, an
abstention is a row that offers nothing to accept: it is rejected, its acceptance counts as 0 and it is never
correct. Without, it is left out. With P(right) it is the same: a row that gives no answer can't be right, and counts
as 0. Intervals are percentile bootstrap intervals over rows (Efron 1979), 95 %.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacie_chat.confidence import signal_values

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SCALARS = ("accuracy", "auroc", "ece", "brier", "precision", "recall", "f1")
COUNTS = ("true_accepts", "false_accepts", "true_rejects", "false_rejects")


@dataclass(frozen=True, slots=True)
class Scored:
    """Acceptance (or P(right) in its place) and correctness of n responses, and which of them abstained; arrays of one
    length."""

    acceptance: Floats
    correct: Bools
    abstained: Bools

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]]) -> "Scored":
        """From rows of `rows.jsonl`. A response that claims nothing has nothing to accept either."""
        abstained = np.array([row["state"] != "answered" for row in rows], dtype=bool)
        acceptance = np.array([row["acceptance"] or 0.0 for row in rows], dtype=float)
        correct = np.array([bool(row["correct"]) for row in rows], dtype=bool)
        return cls(np.where(abstained, 0.0, acceptance), correct & ~abstained, abstained)

    @classmethod
    def of_p_right(cls, rows: Sequence[Mapping[str, Any]]) -> "Scored":
        """The same with P(right) for the acceptance, from rows of which each is `settled`."""
        abstained = np.array([row["state"] != "answered" for row in rows], dtype=bool)
        given = np.array([row.get("p_right") is not None for row in rows], dtype=bool)
        p_right = np.array([row.get("p_right") or 0.0 for row in rows], dtype=float)
        correct = np.array([bool(row["correct"]) for row in rows], dtype=bool)
        return cls(p_right, correct & given, abstained)

    def __len__(self) -> int:
        return len(self.acceptance)

    def take(self, index: NDArray[np.int64] | Bools) -> "Scored":
        """Some of the rows, by index or mask."""
        return Scored(self.acceptance[index], self.correct[index], self.abstained[index])


def settled(row: Mapping[str, Any]) -> bool:
    """Has a row a P(right), or no answer to be right? Of the others too little is known to say anything."""
    return row.get("p_right") is not None or not signal_values(row)


def auroc(score: Floats, positive: Bools) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney); NaN if one class is missing."""
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def ece(probability: Floats, positive: Bools, bins: int = 9) -> float:
    """Expected calibration error over equal-width bins (Guo et al. 2017), weighted by the rows of a bin."""
    if not len(probability):
        return float("nan")
    return float(
        sum(
            entry["weight"] * abs(entry["probability"] - entry["accuracy"])
            for entry in reliability(probability, positive, bins)
        )
    )


def reliability(probability: Floats, positive: Bools, bins: int = 9) -> list[dict[str, float]]:
    """The non-empty bins: `low`, `high`, mean `probability`, `accuracy`, `count`, `weight` (share of the rows)."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.digitize(probability, edges[1:-1], right=True), 0, bins - 1)  # bins are (low, high]
    result = []
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        if count:
            result.append(
                {
                    "low": float(edges[index]),
                    "high": float(edges[index + 1]),
                    "probability": float(probability[inside].mean()),
                    "accuracy": float(positive[inside].mean()),
                    "count": count,
                    "weight": count / len(probability),
                }
            )
    return result


def point(scored: Scored, threshold: float, bins: int = 9) -> dict[str, float]:
    """All figures of one set of rows, without intervals. A rate over nothing is NaN."""
    accepted = (scored.acceptance >= threshold) & ~scored.abstained
    true_accepts = int((accepted & scored.correct).sum())
    false_accepts = int((accepted & ~scored.correct).sum())
    false_rejects = int((~accepted & scored.correct).sum())
    true_rejects = len(scored) - true_accepts - false_accepts - false_rejects
    return {
        "accuracy": _share(int(scored.correct.sum()), len(scored)),
        "auroc": auroc(scored.acceptance, scored.correct),
        "ece": ece(scored.acceptance, scored.correct, bins),
        "brier": float(np.mean((scored.acceptance - scored.correct) ** 2)) if len(scored) else float("nan"),
        "precision": _share(true_accepts, true_accepts + false_accepts),
        "recall": _share(true_accepts, true_accepts + false_rejects),
        "f1": _share(2 * true_accepts, 2 * true_accepts + false_accepts + false_rejects),
        "abstention_rate": _share(int(scored.abstained.sum()), len(scored)),
        "true_accepts": true_accepts,
        "false_accepts": false_accepts,
        "true_rejects": true_rejects,
        "false_rejects": false_rejects,
    }


def listener_metrics(
    rows: Sequence[Mapping[str, Any]], *, threshold: float, bins: int = 9, bootstrap: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """The `metrics.json` of DESIGN.md: all rows at the top, the same under `without_abstentions`.

    Each figure is a number (None where it is not defined); `intervals` holds [low, high] for the same keys.
    """
    scored = Scored.from_rows(rows)
    whole = _with_intervals(scored, threshold, bins, bootstrap, seed)
    answered = _with_intervals(scored.take(~scored.abstained), threshold, bins, bootstrap, seed)
    no_claim = sum(row["state"] == "no_claim" for row in rows)
    return {
        "accept_threshold": threshold,
        "bins": bins,
        **whole,
        "no_claim_rate": none_if_nan(_share(no_claim, len(rows))),
        "without_abstentions": answered,
    }


def _with_intervals(scored: Scored, threshold: float, bins: int, bootstrap: int, seed: int) -> dict[str, Any]:
    figures = point(scored, threshold, bins)
    intervals = bootstrap_intervals(scored, lambda part: point(part, threshold, bins), bootstrap, seed)
    return {
        "n": len(scored),
        **{key: none_if_nan(value) for key, value in figures.items()},
        "intervals": intervals,
    }


def bootstrap_intervals(
    scored: Scored, measure: Callable[[Scored], dict[str, float]], repeats: int, seed: int
) -> dict[str, list[float] | None]:
    """95 % percentile intervals of each figure; None where too few resamples define it."""
    if not len(scored) or not repeats:
        return {}
    draw = np.random.default_rng(seed)
    samples = [measure(scored.take(draw.integers(0, len(scored), len(scored)))) for _ in range(repeats)]
    intervals: dict[str, list[float] | None] = {}
    for key in samples[0]:
        values = np.array([sample[key] for sample in samples], dtype=float)
        values = values[~np.isnan(values)]
        enough = len(values) >= repeats / 2
        intervals[key] = [float(edge) for edge in np.quantile(values, [0.025, 0.975])] if enough else None
    return intervals


FIGURES = ("auroc", "log_loss", "brier", "ece")
"""What is asked of a figure that says how likely an answer is right."""
_EDGE = 1e-6


def log_loss(probability: Floats, positive: Bools) -> float:
    """Mean negative log likelihood in nats; probabilities are clipped to [1e-6, 1 - 1e-6]."""
    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return float(-np.where(positive, np.log(p), np.log(1 - p)).mean()) if len(p) else float("nan")


def probability_figures(probability: Floats, positive: Bools, bins: int = 9) -> dict[str, float]:
    """FIGURES of probabilities against what came true; NaN where one isn't defined."""
    return {
        "auroc": auroc(probability, positive),
        "log_loss": log_loss(probability, positive),
        "brier": float(np.mean((probability - positive) ** 2)) if len(positive) else float("nan"),
        "ece": ece(probability, positive, bins),
    }


def figures_with_intervals(
    probability: Floats, positive: Bools, *, bins: int = 9, bootstrap: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Each of FIGURES as `value` and 95 % percentile bootstrap `interval` over the answers; None where not defined."""
    values = probability_figures(probability, positive, bins)
    scored = Scored(probability, positive, np.zeros(len(positive), dtype=bool))
    intervals = bootstrap_intervals(
        scored, lambda part: probability_figures(part.acceptance, part.correct, bins), bootstrap, seed
    )
    return {name: {"value": none_if_nan(value), "interval": intervals.get(name)} for name, value in values.items()}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def none_if_nan(value: float) -> float | None:
    """The figure as JSON keeps it: None where it isn't defined."""
    return None if value != value else value


def agreement_metrics(rows: Sequence[Mapping[str, Any]], *, bootstrap: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Does the agreement of samples tell right answers from wrong ones, and how does acceptance do on the same answers?

    Of the rows with an agreement (an answer span to agree on): `n`, `k`, `mean`, `auroc` with its `interval`.

    `acceptance_auroc` is that of the acceptance over the same rows, so that the two can be compared. None where only
    right or only wrong answers are left.
    """
    found = [row for row in rows if row.get("agreement")]
    correct = np.array([bool(row["correct"]) for row in found], dtype=bool)
    agreement = np.array([row["agreement"]["value"] for row in found], dtype=float)
    acceptance = np.array([row["acceptance"] or 0.0 for row in found], dtype=float)
    scored = Scored(agreement, correct, np.zeros(len(found), dtype=bool))
    intervals = bootstrap_intervals(
        scored, lambda part: {"auroc": auroc(part.acceptance, part.correct)}, bootstrap, seed
    )
    return {
        "n": len(found),
        "k": sorted({row["agreement"]["k"] for row in found}),
        "mean": float(agreement.mean()) if len(found) else None,
        "auroc": none_if_nan(auroc(agreement, correct)),
        "interval": intervals.get("auroc"),
        "acceptance_auroc": none_if_nan(auroc(acceptance, correct)),
    }
