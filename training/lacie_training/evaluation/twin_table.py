"""`lacie train figures`: a LACIE run and its truthful-only twin in one table, as they go with an adapter.

The paper sets three speakers beside each other: the model as it is, tuned for truth alone, and tuned with the listener.
The last two are runs of their own, each measured against the same baseline; this puts them together, as `figures.json`
(all figures, with what they were measured on) and `figures.md` (the table that stands in a model card). Nothing is
computed here that isn't in the runs.
"""

import argparse
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.rows import writing
from lacie_chat.statistics.tables import figure, ranged, table
from lacie_chat.streams import complain
from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import read_recipe, write_json, write_text

Figures = Mapping[str, Any]

_SPEAKERS = {"baseline": "baseline", "truthful_only": "truthful-only", "lacie": "LACIE"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie train figures`."""
    parser.add_argument("--run", type=Path, required=True, help="the run folder of a LACIE run that is evaluated")
    parser.add_argument("--truthful", type=Path, help="that of its truthful-only twin, evaluated on the same questions")
    parser.add_argument("--out", type=Path, required=True, help="folder for figures.json and figures.md")


def run(args: argparse.Namespace) -> int:
    """`lacie train figures`; errors of the user's are one line, and exit status 1."""
    try:
        figures = collect(args.run, args.truthful)
        with writing(args.out):
            args.out.mkdir(parents=True, exist_ok=True)
        write_json(args.out / "figures.json", figures)
        write_text(args.out / "figures.md", as_table(figures) + "\n")
    except LacieError as error:
        complain(str(error))
        return 1
    print(f"figures: see {args.out / 'figures.md'}")
    return 0


def collect(run: Path, truthful: Path | None) -> dict[str, Any]:
    """What `figures.json` holds: `sets` by name and speaker (`baseline`, `truthful_only`, `lacie`; a speaker's figures,
    with `wording`), `between_sides` of baseline and LACIE, TruthfulQA, other listeners, and the digests of the data.

    Raises TrainingError where a run isn't evaluated, is of another objective, or has another baseline than the other.
    """
    recipe, metrics = _evaluated(run, "lacie")
    speakers = {"lacie": metrics}
    if truthful is not None:
        speakers["truthful_only"] = _evaluated(truthful, "truthful_only")[1]
        if _baseline(speakers["truthful_only"]) != _baseline(metrics):
            raise TrainingError(
                f"{run} and {truthful} have different baselines; evaluate both with the same listener, seed, threshold "
                "(evaluate.threshold, as a number) and questions"
            )
    sets = {}
    for name in metrics["sets"]:
        sets[name] = {"baseline": _of_speaker(metrics, name, "baseline")}
        sets[name] |= {key: _of_speaker(each, name, "adapter") for key, each in speakers.items()}
    found: dict[str, Any] = {
        "recipe": recipe.name,
        "recipe_digest": metrics["digest"],
        "listener": metrics["listener"],
        "sets": sets,
        "between_sides": metrics["between_sides"],
        "data": _digests(recipe),
    }
    if truth := metrics.get("truthfulqa"):
        found["truthfulqa"] = {"baseline": truth["baseline"]}
        found["truthfulqa"] |= {key: each["truthfulqa"]["adapter"] for key, each in speakers.items()}
    if "other_listeners" in metrics:
        found["other_listeners"] = metrics["other_listeners"]
    calibrator = run / "calibrator.json"
    if calibrator.is_file():
        found["calibrator"] = _json(calibrator)
    return found


def _json(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, NoJSON) as error:
        raise TrainingError(f"{path} can't be read: {error}; run the stage 'evaluate' again") from error


def _evaluated(run: Path, objective: str) -> tuple[Recipe, dict[str, Any]]:
    recipe = read_recipe(run)
    if recipe.objective != objective:
        raise TrainingError(f"{run} is a run with objective={recipe.objective}; a {objective} run is wanted here")
    path = run / "metrics.json"
    if not path.is_file():
        raise TrainingError(f"{path} is not there yet; run the stage 'evaluate' first")
    metrics: dict[str, Any] = _json(path)
    if missing := {"between_sides", "fluency"} - set(metrics):
        raise TrainingError(
            f"{path} has no {' and no '.join(sorted(missing))}; run the stage 'evaluate' again, it answers nothing anew"
        )
    return recipe, metrics


def _baseline(metrics: Figures) -> list[Any]:
    """What two runs must agree in: the baseline's figures on each set, but for its calibrator's."""
    kept = ("n", "accept_threshold", "accuracy", "auroc", "true_accepts", "false_accepts")
    return [[name, *(speakers["baseline"][key] for key in kept)] for name, speakers in metrics["sets"].items()] + [
        metrics.get("truthfulqa", {}).get("baseline")
    ]


def _of_speaker(metrics: Figures, name: str, speaker: str) -> dict[str, Any]:
    return {**metrics["sets"][name][speaker], "wording": metrics["fluency"][name][speaker]}


def _digests(recipe: Recipe) -> dict[str, str]:
    """SHA-256 of each question file of the recipe that is (still) there, by its name."""
    wanted = recipe.questions
    sets = [wanted.train, *wanted.more, wanted.validation, wanted.calibration]
    paths = [each.path for each in [*sets, *wanted.test.values()] if each is not None]
    paths.append(recipe.evaluate.truthfulqa.path)
    files = [Path(path) for path in dict.fromkeys(paths) if path is not None]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


# -- the table ------------------------------------------------------------------------------------------------------


def _with_interval(key: str) -> Callable[[Figures], str]:
    return lambda figures: ranged(figures[key], figures["intervals"].get(key))


def _of_p_right(key: str) -> Callable[[Figures], str]:
    return lambda figures: _with_interval(key)(figures["p_right"]) if "p_right" in figures else ""


def _wording(figures: Figures) -> str:
    words = figures["wording"]
    return " · ".join(f"{words[key]:.2f}" for key in ("hedged", "ten_commonest_openings", "distinct_2"))


_ROWS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("AUROC of acceptance", _with_interval("auroc")),
    ("AUROC of P(right)", _of_p_right("auroc")),
    ("wrong answers accepted", _with_interval("false_accepts")),
    ("right answers accepted", _with_interval("true_accepts")),
    ("accuracy, all questions", _with_interval("accuracy")),
    ("accuracy, of what it answers", lambda figures: figure(figures["without_abstentions"]["accuracy"])),
    ("abstentions", _with_interval("abstention_rate")),
    ("ECE of acceptance", _with_interval("ece")),
    ("ECE of P(right)", _of_p_right("ece")),
    ("answers with a hedge · ten commonest openings · distinct-2", _wording),
)


def as_table(figures: Figures) -> str:
    """The table of `figures.md`, from what `collect` returns."""
    speakers = [speaker for speaker in _SPEAKERS if speaker in next(iter(figures["sets"].values()))]
    rows: list[tuple[str, ...]] = []
    for name, found in figures["sets"].items():
        for number, (label, shown) in enumerate(_ROWS):
            head = f"**{name}**, n = {found['baseline']['n']}: {label}" if number == 0 else label
            rows.append((head, *(shown(found[speaker]) for speaker in speakers)))
    if truth := figures.get("truthfulqa"):
        head = f"**TruthfulQA**, n = {truth['baseline']['n']}: truthful"
        rows.append((head, *(figure(truth[speaker]["truthful"]) for speaker in speakers)))
        rows.append(("informative", *(figure(truth[speaker]["informative"]) for speaker in speakers)))
    return table(["", *(_SPEAKERS[speaker] for speaker in speakers)], rows)
