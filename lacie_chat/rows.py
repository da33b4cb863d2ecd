"""Files of JSON lines that survive `kill -9`, and whole files that are either the old one or the new one.

Rows are appended with one write and an fsync, so a file is at any moment a prefix of the finished one, but for a torn
last line, which the next start cuts off. Whoever appends makes the missing rows again; rows that are there are not
repeated. Training's run folders, evaluations and studies are all made of such files.
"""

import errno
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import LONGEST_LINE, NoJSON, parse_json
from lacie_chat.private import opener

Row = dict[str, Any]
_PIECE = 1 << 16


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the file system's refusals while writing `path` into one clear line (a LacieError)."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LacieError(
                f"the disk is full: {path} could not be written; free some space and start the same command again, "
                "it goes on where it stopped"
            ) from error
        raise LacieError(f"{path} can't be written: {error.strerror or error}") from error


class RowFile:
    """An append-only JSON lines file of rows with unique `id`s, repaired when it is opened for writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            open(path, "ab", opener=opener).close()
            _cut_torn_line(path)
        self.ids: set[str] = set()
        for number, row in enumerate(read_rows(path), start=1):
            if "id" not in row:
                raise LacieError(f"{path}, row {number}: 'id' is missing")
            self.ids.add(str(row["id"]))

    def missing(self, ids: Iterable[str]) -> bool:
        """Whether any of these rows is still to be made."""
        return any(row_id not in self.ids for row_id in ids)

    def append(self, rows: Sequence[Row]) -> None:
        """Append those rows that the file hasn't yet, with one write, on the disk when this returns."""
        new = [row for row in rows if str(row["id"]) not in self.ids]
        if not new:
            return
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in new)
        with writing(self.path), open(self.path, "ab", opener=opener) as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        self.ids.update(str(row["id"]) for row in new)


def read_rows(path: Path, *, torn: bool = False) -> list[Row]:
    """All rows of a JSON lines file; a broken line raises LacieError with its number.

    `torn`: whoever wrote the file may have been cut off, so what follows the last newline is passed over.
    """
    return [row for _, row in numbered_rows(path, torn=torn)]


def numbered_rows(path: Path, *, torn: bool = False) -> list[tuple[int, Row]]:
    """As `read_rows`, each row with the number of its line (empty lines are no rows, but they count)."""
    rows: list[tuple[int, Row]] = []
    try:
        # not splitlines(): that would also cut at U+2028 and its like inside a string
        with path.open("rb") as file:
            for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), b""), start=1):
                if not line.strip() or (torn and not line.endswith(b"\n")):
                    continue
                try:
                    row = parse_json(line, most=LONGEST_LINE)
                except NoJSON as error:
                    raise LacieError(f"{path}, line {number}: {error}") from error
                if not isinstance(row, dict):
                    raise LacieError(f"{path}, line {number}: not a JSON object")
                rows.append((number, row))
    except OSError as error:
        raise LacieError(f"{path} can't be read: {error.strerror or error}") from error
    return rows


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold a folder for this process; raises LacieError at once if another process holds it under this name."""
    path = folder / f".{name}.lock"
    lock = FileLock(path, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        open(path, "ab", opener=opener).close()
        lock.acquire()
    except Timeout:  # before OSError, which it is
        raise LacieError(f"another process is working on {folder}; wait for it, or stop it first") from None
    except OSError as error:
        raise LacieError(f"{path} can't be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def to_do(file: RowFile, ids: Sequence[str], size: int) -> list[slice]:
    """The chunks of `size` places in which a row is missing. Chunks hang on the input alone: what is made together is
    made together again after an interruption, to the last bit.
    """
    chunks = [slice(start, start + size) for start in range(0, len(ids), size)]
    return [chunk for chunk in chunks if file.missing(ids[chunk])]


def _cut_torn_line(path: Path) -> None:
    """Cut what follows the last line that is whole: ends in a newline and parses (a power cut can leave zeros)."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        end = _newline_before(file, size)
        while end:
            start = _newline_before(file, end - 1)
            if end - start > LONGEST_LINE:
                break  # not torn: who reads it says that it is too long
            file.seek(start)
            if _parses(file.read(end - start)):
                break
            end = start
        if end != size:
            file.truncate(end)
            file.flush()
            os.fsync(file.fileno())


def _newline_before(file: BinaryIO, end: int) -> int:
    """The place behind the last newline before `end`; 0 where there is none. A file of gigabytes is read from there
    on, a piece at a time."""
    while end:
        start = max(0, end - _PIECE)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _parses(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return False
    except (ValueError, RecursionError):  # not torn: who reads it says what is wrong
        return True


def write_text(path: Path, text: str) -> None:
    """Write a whole file so that it is either the old one or the new one, whatever happens."""
    temporary = path.with_name(path.name + ".part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "w", encoding="utf-8", opener=opener) as file:
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
