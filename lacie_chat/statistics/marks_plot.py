"""The reliability diagram of the user's own marks as a picture: intervals as error bars, calibrators as curves.

Needs matplotlib (extra `plots`), imported when it is drawn.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lacie_chat.confidence import Calibrator
from lacie_chat.statistics.diagram import NAMES
from lacie_chat.statistics.reliability import ReliabilityBin

_POINT, _LINE = "#1b7f5c", "#555555"
_CURVES = {"shipped": ("#1f6fb2", "-"), "own": ("#b26a1f", "--")}


@dataclass(frozen=True, slots=True)
class Panel:
    """One model's diagram; `calibrators` by role (`shipped`, `own`)."""

    title: str
    bins: Sequence[ReliabilityBin]
    calibrators: Mapping[str, Calibrator]


def draw_marks(panels: Sequence[Panel]) -> bytes:
    """A PNG with a panel a model, at most three in a row. Raises ImportError without matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 5.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes, panels, strict=False):
        axis.plot([0, 1], [0, 1], color=_LINE, linewidth=1, linestyle=":", label="right as often as it sounds")
        grid = np.linspace(0, 1, 401)
        for role, calibrator in panel.calibrators.items():
            colour, style = _CURVES[role]
            label = f"{NAMES[role]} calibrator ({calibrator.kind}, n = {calibrator.n})"
            axis.plot(grid, [calibrator(float(x)) for x in grid], color=colour, linestyle=style, label=label)
        x = [entry.acceptance for entry in panel.bins]
        y = [entry.share for entry in panel.bins]
        below = [entry.share - entry.interval[0] for entry in panel.bins]
        above = [entry.interval[1] - entry.share for entry in panel.bins]
        axis.errorbar(x, y, yerr=[below, above], fmt="o", color=_POINT, capsize=4, label="your marks, 95 % interval")
        for entry in panel.bins:
            axis.annotate(f"{entry.n}", (entry.acceptance, entry.share), (5, 4), textcoords="offset points", fontsize=8)
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axis.set(xlabel="acceptance (how sure it sounds)", ylabel="share of right answers")
        # a dollar sign would begin a formula
        axis.set_title(f"{panel.title}, n = {sum(entry.n for entry in panel.bins)}".replace("$", r"\$"), fontsize=10)
        axis.set_aspect("equal")
        axis.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13))
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=120, format="png", bbox_inches="tight")  # legends stand outside of their panels
    return buffer.getvalue()
