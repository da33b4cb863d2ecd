"""Texts and how sure people heard them to be: a user's rated files, in the shape in which they are trained on.

A file is JSON lines: `text`; `rating`, from 0 (no trust in it at all) to 1; if wanted `answer` (what is hidden in the
text), `weight` (how much the row counts, 1 if not said) and `split` (only rows of `train` are taken). Where no row
names an answer, `masked` looks for it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.confidence.masking import PLACEHOLDER, mask
from lacie_training.listening.masked import masked_answers
from lacie_training.listening.rows import Line, training_lines

ANSWERS, UNMASKED, FINDINGS = "answers", "unmasked", "findings"
"""The sources of a user's texts: answers, some of them as they were written, and sentences that are no answers."""

_EVERY = 5
_MOST_RATERS = 4.0


@dataclass(frozen=True, slots=True)
class Rated:
    """A text as the listener is given it, its rating (0 to 1), how much that counts, and where it comes from."""

    text: str
    rating: float
    weight: float
    source: str


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    masked: str
    rating: float
    weight: float


def rated_answers(paths: Sequence[Path], *, weight: float = 1.0, unmasked: float = 0.0) -> list[Rated]:
    """The answers of some rated files, masked; equal wordings are joined into their mean, and the more they are, the
    more they count. Every fifth is there as it was written too, with the weight `unmasked`: the listener keeps its ear
    where an answer could not be masked. What has no weight is left out. Raises TrainingError for what a file has wrong.
    """
    rows = [row for path in paths for row in _read(path)]
    joined: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        joined[row.masked].append(row)
    answers = [_joined(text, same, weight) for text, same in joined.items()]
    answers += [Rated(row.text, row.rating, unmasked * row.weight, UNMASKED) for row in rows[::_EVERY]]
    return [row for row in answers if row.weight > 0]


def rated_findings(paths: Sequence[Path], *, weight: float) -> list[Rated]:
    """The sentences of some rated files, as they stand: nothing is hidden in them, since nothing was asked. None with
    no weight. Raises TrainingError for what a file has wrong.
    """
    lines = [line for path in paths for line in training_lines(path)]
    rows = [Rated(line.text("text"), _rating(line), weight * _weight(line), FINDINGS) for line in lines]
    return [row for row in rows if row.weight > 0]


def _read(path: Path) -> list[_Row]:
    lines = training_lines(path)
    texts = [line.text("text") for line in lines]
    answers = [line.optional_text("answer") for line in lines]
    masked = [mask(text, answer or "") for text, answer in zip(texts, answers, strict=True)]
    # what has no answer of its own, and no mask that somebody has put there already
    bare = [i for i, text in enumerate(masked) if answers[i] is None and PLACEHOLDER not in text]
    for i, text in zip(bare, masked_answers([texts[i] for i in bare]), strict=True):
        masked[i] = text
    return [
        _Row(text, hidden, _rating(line), _weight(line))
        for text, hidden, line in zip(texts, masked, lines, strict=True)
    ]


def _joined(text: str, rows: Sequence[_Row], weight: float) -> Rated:
    weights = [row.weight for row in rows]
    mean = sum(row.rating * row.weight for row in rows) / sum(weights)
    return Rated(text, mean, weight * min(sum(weights), _MOST_RATERS) ** 0.5, ANSWERS)


def _rating(line: Line) -> float:
    return line.number_from("rating", 0, 1)


def _weight(line: Line) -> float:
    if line.row.get("weight") is None:
        return 1.0
    weight = line.number_from("weight", 0)
    if weight == 0:
        raise line.error("'weight' is 0; leave the row out, or give it a weight above 0")
    return weight
