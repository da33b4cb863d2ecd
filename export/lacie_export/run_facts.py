"""What a training run's folder tells of itself: recipe, figures, pictures, calibrator. All of it is optional but the
adapter."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.foreign_json import beginning, read_json
from lacie_export.errors import ExportError, first_line
from lacie_export.listener_facts import ListenerFacts

if TYPE_CHECKING:
    from lacie_chat.confidence import Calibrator

KEPT_FIGURES = (
    "n",
    "accuracy",
    "auroc",
    "ece",
    "brier",
    "precision",
    "recall",
    "f1",
    "abstention_rate",
    "accept_threshold",
)
KEPT_OF_P_RIGHT = ("n", "given", "auroc", "log_loss", "brier", "ece")
METHOD_NAMES = {"lacie": "LACIE", "truthful_only": "truthful-only"}
DATASETS = {
    "trivia_qa": "mandarjoshi/trivia_qa",
    "nq_open": "google-research-datasets/nq_open",
    "truthful_qa": "truthfulqa/truthful_qa",
}
_SPEAKERS = ("adapter", "baseline")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """`figures`: test set -> speaker (adapter, baseline) -> figures with their n. `pictures`: reliability diagrams.
    `assessment_version` is the one in which the figures were measured, as far as the run knows it. `reads_as`: of an
    adapter that doesn't speak, what it is for.
    """

    method: str = "LACIE"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    digest: str | None = None
    figures: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    pictures: tuple[Path, ...] = ()
    calibrator: "Calibrator | None" = None
    assessment_version: str | None = None
    reads_as: ListenerFacts | None = None

    @property
    def base(self) -> str | None:
        """The model that was trained, as the recipe names it."""
        model = self.recipe.get("speaker", {}).get("model")
        return str(model) if model else None

    @property
    def revision(self) -> str | None:
        revision = self.recipe.get("speaker", {}).get("revision")
        return str(revision) if revision else None

    @property
    def datasets(self) -> tuple[str, ...]:
        """The Hub's names of what it was trained on."""
        return tuple(DATASETS[source] for source in self._sources() if source in DATASETS)

    @property
    def questions(self) -> str:
        """Where the questions that it was trained on came from, to read; files are not named."""
        return ", ".join(DATASETS.get(source, source) for source in self._sources()) or "an unknown source"

    def _sources(self) -> tuple[str, ...]:
        questions = self.recipe.get("questions", {})
        sets = [questions.get("train", {}), *questions.get("more", [])]
        return tuple(dict.fromkeys(str(each["source"]) for each in sets if each.get("source")))

    @property
    def accept_threshold(self) -> float | None:
        """The acceptance from which an answer counts as accepted, in the evaluation."""
        threshold = self.recipe.get("evaluate", {}).get("threshold")
        if threshold == "training":  # the pairs': the figures know it
            found = [each.get("accept_threshold") for speakers in self.figures.values() for each in speakers.values()]
            threshold = next((value for value in found if value is not None), None)
        return float(threshold) if threshold is not None else None

    @property
    def listener(self) -> str | None:
        """The model that listened, without a local path."""
        model = self.recipe.get("listener", {}).get("model")
        return public_name(str(model)) if model else None


def public_name(ref: str) -> str:
    """A model REF as it may be published: owner/repo and `embedded` as they are, of a path only the last part."""
    path = Path(ref).expanduser()
    return path.name if path.is_absolute() or ref.startswith((".", "~")) or path.exists() or ref.count("/") > 1 else ref


def read_run(folder: Path | None, calibrator: Path | None = None) -> RunFacts:
    """The facts of a run folder (none for no folder). `calibrator`: a file that takes the place of the run's own."""
    found = _calibrator(calibrator or (folder / "calibrator.json" if folder else None), asked=calibrator is not None)
    if folder is None:
        return RunFacts(calibrator=found, assessment_version=found.assessment_version if found else None)
    recipe, digest = _recipe(folder / "recipe.yaml")
    metrics = _metrics(folder / "metrics.json")
    return RunFacts(
        method=METHOD_NAMES.get(str(recipe.get("objective", "lacie")), "LACIE"),
        recipe=recipe,
        digest=str(metrics.get("digest") or digest),
        figures=_figures(metrics),
        pictures=tuple(sorted(folder.glob("reliability*.png"))),
        calibrator=found,
        assessment_version=metrics.get("assessment_version") or (found.assessment_version if found else None),
    )


def _recipe(path: Path) -> tuple[dict[str, Any], str]:
    from lacie_training.foreign_yaml import MOST_BYTES, NoYAML, parse_yaml

    try:
        text = beginning(path, MOST_BYTES + 1)
        recipe = parse_yaml(text)
    except FileNotFoundError:
        raise ExportError(
            f"{path.parent} is not a run folder ({path.name} is not there); give --adapter and --base instead"
        ) from None
    except (OSError, NoYAML) as error:
        raise ExportError(f"{path} can't be read: {first_line(error)}") from error
    if not isinstance(recipe, dict):
        raise ExportError(f"{path} is no recipe")
    try:  # the training's own digest leaves out what only trades speed for memory
        from lacie_training.recipes.files import parse_recipe

        return recipe, parse_recipe(recipe, source=str(path)).digest()
    except ImportError:
        return recipe, hashlib.sha256(text).hexdigest()[:16]


def _metrics(path: Path) -> dict[str, Any]:
    try:
        metrics = read_json(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} can't be read: {first_line(error)}") from error
    return metrics if isinstance(metrics, dict) else {}


def _figures(metrics: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    sets = metrics.get("sets")
    if not isinstance(sets, dict):
        return {}
    return {
        name: {speaker: _kept(speakers[speaker]) for speaker in _SPEAKERS if isinstance(speakers.get(speaker), dict)}
        for name, speakers in sets.items()
        if isinstance(speakers, dict)
    }


def _kept(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Those of acceptance as they stand, those of P(right), where there are any, under `p_right`."""
    kept = {key: figures[key] for key in KEPT_FIGURES if figures.get(key) is not None}
    if isinstance(p_right := figures.get("p_right"), dict):
        kept["p_right"] = {key: p_right[key] for key in KEPT_OF_P_RIGHT if p_right.get(key) is not None}
    return kept


def _calibrator(path: Path | None, *, asked: bool) -> "Calibrator | None":
    from lacie_chat.confidence import Calibrator

    if path is None or (not asked and not path.is_file()):
        return None
    try:
        return Calibrator.load(path)
    except ValueError as error:
        raise ExportError(str(error)) from error
