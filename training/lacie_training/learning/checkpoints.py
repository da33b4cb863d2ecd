"""Checkpoints of the training, and which of them becomes the run's adapter.

The best is the one whose responses the listener tells right from wrong most often: the highest F1 of acceptance on
validation questions, the earlier one if two are level. It is chosen while training (`during`), or checkpoint by
checkpoint afterwards by whatever generator the speaker has (`after`: for models that are sharded while they train).
"""

from pathlib import Path
from typing import Any

from lacie_chat.confidence import Listener
from lacie_chat.evaluation.answering import answer_rows, judged
from lacie_chat.foreign_json import read_json
from lacie_chat.progress import progress
from lacie_chat.statistics.metrics import Scored, point
from lacie_training.errors import TrainingError
from lacie_training.generators import Generator
from lacie_training.generators.sharing import Models
from lacie_training.learning.adapters import keep_adapter
from lacie_training.own_process import in_own_process
from lacie_training.questions.screening import screened
from lacie_training.questions.splits import Question, load_questions
from lacie_training.recipes.schema import Recipe
from lacie_training.row_kinds import SCORES, rows_of_kind
from lacie_training.run_folder import Row, RowFile, RunFolder, read_recipe
from lacie_training.samples.threshold import evaluation_threshold

BEST = "checkpoints/best"


def checkpoint_steps(folder: Path) -> list[int]:
    """Steps with a whole checkpoint, ascending. The trainer's state is the file written last."""
    steps = []
    for path in folder.glob("checkpoint-*"):
        state = path / "trainer_state.json"
        try:
            read_json(state)
            steps.append(int(path.name.rpartition("-")[2]))
        except (OSError, ValueError):
            continue
    return sorted(steps)


def keep_if_best(folder: Path, step: int) -> None:
    """Put a checkpoint's adapter aside if it is the best so far: its checkpoint may be deleted as others come."""
    if best_step(rows_of_kind(folder / "validation.jsonl", SCORES)) == step:
        keep_adapter(folder / "checkpoints" / f"checkpoint-{step}", folder / BEST)


def validation_row(
    step: int, generator: Generator, listener: Listener, recipe: Recipe, questions: list[Question], threshold: float
) -> tuple[Row, list[Row]]:
    """The listener's figures for one checkpoint, and the rows behind them."""
    form, sampling = recipe.speaker.form(), recipe.evaluate.sampling()
    answered = answer_rows(generator, listener, questions, form=form, sampling=sampling, seed=recipe.seed)
    rows = judged(answered, questions)
    return score_rows(step, rows, recipe, threshold), rows


def score_rows(step: int, rows: list[Row], recipe: Recipe, threshold: float) -> Row:
    """The figures of a checkpoint's rows; an F1 over nothing is 0, the worst."""
    figures = point(Scored.from_rows(rows), threshold, recipe.evaluate.bins)
    kept = ("f1", "precision", "recall", "auroc", "ece", "accuracy", "abstention_rate")
    numbers: dict[str, Any] = {key: _number(figures[key]) for key in kept}
    return {"id": f"step-{step}", "step": step, "n": len(rows), **numbers}


def _number(value: float) -> float | None:
    return None if value != value else value


def best_step(rows: list[Row]) -> int:
    """The step of the highest F1, the earliest of several."""
    if not rows:
        raise TrainingError("validation.jsonl holds no checkpoint's figures; run the stage 'dpo' again")
    best = max(rows, key=lambda row: (row["f1"] or 0.0, -row["step"]))
    return int(best["step"])


def validation_questions(folder: RunFolder) -> list[Question]:
    """The questions by which checkpoints are compared."""
    recipe = folder.recipe
    questions = screened(folder, "validation", load_questions(folder.path, recipe).validation)
    return questions[: recipe.dpo.validation_questions]


def choose_afterwards(folder: RunFolder) -> None:
    """`select: after`: have every checkpoint answer the validation questions and keep the best one's adapter.

    That is done in a process of its own: what trained still holds its share of each GPU's memory, and vLLM looks for
    nearly all of it to be free.
    """
    recipe, checkpoints = folder.recipe, folder.path / "checkpoints"
    steps = _compared(folder)
    if not steps:
        raise TrainingError(f"{checkpoints} holds no checkpoints; run the stage 'dpo' first")
    if RowFile(folder.path / "validation.jsonl").missing(f"step-{step}" for step in steps):
        in_own_process(score_checkpoints, folder.path, name="the comparison of checkpoints")
    step = best_step(rows_of_kind(folder.path / "validation.jsonl", SCORES))
    keep_adapter(checkpoints / f"checkpoint-{step}", folder.path / "adapter", strength=recipe.dpo.strength)
    print(f"dpo: the adapter is that of step {step} of {recipe.dpo.steps}")


def score_checkpoints(path: Path) -> None:
    """Fill the `validation.jsonl` of a run folder: one copy of the speaker, with one checkpoint's adapter at a time."""
    folder = RunFolder(path, read_recipe(path))
    recipe, checkpoints = folder.recipe, path / "checkpoints"
    file, steps = RowFile(path / "validation.jsonl"), _compared(folder)
    todo = [step for step in steps if file.missing([f"step-{step}"])]
    adapters = {step: checkpoints / f"checkpoint-{step}" for step in todo}
    questions, threshold = validation_questions(folder), evaluation_threshold(folder)
    with (
        Models(recipe, list(adapters.values())) as models,
        progress("validation", len(steps), "checkpoints", already=len(steps) - len(todo)) as advance,
    ):
        for step, adapter in adapters.items():
            row, _ = validation_row(step, models.speaker(adapter), models.listener, recipe, questions, threshold)
            file.append([row])
            advance(1, f"step {step}: F1 {row['f1']}")


def _compared(folder: RunFolder) -> list[int]:
    """The steps whose checkpoints are compared: one that a stop left between two of the grid is none of an
    uninterrupted run's.
    """
    dpo = folder.recipe.dpo
    return [
        step
        for step in checkpoint_steps(folder.path / "checkpoints")
        if step % dpo.save_every == 0 or step == dpo.steps
    ]
