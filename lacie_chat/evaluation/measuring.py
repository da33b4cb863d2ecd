"""All figures of a model's rows, the same for `lacie evaluate` and for a run: side by side they are alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lacie_chat.confidence import ACCEPT_THRESHOLD
from lacie_chat.rows import Row
from lacie_chat.statistics.metrics import figures_with_intervals, listener_metrics

BINS, BOOTSTRAP = 9, 1000
"""Bins of the calibration error, and draws for the intervals, where nothing else is said."""


def measure(
    rows: Sequence[Row],
    *,
    threshold: float = ACCEPT_THRESHOLD,
    bins: int = BINS,
    bootstrap: int = BOOTSTRAP,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of some rows: of the acceptance, and under `p_right` of P(right) where a calibrator gave one."""

    def figures_of(some: Sequence[Row]) -> dict[str, Any]:
        return listener_metrics(some, threshold=threshold, bins=bins, bootstrap=bootstrap, seed=seed)

    figures = figures_of(rows)
    if any(row.get("p_right") is not None for row in rows):
        figures["p_right"] = _p_right(rows, bins, bootstrap, seed)
        answered = [row for row in rows if row["state"] == "answered"]
        figures["without_abstentions"]["p_right"] = _p_right(answered, bins, bootstrap, seed)
    return figures


def _p_right(rows: Sequence[Row], bins: int, bootstrap: int, seed: int) -> dict[str, Any]:
    """`n`, `given` (how many have one) and FIGURES of P(right) with their intervals; a row that gives no answer offers
    nothing to be right, and counts as 0."""
    given = np.array([row.get("p_right") is not None for row in rows], dtype=bool)
    said = np.array([row.get("p_right") or 0.0 for row in rows], dtype=float)
    correct = np.array([bool(row["correct"]) for row in rows], dtype=bool) & given
    figures = figures_with_intervals(said, correct, bins=bins, bootstrap=bootstrap, seed=seed)
    return {
        "n": len(rows),
        "given": int(given.sum()),
        **{name: each["value"] for name, each in figures.items()},
        "intervals": {name: each["interval"] for name, each in figures.items()},
    }


def one_line(figures: dict[str, Any]) -> str:
    """The main figures, to read."""
    keys = ("accuracy", "auroc", "ece", "f1", "abstention_rate")
    shown = ", ".join(f"{key} {'n/a' if figures[key] is None else format(figures[key], '.3f')}" for key in keys)
    right = figures.get("p_right")
    after = ""
    if right is not None:
        area = "n/a" if right["auroc"] is None else format(right["auroc"], ".3f")
        after = f"; P(right): auroc {area}, ece {right['ece']:.3f}, log loss {right['log_loss']:.3f}"
    agreement = figures.get("agreement", {}).get("auroc")
    after += f", auroc of agreement {agreement:.3f}" if agreement is not None else ""
    return f"n {figures['n']}, {shown}{after}"
