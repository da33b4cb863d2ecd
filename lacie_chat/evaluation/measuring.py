"""All figures of a model's rows, the same for `lacie evaluate` and for a run: side by side they are alike."""

from collections.abc import Sequence
from typing import Any

from lacie_chat.confidence import ACCEPT_THRESHOLD
from lacie_chat.cut_off import count_cut_off
from lacie_chat.rows import Row
from lacie_chat.statistics.metrics import Scored, figures_with_intervals, listener_metrics, settled
from lacie_chat.statistics.tables import figure

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
    """All figures of some rows: of the acceptance, and under `p_right` of P(right) where a calibrator gave one.
    `cut_off`: how many answers stopped where their tokens ran out; None where that isn't known of all.
    """

    def figures_of(some: Sequence[Row]) -> dict[str, Any]:
        return listener_metrics(some, threshold=threshold, bins=bins, bootstrap=bootstrap, seed=seed)

    figures = {**figures_of(rows), "cut_off": count_cut_off(rows)}
    if any(row.get("p_right") is not None for row in rows):
        figures["p_right"] = _p_right(rows, bins, bootstrap, seed)
        answered = [row for row in rows if row["state"] == "answered"]
        figures["without_abstentions"]["p_right"] = _p_right(answered, bins, bootstrap, seed)
    return figures


def _p_right(rows: Sequence[Row], bins: int, bootstrap: int, seed: int) -> dict[str, Any]:
    """`n`, `given` (how many have one) and FIGURES of P(right) with their intervals; a row that gives no answer offers
    nothing to be right, and counts as 0; one of which too little is known is not among the `n`."""
    known = [row for row in rows if settled(row)]
    scored = Scored.of_p_right(known)
    figures = figures_with_intervals(scored.acceptance, scored.correct, bins=bins, bootstrap=bootstrap, seed=seed)
    return {
        "n": len(known),
        "given": sum(row.get("p_right") is not None for row in known),
        **{name: each["value"] for name, each in figures.items()},
        "intervals": {name: each["interval"] for name, each in figures.items()},
    }


def one_line(figures: dict[str, Any]) -> str:
    """The main figures, to read: `n 350, accuracy 0.257, …; acceptance: auroc 0.683, ece 0.41; P(right): …`."""
    parts = [f"n {figures['n']}, {_named(figures, ('accuracy', 'f1', 'abstention_rate'))}"]
    if figures.get("cut_off"):
        parts[0] += f", cut off {figures['cut_off']}"
    parts.append(f"acceptance: {_named(figures, ('auroc', 'ece'))}")
    if right := figures.get("p_right"):
        parts.append(f"P(right): {_named(right, ('auroc', 'ece', 'log_loss'))}")
    if (agreement := figures.get("agreement", {}).get("auroc")) is not None:
        parts.append(f"agreement of samples: auroc {agreement:.3f}")
    return "; ".join(parts)


def _named(figures: dict[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {figure(figures[key])}" for key in keys)
