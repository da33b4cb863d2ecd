"""The run's calibrator: from signals to P(right), fitted on held-out questions of which no figure is reported.

Fitted for the adapter, which is what `lacie export` takes along as `calibrator.json`, and for the baseline beside it,
so that P(right) of the two can be compared. The questions are those of `questions.calibration`, which
no stage has seen; where the recipe names none, the validation questions that chose no checkpoint; else all of them. A
validation set that was screened is no fair sample of questions and fits none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_chat.confidence import Calibrator, WayOfDrawing, signal_values
from lacie_chat.models import fingerprint, pair_fingerprint
from lacie_chat.statistics.fitting import MINIMUM, FittingError, fit_calibrator
from lacie_training.generators import listener_version
from lacie_training.generators.loading import gguf_path
from lacie_training.learning.checkpoints import validation_questions
from lacie_training.questions.splits import Question, calibration_name, load_calibration, load_questions
from lacie_training.recipes.models import TUNED
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import Row, RunFolder, write_json

CALIBRATOR = "calibrator.json"
MINIMUM_RIGHT = 10
"""Right answers (and wrong ones) under which none is fitted: a slope that hangs on fewer is luck."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """One speaker's calibrator, or why there is none; `figures` is what `metrics.json` says of it."""

    calibrator: Calibrator | None
    figures: dict[str, Any]


def calibration_questions(folder: RunFolder) -> tuple[str, list[Question]]:
    """A name for what the questions are, and the questions; none where there is no fair or no large enough set."""
    recipe = folder.recipe
    if recipe.questions.calibration is not None:
        return calibration_name(recipe.questions.calibration), load_calibration(folder.path, recipe)
    if recipe.questions.validation.screen is not None:
        return "validation", []
    questions = load_questions(folder.path, recipe).validation
    chosen_by = set() if recipe.dpo.select == "last" else {each.id for each in validation_questions(folder)}
    rest = [question for question in questions if question.id not in chosen_by]
    questions = rest if len(rest) >= MINIMUM else questions
    return "validation", questions if len(questions) >= MINIMUM else []


def fit(folder: RunFolder, speaker: str, rows: Sequence[Row]) -> Fitted:
    """Fit one speaker's calibrator on its answers to the calibration questions."""
    recipe = folder.recipe
    claims = [row for row in rows if signal_values(row)]
    right = sum(bool(row["correct"]) for row in claims)
    figures: dict[str, Any] = {"questions": len(rows), "n": len(claims), "right": right}
    if not rows:
        screened = "screened" if recipe.questions.validation.screen else f"fewer than {MINIMUM}"
        why = f"the validation questions are {screened}; name a set as questions.calibration"
        return Fitted(None, {**figures, "none": why})
    if min(right, len(claims) - right) < MINIMUM_RIGHT:
        why = f"{right} of {len(claims)} answers are right; at least {MINIMUM_RIGHT} right and wrong ones are needed"
        return Fitted(None, {**figures, "none": why})
    try:
        report = fit_calibrator(
            [signal_values(row) for row in claims],
            [bool(row["correct"]) for row in claims],
            model_fingerprint=_fingerprint(folder, speaker),
            source=f"{recipe.name}, {len(claims)} answers to held-out questions",
            sampling=WayOfDrawing.of(recipe.evaluate.sampling()),
            seed=recipe.seed,
            version=listener_version(recipe),
        )
    except FittingError as error:
        return Fitted(None, {**figures, "none": str(error)})
    return Fitted(report.calibrator, {**figures, **report.to_dict()})


def keep(folder: RunFolder, fitted: Fitted) -> str:
    """Write the adapter's calibrator as the run's, or take an old one away; one line that says which."""
    path = folder.path / CALIBRATOR
    calibrator = fitted.calibrator
    if calibrator is not None and not heard_as_in_the_chat(folder.recipe):
        why = f"the chat hears with the tuned listener, and this run with {folder.recipe.listener.model}"
        fitted.figures["not_kept"] = why
        calibrator = None
    elif calibrator is None:
        why = fitted.figures["none"]
    if calibrator is None:
        path.unlink(missing_ok=True)
        return f"no {CALIBRATOR}: {why}"
    write_json(path, calibrator.to_dict())
    losses = {name: each["log_loss"]["value"] for name, each in fitted.figures["figures"].items()}
    found = "" if fitted.figures["tells_apart"] else "; it says no more than the share of right answers does"
    return (
        f"{CALIBRATOR}: from {', '.join(calibrator.signals) or 'nothing'}; {calibrator.right} of {calibrator.n} "
        f"answers right, held-out log loss {losses['p_right']:.3f}, by the acceptance alone {losses['wording']:.3f}"
        f"{found}"
    )


def heard_as_in_the_chat(recipe: Recipe) -> bool:
    """Whether this run's listener is the chat's: only then does a calibrator fit what is shown there."""
    return recipe.listener.model == TUNED


def _fingerprint(folder: RunFolder, speaker: str) -> str:
    """That of the GGUF and the adapter; of a model that is no GGUF, the adapter's alone, or its name."""
    settings = folder.recipe.speaker
    weights: Path | None = folder.path / "adapter" / "adapter_model.safetensors" if speaker == "adapter" else None
    gguf = gguf_path(settings.model)
    if gguf is not None:
        return pair_fingerprint(gguf, weights)
    return fingerprint(weights) if weights else settings.model
