"""A run folder: one recipe, one process at a time, rows that survive `kill -9`.

Stages hand over JSON lines. A stage cuts its work into chunks, in an order that depends on its input alone, and
appends a chunk's rows with one write and an fsync. So the file is at any moment a prefix of the finished one, but
for a torn last line, which the next start cuts off; the rest of that chunk is made again (the seeds hang on the
rows, not on the process) and only the missing rows are appended. That is why an interrupted run ends with the very
file of an uninterrupted one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lacie_chat.rows import Row, RowFile, locked, read_rows, to_do, write_json, write_rows, write_text, writing
from lacie_training.errors import TrainingError
from lacie_training.recipes.files import parse_recipe, read_yaml
from lacie_training.recipes.schema import Recipe

__all__ = [
    "Row",
    "RowFile",
    "RunFolder",
    "differences",
    "locked",
    "read_recipe",
    "read_rows",
    "to_do",
    "write_json",
    "write_rows",
    "write_text",
]


_MADE_BY = {
    "samples.jsonl": "sample",
    "judged.jsonl": "judge",
    "pairs.jsonl": "pairs",
    "pairs_report.json": "pairs",
    "validation.jsonl": "dpo",
}


class RunFolder:
    """The folder of one execution of a recipe. `open` makes it, or checks that it belongs to the same recipe."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path = path
        self.recipe = recipe

    @classmethod
    def open(cls, path: Path, recipe: Recipe) -> "RunFolder":
        """Raises TrainingError if the folder holds a run of another recipe, naming what differs."""
        stored = path / "recipe.yaml"
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        if stored.is_file():
            before = read_recipe(path)
            if before.digest() != recipe.digest():
                different = ", ".join(differences(before.identity(), recipe.identity()))
                raise TrainingError(
                    f"{path} is a run of another recipe (it differs in {different}); "
                    "give another --run folder, or the settings it was started with"
                )
        write_text(stored, recipe.to_yaml())
        return cls(path, recipe)

    @contextmanager
    def lock(self, name: str = "stage") -> Iterator[None]:
        """Hold the folder for this process; raises TrainingError at once if another process holds it."""
        with locked(self.path, name):
            yield

    def file(self, name: str) -> Path:
        """A file of this run that an earlier stage has written; raises TrainingError if it isn't there."""
        path = self.path / name
        if not path.is_file():
            stage = _MADE_BY.get(name, "earlier")
            raise TrainingError(f"{path} is not there yet; run the stage {stage!r} first")
        return path


def read_recipe(run: Path) -> Recipe:
    """The resolved recipe of a run folder."""
    path = run / "recipe.yaml"
    if not path.is_file():
        raise TrainingError(f"{run} is not a run folder: it holds no {path.name}")
    return parse_recipe(read_yaml(path), source=str(path))


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Where two identities (or the same parts of them) differ, as dotted paths; the first five and how many more."""
    left, right = _flat(one), _flat(other)
    keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    return keys[:5] + ([f"and {len(keys) - 5} more"] if len(keys) > 5 else [])


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, Mapping) or not values:
        return {prefix: values}
    return {
        path: leaf
        for key, value in values.items()
        for path, leaf in _flat(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }
