"""All figures of a model's rows, the same for `lacie evaluate` and for a run: side by side they are alike."""

from collections.abc import Sequence
from typing import Any

from lacie_chat.confidence import ACCEPT_THRESHOLD, Calibrator
from lacie_chat.rows import Row
from lacie_chat.statistics.metrics import listener_metrics

BINS, BOOTSTRAP = 9, 1000
"""Bins of the calibration error, and draws for the intervals, where nothing else is said."""


def measure(
    rows: Sequence[Row],
    *,
    threshold: float = ACCEPT_THRESHOLD,
    bins: int = BINS,
    bootstrap: int = BOOTSTRAP,
    seed: int = 0,
    calibrator: Calibrator | None = None,
) -> dict[str, Any]:
    """All figures of some rows; with a calibrator also what it makes of ECE and Brier score, under `calibrated`."""

    def figures_of(some: Sequence[Row]) -> dict[str, Any]:
        return listener_metrics(some, threshold=threshold, bins=bins, bootstrap=bootstrap, seed=seed)

    figures = figures_of(rows)
    if calibrator is not None:
        mapped = [
            {**row, "acceptance": None if row["acceptance"] is None else calibrator(row["acceptance"])} for row in rows
        ]
        after = figures_of(mapped)
        figures["calibrated"] = _calibration_of(after)
        figures["without_abstentions"]["calibrated"] = _calibration_of(after["without_abstentions"])
    return figures


def _calibration_of(figures: dict[str, Any]) -> dict[str, Any]:
    keys = ("ece", "brier")
    return {
        **{key: figures[key] for key in keys},
        "intervals": {key: figures["intervals"].get(key) for key in keys},
    }


def one_line(figures: dict[str, Any]) -> str:
    """The main figures, to read."""
    keys = ("accuracy", "auroc", "ece", "f1", "abstention_rate")
    shown = ", ".join(f"{key} {'n/a' if figures[key] is None else format(figures[key], '.3f')}" for key in keys)
    after = f", ece calibrated {figures['calibrated']['ece']:.3f}" if "calibrated" in figures else ""
    agreement = figures.get("agreement", {}).get("auroc")
    after += f", auroc of agreement {agreement:.3f}" if agreement is not None else ""
    return f"n {figures['n']}, {shown}{after}"
