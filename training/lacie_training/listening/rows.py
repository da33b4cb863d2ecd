"""Rows of a user's files of JSON lines, checked field by field: what is wrong is one line that names file and line."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_chat.errors import LacieError
from lacie_chat.rows import Row, numbered_rows
from lacie_training.errors import TrainingError

TRAIN = "train"
"""The `split` that is trained on; rows of any other are left out, rows without one are taken."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row and where it stands, with getters that raise TrainingError."""

    path: Path
    number: int
    row: Row

    def error(self, what: str) -> TrainingError:
        """The error that says what is wrong with this line."""
        return TrainingError(f"{self.path}, line {self.number}: {what}")

    def text(self, key: str) -> str:
        """A text that says something. Raises TrainingError: missing, no text, empty, half a character."""
        value = self.value(key)
        if not isinstance(value, str):
            raise self.error(f"{key!r} is not a text (got {_short(value)})")
        if not value.strip():
            raise self.error(f"{key!r} is empty")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise self.error(f"{key!r} holds half of a character (a lone surrogate)") from None
        return value

    def optional_text(self, key: str) -> str | None:
        """As `text`, or None where it is null or not there."""
        return None if self.row.get(key) is None else self.text(key)

    def number_from(self, key: str, least: float, most: float = math.inf) -> float:
        """A number from `least` to `most`. Raises TrainingError: missing, no number, NaN, outside."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{key!r} is not a number (got {_short(value)})")
        if not least <= value <= most or math.isinf(value):  # a NaN is in no order
            wanted = f"from {least:g} to {most:g}" if most < math.inf else f"from {least:g} up"
            raise self.error(f"{key!r} must be a number {wanted} (got {_short(value)})")
        return float(value)

    def value(self, key: str) -> Any:
        """What stands there. Raises TrainingError where the key is missing."""
        if key not in self.row:
            raise self.error(f"{key!r} is missing")
        return self.row[key]


def training_lines(path: Path) -> list[Line]:
    """The lines of a file that are to be trained on. Raises TrainingError: not there, not UTF-8, not JSON, empty."""
    try:
        rows = numbered_rows(path)
    except LacieError as error:
        raise TrainingError(str(error)) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise TrainingError(f"{path} can't be read: {error}") from error
    if not rows:
        raise TrainingError(f"{path} is empty: it holds no row")
    lines = [Line(path, number, row) for number, row in rows]
    kept = [line for line in lines if line.row.get("split") is None or line.text("split") == TRAIN]
    if not kept:
        raise TrainingError(f"{path} holds nothing to train on: no row has the split {TRAIN!r}")
    return kept


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 40 else f"{said[:37]}…"
