"""What an evaluated run amounts to: `metrics.json`, the plots, `report.md`, and a line for each set and speaker."""

from collections.abc import Mapping, Sequence
from typing import Any

from lacie_chat.comparison.figures import measure_pairs, pairs_of
from lacie_chat.evaluation.answering import calibrated
from lacie_chat.evaluation.measuring import measure, one_line
from lacie_chat.evaluation.stored import ROWS
from lacie_chat.rows import writing
from lacie_chat.statistics.fluency import fluency
from lacie_training.evaluation.calibrator import Fitted
from lacie_training.evaluation.other_listeners import OtherListener, listening
from lacie_training.generators import listener_version
from lacie_training.recipes.schema import Recipe
from lacie_training.row_kinds import pairs_report
from lacie_training.run_folder import Row, RunFolder, write_json, write_rows
from lacie_training.samples.threshold import evaluation_threshold

Rows = Mapping[str, Mapping[str, list[Row]]]
"""Rows by test set and speaker."""


def summarise(
    folder: RunFolder,
    rows: Rows,
    truthful: Mapping[str, Any],
    fitted: Mapping[str, Fitted],
    listeners: Sequence[OtherListener],
) -> None:
    """Measure what was answered, also as other listeners hear it, and write all that a run shows of itself; the rows
    get P(right) from the calibrators, which were fitted when they were answered."""
    from lacie_training.evaluation.report import write_report

    recipe = folder.recipe
    threshold = evaluation_threshold(folder)
    others = {listener.name: _heard_by(listener, folder, rows) for listener in listeners}
    rows = {
        name: {speaker: calibrated(each, fitted[speaker].calibrator) for speaker, each in speakers.items()}
        for name, speakers in rows.items()
    }
    sets: dict[str, dict[str, Any]] = {}
    for name, speakers in rows.items():
        sets[name] = {speaker: _measure(recipe, each, threshold) for speaker, each in speakers.items()}
        for speaker, figures in sets[name].items():
            write_json(folder.path / "evaluation" / name / speaker / "metrics.json", figures)
            write_rows(folder.path / "evaluation" / name / speaker / ROWS, speakers[speaker])
        _draw(folder, name, speakers, threshold)
    between = {name: _between(folder, speakers, threshold) for name, speakers in rows.items()}
    metrics: dict[str, Any] = {
        "recipe": recipe.name,
        "objective": recipe.objective,
        "digest": recipe.digest(),
        "listener": recipe.listener.model,
        "assessment_version": listener_version(recipe),
        "sets": sets,
        "between_sides": between,
        "fluency": {
            name: {speaker: fluency([row["response"] for row in each]) for speaker, each in speakers.items()}
            for name, speakers in rows.items()
        },
        "calibration": {speaker: each.figures for speaker, each in fitted.items()},
    }
    metrics |= {"truthfulqa": dict(truthful)} if truthful else {}
    metrics |= {"other_listeners": others} if others else {}
    write_json(folder.path / "metrics.json", metrics)
    counts = folder.path / "pairs_report.json"
    pairs = pairs_report(counts) if counts.is_file() else None
    write_report(folder.path, recipe, metrics, pairs)
    for heard, by_set in (("", sets), *((f" heard by {name}", each) for name, each in others.items())):
        for name, figures_of in by_set.items():
            for speaker, figures in figures_of.items():
                print(f"evaluate: {name}, {speaker}{heard}: {one_line(figures)}")


def _measure(recipe: Recipe, rows: list[Row], threshold: float) -> dict[str, Any]:
    settings = recipe.evaluate
    return measure(
        rows,
        threshold=threshold,
        bins=settings.bins,
        bootstrap=settings.bootstrap,
        seed=recipe.seed,
    )


def _between(folder: RunFolder, speakers: Mapping[str, list[Row]], threshold: float) -> dict[str, Any]:
    """What lies between the two, question by question: left is the baseline, right the adapter."""
    settings = folder.recipe.evaluate
    pairs = pairs_of(speakers["baseline"], speakers["adapter"])
    return measure_pairs(
        pairs, threshold=threshold, bins=settings.bins, repeats=settings.bootstrap, seed=folder.recipe.seed
    )


def _heard_by(listener: OtherListener, folder: RunFolder, rows: Rows) -> dict[str, dict[str, Any]]:
    """The figures of every set and speaker with another listener's acceptance."""
    recipe = folder.recipe
    with listening(listener, recipe) as ear:
        own = recipe.evaluate.threshold == "training"
        threshold = ear.threshold(folder) if own else evaluation_threshold(folder)
        return {
            name: {
                speaker: _measure(
                    recipe, ear.rows(each, folder.path / "evaluation" / name / speaker, f"{name}, {speaker}"), threshold
                )
                for speaker, each in speakers.items()
            }
            for name, speakers in rows.items()
        }


def _draw(folder: RunFolder, name: str, speakers: Mapping[str, list[Row]], threshold: float) -> None:
    from lacie_chat.statistics.pictures import draw_histograms, draw_reliability

    bins = folder.recipe.evaluate.bins
    pictures = {
        f"reliability-{name}.png": draw_reliability(speakers, bins=bins),
        f"acceptance-{name}.png": draw_histograms(speakers, bins=bins, threshold=threshold),
    }
    for file, picture in pictures.items():
        with writing(folder.path / file):
            (folder.path / file).write_bytes(picture)
