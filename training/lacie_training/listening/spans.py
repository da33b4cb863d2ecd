"""Responses and the answer that each gives: a user's files for the extractor.

A file is JSON lines: `question`, `response`, and `span`: the words of the response that answer the question, or null if
none do; `split` if wanted (only rows of `train` are taken).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.confidence.tuned import finding_suffix
from lacie_training.listening.rows import Line, training_lines


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, a response to it, and the answer in it (white space made plain), None if there is none."""

    question: str
    response: str
    span: str | None


def answered_questions(paths: Sequence[Path]) -> list[Answered]:
    """The rows of some files. Raises TrainingError, one line with file and line: a span that doesn't stand in its
    response, or a part of a row that is missing or of the wrong kind.
    """
    return [_answered(line) for path in paths for line in training_lines(path)]


def is_shown(row: Answered) -> bool:
    """Whether the extractor gets to see the span: of a very long response the middle is cut out."""
    return row.span is None or row.span in finding_suffix("", row.response)


def _answered(line: Line) -> Answered:
    question, response = line.text("question"), line.text("response")
    span = None if line.value("span") is None else " ".join(line.text("span").split())
    if span is not None and span not in " ".join(response.split()):
        raise line.error(f"the span {span!r} does not stand in the response")
    return Answered(question, response, span)
