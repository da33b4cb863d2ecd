"""What the rows of a run must hold, by the file that they stand in: a run folder goes from machine to machine, and
hands and other programs change what is in it.

A row that lacks something is named here, with its file, its number and the field, before a stage counts with it.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.rows import Row, read_rows
from lacie_training.errors import TrainingError

Fits = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number_or_none(value: Any) -> bool:
    return value is None or is_number(value)


def _share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def _share_or_none(value: Any) -> bool:
    return value is None or _share(value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_whole, value.values()))


Kind = Mapping[str, Fits]

SAMPLES: Kind = {
    **dict.fromkeys(("id", "question_id", "question", "prompt", "response", "match"), is_text),
    "answers": _texts,
}
JUDGED: Kind = {
    **dict.fromkeys(("id", "question_id", "prompt", "response", "finish", "state"), is_text),
    "answer_span": _text_or_none,
    "acceptance": _share_or_none,
    "correct": _truth,
}
IDS: Kind = {"id": is_text}
HEARD: Kind = {"id": is_text, "acceptance": _share_or_none}
TEXTS: Kind = {"masked_response": is_text}
PAIRS: Kind = {
    **dict.fromkeys(("id", "prompt", "chosen", "rejected"), is_text),
    **dict.fromkeys(("chosen_finished", "rejected_finished"), _truth),
}
SCREENED: Kind = {"id": is_text, "known": _truth}
REPORT: Kind = {
    **dict.fromkeys(("samples", "pairs"), _whole),
    "accept_threshold": is_number,
    **dict.fromkeys(("dropped_samples", "dropped_pairs", "kinds_before_balancing", "kinds"), _counts),
}
"""`pairs_report.json`, which is one."""
THRESHOLD: Kind = {"accept_threshold": is_number}
SCORES: Kind = {"id": is_text, "step": _whole, "f1": _number_or_none}
REFERENCES: Kind = {"question": is_text, "correct_answers": _texts, "incorrect_answers": _texts}
TRUTHS: Kind = {"id": is_text, "yes": is_number}


def rows_of_kind(path: Path, kind: Kind, *, torn: bool = False) -> list[Row]:
    """The rows of a file (see `read_rows`). Raises TrainingError, one line, for the first that isn't of the kind."""
    rows = read_rows(path, torn=torn)
    check_rows(rows, path, kind)
    return rows


def check_rows(rows: Iterable[Row], path: Path, kind: Kind) -> None:
    """The same of rows that are read already."""
    for number, row in enumerate(rows, start=1):
        check_fields(row, f"{path}, row {number}", kind)


def pairs_report(path: Path, kind: Kind = REPORT) -> Row:
    """What the stage 'pairs' has counted, and of it `kind`, all that is wanted. Raises TrainingError, one line, for a
    file that is none of it."""
    try:
        found = read_json(path)
    except (OSError, NoJSON) as error:
        raise TrainingError(f"{path} can't be read: {error}; run the stage 'pairs' again") from error
    if not isinstance(found, dict):
        raise TrainingError(f"{path} is no report of pairs; run the stage 'pairs' again")
    check_fields(found, str(path), kind)
    return found


def check_fields(row: Row, where: str, kind: Kind) -> None:
    """The same of one, which stands at `where`."""
    for name, fits in kind.items():
        if name not in row:
            raise TrainingError(f"{where}: {name!r} is missing")
        if not fits(row[name]):
            raise TrainingError(f"{where}: {name!r} is {_shown(row[name])}, which it can't be")


def _shown(value: Any) -> str:
    found = repr(value)
    return found if len(found) <= 40 else f"{found[:39]}…"
