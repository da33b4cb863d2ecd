"""Questions with their accepted answers, as evaluation, comparison, study and calibration read them from a file.

A questions file is JSON lines with `id`, `question`, `answers`, and perhaps `match` (`exact` or `lenient`) and `grade`
(how hard it is, in whatever words). A question that has no answer has an empty list: whatever is claimed is wrong, and
to decline is the best that one can do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_chat.errors import LacieError
from lacie_chat.evaluation.matching import MATCHERS, matcher
from lacie_chat.rows import Row, numbered_rows


@dataclass(frozen=True, slots=True)
class Question:
    """One question; any one of `answers` counts, compared as `match` says."""

    id: str
    question: str
    answers: tuple[str, ...]
    match: str = "exact"
    grade: str | None = None

    def is_right(self, answer: str | None) -> bool:
        """Whether an answer span is one of the accepted answers."""
        return matcher(self.match)(answer, self.answers)

    def to_row(self) -> Row:
        return {"id": self.id, "question": self.question, "answers": list(self.answers), "match": self.match}


def read_question_file(path: Path) -> list[Question]:
    """Questions from JSON lines with `id`, `question`, `answers`; a broken line raises LacieError with its
    number.
    """
    questions: list[Question] = []
    ids: set[str] = set()
    for number, row in numbered_rows(path):
        problem = _problem(row) or (f"the id {row['id']!r} occurs twice" if str(row["id"]) in ids else None)
        if problem:
            raise LacieError(f"{path}, line {number}: {problem}")
        ids.add(str(row["id"]))
        match = str(row.get("match", "exact"))
        grade = str(row["grade"]) if row.get("grade") is not None else None
        questions.append(Question(str(row["id"]), row["question"].strip(), tuple(row["answers"]), match, grade))
    if not questions:
        raise LacieError(f"{path} holds no questions")
    return questions


def _problem(row: Mapping[str, Any]) -> str | None:
    for key in ("id", "question", "answers"):
        if key not in row:
            return f"{key!r} is missing (a questions file has id, question and answers)"
    if not isinstance(row["question"], str) or not row["question"].strip():
        return "'question' is not a text"
    answers = row["answers"]
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        return "'answers' is not a list of texts (an empty one for a question that has no answer)"
    if not all(_is_unicode(text) for text in (str(row["id"]), row["question"], *answers)):
        return "it holds half of a surrogate pair (such as \\ud83d alone), which is no text"
    if str(row.get("match", "exact")) not in MATCHERS:
        return f"'match' is {row['match']!r}, but can only be {' or '.join(MATCHERS)}"
    return None


def _is_unicode(text: str) -> bool:
    """Whether the text can be written out; JSON's escapes can spell what can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
