"""A run that takes another run's samples and judgements, for recipes that differ only in what is made of them.

The truthful-only baseline is the case it is for: the paper's comparison says what the listener adds only if both are
trained on the same samples, and drawing and hearing them is most of a run's time. It serves as well for another beta,
other scores, or another adapter. Whatever a sample or a judgement hangs on must be the same (speaker, how it is asked
and drawn, questions, listener, seed, start); objective, pairs, dpo and evaluate may be others.

Files are copied, not linked: each run folder may be moved or deleted alone, and nothing that is written into one is
written into the other. `samples_of.json` says whose they are.
"""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from lacie_chat.rows import writing
from lacie_training.errors import TrainingError
from lacie_training.generators import listener_version
from lacie_training.questions.screening import training_questions
from lacie_training.questions.splits import load_questions
from lacie_training.recipes.schema import Recipe
from lacie_training.row_kinds import HEARD, IDS, rows_of_kind
from lacie_training.run_folder import RunFolder, differences, read_recipe, write_json
from lacie_training.sample import row_ids

SAMPLES_OF = "samples_of.json"
"""`run`, its recipe's `digest`, and the `sha256` of samples.jsonl and judged.jsonl."""

_ROWS = ("samples.jsonl", "judged.jsonl")
_MAY_DIFFER = ("name", "objective", "pairs", "dpo", "evaluate")


def check_fits(recipe: Recipe, other: Path) -> Recipe:
    """The recipe of the run `other`, whose samples a run of `recipe` may take.

    Raises TrainingError, one line: its settings don't fit, it isn't judged to its end, or another version of the
    assessment heard it.
    """
    theirs = read_recipe(other)
    if different := differences(made_of(theirs), made_of(recipe)):
        raise TrainingError(
            f"the samples of {other} don't fit this recipe: the two differ in {', '.join(different)}; only "
            f"{', '.join(_MAY_DIFFER[1:])} may differ"
        )
    _check_whole(RunFolder(other, theirs))
    return theirs


def take_samples(folder: RunFolder, other: Path) -> None:
    """Copy questions, samples and judgements of the run `other` into a run folder; what is there already is left.

    Raises TrainingError, one line, before anything is copied: what doesn't fit, or a folder with samples of its own.
    """
    if other.resolve() == folder.path.resolve():
        raise TrainingError(f"{other} is this run itself; give --samples-of another run's folder")
    recipe = check_fits(folder.recipe, other)
    names = [str(path.relative_to(other)) for path in sorted((other / "questions").glob("*.jsonl"))]
    names = [name for name in names if not Path(name).name.startswith("calibration-")]
    names += ["questions/counts.json", *_ROWS]
    theirs = {name: _sha256(other / name) for name in names}
    missing = [name for name in names if not (folder.path / name).is_file()]
    for name in names:
        if name not in missing and _sha256(folder.path / name) != theirs[name]:
            raise TrainingError(
                f"{folder.path / name} is not that of {other}: this run has begun with samples of its own; give "
                "another --run folder"
            )
    for name in missing:
        _copy(other / name, folder.path / name)
    write_json(
        folder.path / SAMPLES_OF,
        {"run": str(other), "digest": recipe.digest(), "sha256": {name: theirs[name] for name in _ROWS}},
    )
    print(f"run: samples and judgements are those of {other}")


def made_of(recipe: Recipe) -> dict[str, Any]:
    """The part of a recipe's identity that samples and judgements hang on."""
    return {key: value for key, value in recipe.identity().items() if key not in _MAY_DIFFER}


def _check_whole(other: RunFolder) -> None:
    """Raise TrainingError unless all samples of a run are drawn and judged, by the assessment as it is now."""
    if not (other.path / "questions" / "counts.json").is_file():
        raise TrainingError(f"{other.path} has no samples yet; run it first, at least to the end of the stage 'judge'")
    wanted = row_ids(other.recipe, training_questions(other, load_questions(other.path, other.recipe)))
    version = listener_version(other.recipe)
    for name, done, stage in zip(_ROWS, ("drawn", "judged"), ("sample", "judge"), strict=True):
        rows = rows_of_kind(other.file(name), HEARD if stage == "judge" else IDS, torn=True)
        there = {row["id"] for row in rows}
        if count := sum(each not in there for each in wanted):
            raise TrainingError(
                f"{count} of {len(wanted)} samples of {other.path} are not {done} yet; run its stage {stage!r} "
                "to its end"
            )
    heard = {str(row.get("assessment_version") or "unknown") for row in rows if row["acceptance"] is not None} - {
        version
    }
    if heard:
        raise TrainingError(
            f"{other.path / name} was heard by version {heard.pop()} of the assessment, and this one is {version}; "
            "draw and judge anew"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: Path, target: Path) -> None:
    """A whole file or none, whatever happens."""
    part = target.with_name(target.name + ".part")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as read, part.open("wb") as written:
            shutil.copyfileobj(read, written)
            written.flush()
            os.fsync(written.fileno())
        part.replace(target)
