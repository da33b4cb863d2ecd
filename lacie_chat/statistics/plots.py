"""Pictures of an evaluation: the reliability diagram, and where right and wrong answers lie on the scale of
acceptance. They need matplotlib (extra `plots`), which is imported when something is drawn; a file that can't be
written raises OSError.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lacie_chat.statistics.metrics import Scored, reliability

_RIGHT, _WRONG, _LINE = "#1b7f5c", "#c4503a", "#555555"
_NAMES = {"baseline": "baseline", "adapter": "with LACIE adapter"}


def draw_reliability(sides: Mapping[str, Sequence[Mapping[str, Any]]], path: Path, *, bins: int) -> None:
    """Share of right answers against acceptance, a panel a side; the area of a dot is the number of its answers."""
    figure, axes = _figure(len(sides), height=4.2)
    for axis, (side, rows) in zip(axes, sides.items(), strict=True):
        scored = Scored.from_rows(rows)
        scored = scored.take(~scored.abstained)
        entries = reliability(scored.acceptance, scored.correct, bins)
        axis.plot([0, 1], [0, 1], color=_LINE, linewidth=1, linestyle="--", label="calibrated")
        axis.plot([e["probability"] for e in entries], [e["accuracy"] for e in entries], color=_RIGHT, linewidth=1)
        axis.scatter(
            [e["probability"] for e in entries],
            [e["accuracy"] for e in entries],
            s=[20 + 400 * e["weight"] for e in entries],
            color=_RIGHT,
            alpha=0.8,
        )
        axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="acceptance (how sure it sounds)", ylabel="share of right answers")
        axis.set_title(f"{_NAMES.get(side, side)}, n = {len(scored)}", fontsize=10)
        axis.set_aspect("equal")
    _save(figure, path)


def draw_histograms(
    sides: Mapping[str, Sequence[Mapping[str, Any]]], path: Path, *, bins: int, threshold: float
) -> None:
    """Acceptance of right and of wrong answers, each as shares of its own kind; the line is the accept threshold."""
    figure, axes = _figure(len(sides), height=3.4)
    edges = np.linspace(0, 1, 2 * bins + 1)
    for axis, (side, rows) in zip(axes, sides.items(), strict=True):
        scored = Scored.from_rows(rows)
        scored = scored.take(~scored.abstained)
        for mask, colour, name in ((scored.correct, _RIGHT, "right"), (~scored.correct, _WRONG, "wrong")):
            values = scored.acceptance[mask]
            if len(values):
                weights = np.full(len(values), 1 / len(values))
                label = f"{name} ({len(values)})"
                axis.hist(values, bins=edges.tolist(), weights=weights, color=colour, alpha=0.55, label=label)
        axis.axvline(threshold, color=_LINE, linewidth=1, linestyle="--")
        axis.set(xlim=(0, 1), xlabel="acceptance", ylabel="share of its kind")
        axis.set_title(_NAMES.get(side, side), fontsize=10)
        axis.legend(frameon=False, fontsize=9)
    _save(figure, path)


def _figure(columns: int, *, height: float) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * columns, height), layout="constrained")
    FigureCanvasAgg(figure)  # draws without a display, and without touching pyplot's state
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
