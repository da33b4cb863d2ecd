"""The questions that come with the package, and the order in which a calibration asks.

Written for this package, so that any model can be calibrated without a file of one's own: short factual questions of
four grades (easy, medium, hard, and some that nobody can answer) over twenty fields. They are asked in an order that is
fixed, so that the answers to the first hundred are of use when more are asked later; and that is even over the grades,
so that the first hundred are as hard as all of them.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lacie_chat.evaluation.questions import Question, read_question_file

FILE = Path(__file__).with_name("questions.jsonl")
_SEED = "lacie"


def questions_from(files: Sequence[Path] = ()) -> list[Question]:
    """All questions of these files (none: the package's own), in the order to ask them; each text once. Raises
    LacieError, one line, for a broken file."""
    found: dict[str, Question] = {}
    for file in files or [FILE]:
        for question in read_question_file(file):
            found.setdefault(question.question, question)
    return in_order(list(found.values()))


def in_order(questions: Sequence[Question]) -> list[Question]:
    """The questions in an order that hangs on their ids and grades alone: however many come first, each grade has its
    share among them, to within one question or so."""
    places: list[tuple[float, str, Question]] = []
    for grade in {question.grade for question in questions}:
        mixed = sorted((each for each in questions if each.grade == grade), key=_lot)
        places += [((index + 0.5) / len(mixed), _lot(each), each) for index, each in enumerate(mixed)]
    return [question for *_, question in sorted(places, key=lambda place: place[:2])]


def _lot(question: Question) -> str:
    return hashlib.sha256(f"{_SEED} {question.id} {question.question}".encode()).hexdigest()
