"""A run folder: one recipe, one process at a time, rows that survive `kill -9`.

Stages hand over JSON lines. A stage cuts its work into chunks, in an order that depends on its input alone, and
appends a chunk's rows with one write and an fsync. So the file is at any moment a prefix of the finished one, but
for a torn last line, which the next start cuts off; the rest of that chunk is made again (the seeds hang on the
rows, not on the process) and only the missing rows are appended. That is why an interrupted run ends with the very
file of an uninterrupted one.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from training.errors import TrainingError, writing
from training.recipes import Recipe, parse_recipe

Row = dict[str, Any]


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
                raise TrainingError(
                    f"{path} is a run of another recipe (it differs in {', '.join(_differences(before, recipe))}); "
                    "give another --run folder, or the settings it was started with"
                )
        write_text(stored, recipe.to_yaml())
        return cls(path, recipe)

    @contextmanager
    def lock(self, name: str = "stage") -> Iterator[None]:
        """Hold the folder for this process; raises TrainingError at once if another process holds it."""
        path = self.path / f".{name}.lock"
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:  # before OSError, which it is
            raise TrainingError(f"another process is working on {self.path}; wait for it, or stop it first") from None
        except OSError as error:
            raise TrainingError(f"{path} can't be written: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    def file(self, name: str) -> Path:
        """A file of this run that an earlier stage has written; raises TrainingError if it isn't there."""
        path = self.path / name
        if not path.is_file():
            stage = {"samples.jsonl": "sample", "judged.jsonl": "judge", "pairs.jsonl": "pairs"}.get(name, "earlier")
            raise TrainingError(f"{path} is not there yet; run the stage {stage!r} first")
        return path


def read_recipe(run: Path) -> Recipe:
    """The resolved recipe of a run folder."""
    path = run / "recipe.yaml"
    try:
        return parse_recipe(yaml.safe_load(path.read_text(encoding="utf-8")), source=str(path))
    except OSError as error:
        raise TrainingError(f"{run} is not a run folder: {error.strerror or error} ({path.name})") from error


def _differences(one: Recipe, other: Recipe) -> list[str]:
    left, right = _flat(one.identity()), _flat(other.identity())
    keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    return keys[:5] + ([f"and {len(keys) - 5} more"] if len(keys) > 5 else [])


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict) or not values:
        return {prefix: values}
    return {
        path: leaf
        for key, value in values.items()
        for path, leaf in _flat(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }


class RowFile:
    """An append-only JSON lines file of rows with unique `id`s, repaired when it is opened for writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file():
                _cut_torn_line(path)
            else:
                path.touch()
        self.ids = {str(row["id"]) for row in read_rows(path)}

    def missing(self, ids: Iterable[str]) -> bool:
        """Whether any of these rows is still to be made."""
        return any(row_id not in self.ids for row_id in ids)

    def append(self, rows: Sequence[Row]) -> None:
        """Append those rows that the file hasn't yet, with one write, on the disk when this returns."""
        new = [row for row in rows if str(row["id"]) not in self.ids]
        if not new:
            return
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in new)
        with writing(self.path), self.path.open("ab") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        self.ids.update(str(row["id"]) for row in new)


def read_rows(path: Path) -> list[Row]:
    """All rows of a JSON lines file; a broken line raises TrainingError with its number."""
    rows: list[Row] = []
    try:
        # not splitlines(): that would also cut at U+2028 and its like inside a string
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise TrainingError(f"{path}, line {number}: not valid JSON ({error.msg})") from error
            if not isinstance(row, dict):
                raise TrainingError(f"{path}, line {number}: not a JSON object")
            rows.append(row)
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise TrainingError(f"{path} can't be read: {error.strerror or error}") from error
    return rows


def _cut_torn_line(path: Path) -> None:
    """Cut what follows the last line that is whole: ends in a newline and parses (a power cut can leave zeros)."""
    with path.open("rb+") as file:
        data = file.read()
        end = len(data)
        while end:
            end = data.rfind(b"\n", 0, end) + 1
            start = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
            if end == 0 or _parses(data[start:end]):
                break
            end = start
        if end != len(data):
            file.truncate(end)
            file.flush()
            os.fsync(file.fileno())


def _parses(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def write_text(path: Path, text: str) -> None:
    """Write a whole file so that it is either the old one or the new one, whatever happens."""
    temporary = path.with_name(path.name + ".part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a whole JSON lines file at once (see `write_text`)."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document at once (see `write_text`)."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")
