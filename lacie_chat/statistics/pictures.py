"""Every picture: reliability and histograms of an evaluation, the shift of a comparison, what calibrations found.

They need matplotlib (extra `plots`), which is imported when something is drawn: ImportError without it. Each gives a
PNG as bytes; whoever asked writes it.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lacie_chat.statistics.metrics import Floats, Scored, reliability
from lacie_chat.statistics.reliability import Bins, Figure

Rows = Sequence[Mapping[str, Any]]

_RIGHT, _WRONG, _LINE = "#1b7f5c", "#c4503a", "#555555"
_BEFORE, _AFTER = "#7a7f87", "#1f6fb2"
_SPEAKERS = {"baseline": "baseline", "adapter": "with LACIE adapter"}
_SERIES: Mapping[Figure, tuple[str, str]] = {
    "acceptance": (_RIGHT, "o"),
    "shipped": ("#1f6fb2", "D"),
    "own": ("#b26a1f", "s"),
}


def draw_reliability(speakers: Mapping[str, Rows], *, bins: int) -> bytes:
    """Share of right answers against acceptance, a panel a speaker; the area of a dot is the number of its answers."""
    figure, axes = _figure(1, len(speakers), (4.2 * len(speakers), 4.2))
    for axis, (speaker, rows) in zip(axes, speakers.items(), strict=True):
        scored = _answered(rows)
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
        axis.set_title(f"{_SPEAKERS.get(speaker, speaker)}, n = {len(scored)}", fontsize=10)
        axis.set_aspect("equal")
    return _png(figure)


def draw_histograms(speakers: Mapping[str, Rows], *, bins: int, threshold: float) -> bytes:
    """Acceptance of right and of wrong answers, each as shares of its own kind; the line is the accept threshold."""
    figure, axes = _figure(1, len(speakers), (4.2 * len(speakers), 3.4))
    edges = np.linspace(0, 1, 2 * bins + 1)
    for axis, (speaker, rows) in zip(axes, speakers.items(), strict=True):
        scored = _answered(rows)
        for mask, colour, name in ((scored.correct, _RIGHT, "right"), (~scored.correct, _WRONG, "wrong")):
            values = scored.acceptance[mask]
            if len(values):
                weights = np.full(len(values), 1 / len(values))
                label = f"{name} ({len(values)})"
                axis.hist(values, bins=edges.tolist(), weights=weights, color=colour, alpha=0.55, label=label)
        axis.axvline(threshold, color=_LINE, linewidth=1, linestyle="--")
        axis.set(xlim=(0, 1), xlabel="acceptance", ylabel="share of its kind")
        axis.set_title(_SPEAKERS.get(speaker, speaker), fontsize=10)
        axis.legend(frameon=False, fontsize=9)
    return _png(figure)


def draw_shift(
    left: Rows,
    right: Rows,
    names: tuple[str, str],
    *,
    threshold: float,
    bins: int = 18,
) -> bytes:
    """A PNG: a panel for right answers and one for wrong ones. Each shows both sides' acceptance as shares of that
    side's answers of the kind, its mean as a line, and an arrow from the left side's mean to the right side's."""
    figure, axes = _figure(1, 2, (9.0, 3.6), sharey=True)
    sides = [_answered(left), _answered(right)]
    labels = [name.replace("$", r"\$") for name in names]  # a dollar sign would begin a formula
    edges = np.linspace(0, 1, bins + 1).tolist()
    for axis, (title, truth) in zip(axes, (("right answers", True), ("wrong answers", False)), strict=True):
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
    axes[0].set_ylabel("share of the side's answers of this kind")
    return _png(figure)


def draw_ratings(ratings: Sequence[float], acceptances: Sequence[float]) -> bytes:
    """What people gave a text against what the listener gives it, a dot a text (or a group of texts)."""
    figure, [axis] = _figure(1, 1, (4.6, 4.6))
    axis.plot([0, 1], [0, 1], color=_LINE, linewidth=1, linestyle="--")
    small = len(ratings) > 100
    axis.scatter(ratings, acceptances, s=9 if small else 28, color=_AFTER, alpha=0.35 if small else 0.8, linewidths=0)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="people's rating", ylabel="acceptance")
    axis.set_title(f"n = {len(ratings)}", fontsize=10)
    axis.set_aspect("equal")
    return _png(figure)


@dataclass(frozen=True, slots=True)
class Panel:
    """One model's diagram: the bins of each figure, and what each figure is in words."""

    title: str
    bins: Bins
    names: Mapping[Figure, str]


def draw_calibration(panels: Sequence[Panel]) -> bytes:
    """A PNG with a panel a model, at most three in a row: how often answers were right, over what each figure said."""
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure, axes = _figure(rows, columns, (4.6 * columns, 5.2 * rows))
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes, panels, strict=False):
        axis.plot([0, 1], [0, 1], color=_LINE, linewidth=1, linestyle=":", label="right as often as it says")
        for role, bins in panel.bins.items():
            colour, mark = _SERIES[role]
            x = [entry.said for entry in bins]
            y = [entry.share for entry in bins]
            below = [entry.share - entry.interval[0] for entry in bins]
            above = [entry.interval[1] - entry.share for entry in bins]
            label = f"{panel.names[role]}, 95 % interval"
            axis.errorbar(x, y, yerr=[below, above], fmt=mark, color=colour, capsize=4, alpha=0.85, label=label)
            for entry in bins:
                at = (entry.said, entry.share)
                axis.annotate(f"{entry.n}", at, (5, 4), textcoords="offset points", fontsize=7, color=colour)
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axis.set(xlabel="what it says", ylabel="share of right answers")
        axis.set_title(panel.title.replace("$", r"\$"), fontsize=10)  # a dollar sign would begin a formula
        axis.set_aspect("equal")
        axis.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13))
    return _png(figure, bbox_inches="tight")  # legends stand outside of their panels


def _answered(rows: Rows) -> Scored:
    scored = Scored.from_rows(rows)
    return scored.take(~scored.abstained)


def _figure(rows: int, columns: int, size: tuple[float, float], *, sharey: bool = False) -> tuple[Any, list[Any]]:
    """A figure of `size` inches, and its panels row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)  # draws without a display, and without touching pyplot's state
    return figure, list(figure.subplots(rows, columns, squeeze=False, sharey=sharey).flatten())


def _png(figure: Any, **options: str) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png", metadata={"Software": None}, **options)
    return picture.getvalue()
