"""The picture of a comparison: where right and where wrong answers lie on the scale of acceptance, on either side.

Needs matplotlib (extra `plots`), imported when it is drawn.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lacie_chat.statistics.metrics import Floats, Scored

_BEFORE, _AFTER, _LINE = "#7a7f87", "#1f6fb2", "#555555"


def draw_shift(
    left: Sequence[Mapping[str, Any]],
    right: Sequence[Mapping[str, Any]],
    names: tuple[str, str],
    *,
    threshold: float,
    bins: int = 18,
) -> bytes:
    """A PNG: a panel for right answers and one for wrong ones. Each shows both sides' acceptance as shares of that
    side's answers of the kind, its mean as a line, and an arrow from the left side's mean to the right side's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    sides = [_answered(left), _answered(right)]
    labels = [name.replace("$", r"\$") for name in names]  # a dollar sign would begin a formula
    edges = np.linspace(0, 1, bins + 1).tolist()
    for axis, (title, truth) in zip(
        figure.subplots(1, 2, sharey=True), (("right answers", True), ("wrong answers", False)), strict=True
    ):
        means = []
        for scored, label, colour in zip(sides, labels, (_BEFORE, _AFTER), strict=True):
            values: Floats = scored.acceptance[scored.correct == truth]
            if not len(values):
                axis.plot([], [], color=colour, label=f"{label} (none)")
                continue
            weights = np.full(len(values), 1 / len(values))
            axis.hist(values, bins=edges, weights=weights, color=colour, alpha=0.45, label=f"{label} ({len(values)})")
            means.append(float(values.mean()))
            axis.axvline(means[-1], color=colour, linewidth=1.6)
        if len(means) == 2:
            height = axis.get_ylim()[1] * 0.93
            axis.annotate("", (means[1], height), (means[0], height), arrowprops={"arrowstyle": "->", "color": _LINE})
        axis.axvline(threshold, color=_LINE, linewidth=1, linestyle="--")
        axis.set(xlim=(0, 1), xlabel="acceptance (how sure it sounds)")
        axis.set_title(title, fontsize=10)
        axis.legend(frameon=False, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("share of the side's answers of this kind")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png", metadata={"Software": None})
    return picture.getvalue()


def _answered(rows: Sequence[Mapping[str, Any]]) -> Scored:
    scored = Scored.from_rows(rows)
    return scored.take(~scored.abstained)
