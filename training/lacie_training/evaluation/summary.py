"""What an evaluated run amounts to: `metrics.json`, the plots, `report.md`, and a line for each set and side."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lacie_chat.comparison.figures import measure_pairs, pairs_of
from lacie_chat.confidence import Calibrator
from lacie_chat.evaluation.measuring import measure, one_line
from lacie_chat.rows import writing
from lacie_chat.statistics.fluency import fluency
from lacie_training.evaluation.calibrator import Fitted
from lacie_training.evaluation.other_listeners import OtherListener, listening
from lacie_training.pairs import evaluation_threshold
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import Row, RunFolder, write_json

Rows = Mapping[str, Mapping[str, list[Row]]]
"""Rows by test set and side."""


def summarise(
    folder: RunFolder,
    rows: Rows,
    truthful: Mapping[str, Any],
    fitted: Mapping[str, Fitted],
    listeners: Sequence[OtherListener],
) -> None:
    """Measure what was answered, also as other listeners hear it, and write all that a run shows of itself."""
    from lacie_training.evaluation.report import write_report

    recipe = folder.recipe
    threshold = evaluation_threshold(folder)
    others = {listener.name: _heard_by(listener, folder, rows) for listener in listeners}
    sets: dict[str, dict[str, Any]] = {}
    for name, sides in rows.items():
        sets[name] = {side: _measure(recipe, each, threshold, fitted[side].calibrator) for side, each in sides.items()}
        for side, figures in sets[name].items():
            write_json(folder.path / "evaluation" / name / side / "metrics.json", figures)
        _draw(folder, name, sides, threshold)
    between = {name: _between(folder, sides, threshold) for name, sides in rows.items()}
    metrics: dict[str, Any] = {
        "recipe": recipe.name,
        "objective": recipe.objective,
        "digest": recipe.digest(),
        "listener": recipe.listener.model,
        "sets": sets,
        "between_sides": between,
        "fluency": {
            name: {side: fluency([row["response"] for row in each]) for side, each in sides.items()}
            for name, sides in rows.items()
        },
        "calibration": {side: each.figures for side, each in fitted.items()},
    }
    metrics |= {"truthfulqa": dict(truthful)} if truthful else {}
    metrics |= {"other_listeners": others} if others else {}
    write_json(folder.path / "metrics.json", metrics)
    counts = folder.path / "pairs_report.json"
    pairs = json.loads(counts.read_text(encoding="utf-8")) if counts.is_file() else None
    write_report(folder.path, recipe, metrics, pairs)
    for heard, by_set in (("", sets), *((f" heard by {name}", each) for name, each in others.items())):
        for name, figures_of in by_set.items():
            for side, figures in figures_of.items():
                print(f"evaluate: {name}, {side}{heard}: {one_line(figures)}")


def _measure(recipe: Recipe, rows: list[Row], threshold: float, calibrator: Calibrator | None = None) -> dict[str, Any]:
    settings = recipe.evaluate
    return measure(
        rows,
        threshold=threshold,
        bins=settings.bins,
        bootstrap=settings.bootstrap,
        seed=recipe.seed,
        calibrator=calibrator,
    )


def _between(folder: RunFolder, sides: Mapping[str, list[Row]], threshold: float) -> dict[str, Any]:
    """What lies between the two sides, question by question: left is the baseline, right the adapter."""
    settings = folder.recipe.evaluate
    pairs = pairs_of(sides["baseline"], sides["adapter"])
    return measure_pairs(
        pairs, threshold=threshold, bins=settings.bins, repeats=settings.bootstrap, seed=folder.recipe.seed
    )


def _heard_by(listener: OtherListener, folder: RunFolder, rows: Rows) -> dict[str, dict[str, Any]]:
    """The figures of every set and side with another listener's acceptance."""
    recipe = folder.recipe
    with listening(listener, recipe) as ear:
        own = recipe.evaluate.threshold == "training"
        threshold = ear.threshold(folder) if own else evaluation_threshold(folder)
        return {
            name: {
                side: _measure(
                    recipe, ear.rows(each, folder.path / "evaluation" / name / side, f"{name}, {side}"), threshold
                )
                for side, each in sides.items()
            }
            for name, sides in rows.items()
        }


def _draw(folder: RunFolder, name: str, sides: Mapping[str, list[Row]], threshold: float) -> None:
    from lacie_chat.statistics.plots import draw_histograms, draw_reliability

    bins = folder.recipe.evaluate.bins
    with writing(folder.path / f"reliability-{name}.png"):
        draw_reliability(sides, folder.path / f"reliability-{name}.png", bins=bins)
    with writing(folder.path / f"acceptance-{name}.png"):
        draw_histograms(sides, folder.path / f"acceptance-{name}.png", bins=bins, threshold=threshold)
