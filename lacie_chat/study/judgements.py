"""A person's file: JSON lines, one more after each judgement, on the disk before the next item is shown.

The first line says to which study and to whom the rest belongs. A correction is a further line on the same item; the
last one counts. Whoever begins again with the same name goes on where the file ends. Files laid end to end are a file
too. No line says who answered: an item's id is opaque.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lacie_chat.rows import Row, RowFile, read_rows
from lacie_chat.study.records import FORMAT, StudyError

SURE_WORDS = {1: "guessing", 2: "unsure", 3: "fairly sure", 4: "sure", 5: "certain"}
"""How sure a person is of their verdict."""

LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said of an item: accepted or not, how sure (1 to 5), whether they knew the answer; `seconds` from
    when it was shown to the last key.
    """

    item: str
    accepted: bool
    sure: int
    known: bool
    seconds: float

    def same_verdict(self, other: "Judgement") -> bool:
        """The same but for the time that it took."""
        return (self.accepted, self.sure, self.known) == (other.accepted, other.sure, other.known)


@dataclass(frozen=True, slots=True)
class PersonPart:
    """What one file holds of one person in one study; the last judgement of each item."""

    path: Path
    study_id: str
    person: str
    items: int | None
    judgements: dict[str, Judgement]


class PersonFile:
    """One person's file in a study, opened to go on with."""

    def __init__(self, path: Path, person: str, items: int | None, judgements: Mapping[str, Judgement]) -> None:
        self.path = path
        self.person = person
        self.items = items
        self.judgements = dict(judgements)
        self._rows = RowFile(path)

    @classmethod
    def open(cls, folder: Path, study_id: str, person: str, items: int | None = None) -> "PersonFile":
        """Begin, or go on. `items`: how many questions this person is to see; None: as begun, else all. Raises
        StudyError: the file is of another study or person, or was begun with another number of items.
        """
        person = person.strip()
        if not person or len(person) > LONGEST_NAME or not person.isprintable():
            raise StudyError(f"a person's name is 1 to {LONGEST_NAME} printable characters; give another --person")
        path = folder / file_name(person)
        file = RowFile(path)  # cuts off a torn last line
        if not file.ids:
            header = {"id": _new_id(), "format": FORMAT, "study": study_id, "person": person, "items": items}
            file.append([header])
            return cls(path, person, items, {})
        parts = read_people(path)
        part = parts[0]
        for other in parts:
            if other.person != person:
                raise StudyError(f"{path} is the file of somebody else ({other.person}); give another --person")
        judgements = merge(parts, study_id)[person]
        if items is not None and items != part.items:
            begun = "all questions" if part.items is None else f"--items {part.items}"
            raise StudyError(f"{path} was begun with {begun}; go on without --items, or under another --person")
        return cls(path, person, part.items, judgements)

    def add(self, judgement: Judgement) -> None:
        """Keep a judgement, or the correction of one; on the disk when this returns. Raises LacieError if it can't."""
        row = {
            "id": _new_id(),
            "item": judgement.item,
            "accepted": judgement.accepted,
            "sure": judgement.sure,
            "known": judgement.known,
            "seconds": round(judgement.seconds, 1),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._rows.append([row])
        self.judgements[judgement.item] = judgement


def _new_id() -> str:
    """An id that stays unique when files are laid end to end."""
    return secrets.token_hex(6)


def file_name(person: str) -> str:
    """A name that any file system takes; two people never share one."""
    plain = re.sub(r"[^a-z0-9]+", "-", person.lower()).strip("-")[:40]
    if plain == person:
        return f"{plain}.jsonl"
    return f"{plain or 'person'}-{hashlib.sha256(person.encode()).hexdigest()[:6]}.jsonl"


def read_people(path: Path) -> list[PersonPart]:
    """What a file holds, a part a header. Raises LacieError, naming the line, for what isn't a file of judgements."""
    parts: list[PersonPart] = []
    for number, row in enumerate(read_rows(path, torn=True), start=1):
        if "study" in row:
            _check_header(path, number, row)
            parts.append(PersonPart(path, row["study"], row["person"], row["items"], {}))
            continue
        judgement = _judgement(row)
        if judgement is None or not parts:
            raise StudyError(f"{path}, row {number}: this is no judgement of a study (lacie study run writes them)")
        parts[-1].judgements[judgement.item] = judgement
    if not parts:
        raise StudyError(f"{path} holds no judgements")
    return parts


def other_study(part: PersonPart, study_id: str) -> str:
    """The line for a file that belongs elsewhere."""
    return f"{part.path} is of another study ({part.study_id}; this one is {study_id})"


def _check_header(path: Path, number: int, row: Row) -> None:
    if row.get("format") != FORMAT:
        raise StudyError(f"{path} is of another version of lacie-chat (format {row.get('format')}, not {FORMAT})")
    items = row.get("items")
    if not isinstance(row["study"], str) or not isinstance(row.get("person"), str) or not isinstance(items, int | None):
        raise StudyError(f"{path}, row {number}: not the first line of a person's file")
    row["items"] = items


def _judgement(row: Mapping[str, Any]) -> Judgement | None:
    item, sure, seconds = row.get("item"), row.get("sure"), row.get("seconds", 0.0)
    accepted, known = row.get("accepted"), row.get("known")
    if not isinstance(item, str) or not isinstance(accepted, bool) or not isinstance(known, bool):
        return None
    if type(sure) is not int or sure not in SURE_WORDS or not isinstance(seconds, int | float):
        return None
    return Judgement(item, accepted, int(sure), known, float(seconds))


def merge(parts: Sequence[PersonPart], study_id: str) -> dict[str, dict[str, Judgement]]:
    """person -> item -> judgement, from any number of files. The same judgement twice is one. Raises StudyError: a file
    of another study, and two files that have one person say different things of one item.
    """
    merged: dict[str, dict[str, Judgement]] = {}
    source: dict[tuple[str, str], Path] = {}
    for part in parts:
        if part.study_id != study_id:
            raise StudyError(other_study(part, study_id))
        own = merged.setdefault(part.person, {})
        for item, judgement in part.judgements.items():
            before = own.get(item)
            if before is not None and not before.same_verdict(judgement):
                first = source[part.person, item]
                where = f"{first} and {part.path}" if first != part.path else f"two parts of {part.path}"
                raise StudyError(f"{where} conflict: {part.person!r} judged item {item} differently; keep one of them")
            own[item] = judgement
            source[part.person, item] = part.path
    return merged
