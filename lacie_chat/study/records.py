"""The study's own files: how its answers were made, and the answers, of both speakers, made once.

    DIR/study.json      what the answers are made with, and, once all are there, the study's id
    DIR/answers.jsonl   two rows a question, one a speaker
    DIR/people/         a file a person, see judgements.py

The id is a digest of the answers. It is in every person's file, so that judgements of other answers, or of answers that
were changed later, can't be mixed in. Only `study report` looks from an item back to its speaker.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lacie_chat.cut_off import CUT_OFF
from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.rows import Row, RowFile, read_rows, write_json
from lacie_chat.study.checks import item_id

SpeakerName = Literal["baseline", "lacie"]
SPEAKERS: tuple[SpeakerName, SpeakerName] = ("baseline", "lacie")
FORMAT = 1


class StudyError(LacieError):
    """A study, or a file of judgements, that can't be used as it is: one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One speaker's answer to one question, and what is known of it. Never shown as a whole to a person."""

    question_id: str
    speaker: SpeakerName
    question: str
    response: str
    correct: bool
    state: str
    acceptance: float | None
    cut: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Answer":
        """Raises KeyError for what is missing, ValueError for what is of the wrong type."""
        for name, kind in _KINDS.items():
            if not isinstance(row[name], kind) or (isinstance(row[name], bool) and kind is not bool):
                raise ValueError(f"{name!r} is of the wrong type")
        if row.get("speaker", row.get("side")) not in SPEAKERS:
            raise ValueError("'speaker' is none of the two")
        return cls(
            question_id=row["question_id"],
            speaker=row["speaker"] if "speaker" in row else row["side"],  # what studies begun before called it
            question=row["question"],
            response=row["response"],
            correct=row["correct"],
            state=row["state"],
            acceptance=row["acceptance"],
            cut=row["finish"] in CUT_OFF,
        )


_KINDS: dict[str, Any] = {
    "question_id": str, "question": str, "response": str, "correct": bool, "state": str,
    "acceptance": int | float | None, "finish": str | None,
}  # fmt: skip


class Study:
    """A study whose answers are all made."""

    def __init__(self, folder: Path, made_with: Mapping[str, Any], answers: Sequence[Answer]) -> None:
        self.folder = folder
        self.made_with = dict(made_with)
        self.answers = list(answers)
        self.id = digest(answers)
        self._by_key = {(answer.question_id, answer.speaker): answer for answer in answers}

    @property
    def people_dir(self) -> Path:
        return self.folder / "people"

    def question_ids(self) -> list[str]:
        """All questions, in the order of the questions file."""
        return list(dict.fromkeys(answer.question_id for answer in self.answers))

    def answer(self, question_id: str, speaker: SpeakerName) -> Answer:
        return self._by_key[question_id, speaker]

    def item(self, question_id: str, speaker: SpeakerName) -> str:
        """The id under which an answer is judged; it doesn't tell the speaker."""
        return item_id(self.id, question_id, speaker)

    @cached_property
    def answers_by_item(self) -> dict[str, Answer]:
        """The way back, for the report."""
        return {self.item(answer.question_id, answer.speaker): answer for answer in self.answers}

    def same_texts(self) -> int:
        """Questions to which both speakers said the same, word for word: there is nothing to tell apart."""
        pairs = ([self.answer(question, speaker).response for speaker in SPEAKERS] for question in self.question_ids())
        return sum(one == other for one, other in pairs)


def digest(answers: Iterable[Answer]) -> str:
    """16 hex digits over who answered what, whatever the order of the rows."""
    parts = sorted([a.question_id, a.speaker, a.question, a.response] for a in answers)
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


def questions_digest(rows: Sequence[Row]) -> str:
    """16 hex digits over the questions, their accepted answers, and how those are compared."""
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]


def answers_file(folder: Path) -> Path:
    return folder / "answers.jsonl"


def begin(folder: Path, made_with: Mapping[str, Any], *, told_apart_by: Sequence[str]) -> RowFile:
    """Begin a study, or go on with it: the file that takes the answers. Raises StudyError if the folder holds a study
    that differs in one of the keys `told_apart_by`.
    """
    path = folder / "study.json"
    if path.is_file():
        before = _read_study(folder)["made_with"]
        differing = [key for key in told_apart_by if before.get(key) != made_with.get(key)]
        if differing:
            names = ", ".join(key.replace("_", " ") for key in differing)
            raise StudyError(f"{folder} holds another study (it differs in: {names}); give another --out folder")
    else:
        if answers_file(folder).exists():
            raise StudyError(
                f"{folder} has answers, but no study.json that says how they were made; give another --out"
            )
        write_json(path, {"format": FORMAT, "id": None, "made_with": dict(made_with)})
    return RowFile(answers_file(folder))


def answer_id(question_id: str, speaker: SpeakerName) -> str:
    """The `id` of a row of answers.jsonl."""
    return f"{question_id}/{speaker}"


def finish(folder: Path) -> Study:
    """Give the study its id, now that all answers are there. Raises StudyError if both speakers gave the same answer
    to every question: nothing could be studied then.
    """
    data = _read_study(folder)
    study = Study(folder, data["made_with"], _read_answers(folder))
    questions = study.question_ids()
    if study.same_texts() == len(questions):
        raise StudyError(
            f"both speakers gave the same answer to all {len(questions)} questions: the adapter changes nothing here; "
            "give another adapter, or more questions, and another --out folder"
        )
    if data["id"] is None:
        write_json(folder / "study.json", {**data, "id": study.id, "questions": len(questions)})
    return open_study(folder)


def open_study(folder: Path) -> Study:
    """The study in a folder. Raises StudyError: none there, not all answers made yet, answers changed since."""
    data = _read_study(folder)
    if data["id"] is None:
        raise StudyError(
            f"the answers of the study in {folder} are not all made yet; go on with the "
            "`lacie study run --questions …` that began it"
        )
    study = Study(folder, data["made_with"], _read_answers(folder))
    if study.id != data["id"]:
        raise StudyError(f"{answers_file(folder)} was changed since the study began (its id was {data['id']})")
    return study


def is_complete(folder: Path) -> bool:
    """Whether a folder holds a study whose answers are all made."""
    return (folder / "study.json").is_file() and _read_study(folder)["id"] is not None


def _read_study(folder: Path) -> dict[str, Any]:
    path = folder / "study.json"
    try:
        data = read_json(path)
    except FileNotFoundError:
        raise StudyError(f"{folder} holds no study (there is no study.json); begin one: lacie study run") from None
    except OSError as error:
        raise StudyError(f"{path} can't be read: {error.strerror or error}") from error
    except NoJSON as error:
        raise StudyError(f"{path} is not a study file: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("made_with"), dict) or "id" not in data:
        raise StudyError(f"{path} is not a study file")
    if data.get("format") != FORMAT:
        raise StudyError(f"{path} is of another version of lacie-chat (format {data.get('format')}, not {FORMAT})")
    return data


def _read_answers(folder: Path) -> list[Answer]:
    path = answers_file(folder)
    answers: dict[str, Answer] = {}
    for number, row in enumerate(read_rows(path), start=1):
        try:
            answer = Answer.from_row(row)
        except KeyError as error:
            raise StudyError(f"{path}, row {number}: {error.args[0]!r} is missing") from None
        except ValueError as error:
            raise StudyError(f"{path}, row {number}: {error}") from None
        answers.setdefault(answer_id(answer.question_id, answer.speaker), answer)
    for question_id in {answer.question_id for answer in answers.values()}:
        for speaker in SPEAKERS:
            if answer_id(question_id, speaker) not in answers:
                raise StudyError(f"{path}: one of the two answers to question {question_id!r} is missing")
    if not answers:
        raise StudyError(f"{path} holds no answers")
    return list(answers.values())
