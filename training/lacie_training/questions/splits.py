"""Questions with their accepted answers, cut into training, validation and test sets that share none.

Splits hang on the recipe's seed alone: a source is normalised, freed of repeated questions, shuffled, and cut.
Whatever a validation or test set holds is kept out of training, compared by the normalised question, also between
sources. The sets are written into the run folder once, so that later stages (and a run that goes on next week) see
the same ones.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from lacie_chat.evaluation.matching import normalise
from lacie_chat.evaluation.questions import Question, read_question_file
from lacie_training.errors import TrainingError
from lacie_training.questions.everyday import everyday_prompts
from lacie_training.recipes.files import RECIPES
from lacie_training.recipes.question_sets import QuestionSet
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import Row, write_json, write_rows

__all__ = [
    "SAMPLE_QUESTIONS",
    "Question",
    "Splits",
    "calibration_name",
    "data_set_name",
    "hub_rows",
    "load_calibration",
    "load_questions",
    "make_splits",
    "read_question_file",
    "read_source",
    "unique",
]

SAMPLE_QUESTIONS = RECIPES / "sample_questions.jsonl"
"""Questions of the project's own, for the recipe `smoke`."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The sets of one run, and how many training questions were dropped because a held-out set has them. `more` has
    a list for each of the recipe's `questions.more`.
    """

    train: list[Question]
    more: list[list[Question]]
    validation: list[Question]
    test: dict[str, list[Question]]
    dropped_overlap: int


def load_questions(run: Path, recipe: Recipe) -> Splits:
    """The run's sets: from its folder where they are written, else made and written there."""
    folder = run / "questions"
    if not (folder / "counts.json").is_file():
        splits = make_splits(recipe)
        named = [("train", splits.train), *_more(splits), ("validation", splits.validation), *_tests(splits)]
        for name, questions in named:
            write_rows(folder / f"{name}.jsonl", [question.to_row() for question in questions])
        counts = {name: len(questions) for name, questions in named}
        write_json(folder / "counts.json", counts | {"dropped_overlap": splits.dropped_overlap})
        return splits
    return Splits(
        train=read_question_file(folder / "train.jsonl"),
        more=[
            read_question_file(folder / f"{_more_name(number)}.jsonl") for number in range(len(recipe.questions.more))
        ],
        validation=read_question_file(folder / "validation.jsonl"),
        test={name: read_question_file(folder / f"test-{name}.jsonl") for name in recipe.questions.test},
        dropped_overlap=0,
    )


def calibration_name(entry: QuestionSet) -> str:
    """A name of the set for files: a run may be calibrated on other questions later."""
    return hashlib.sha256(json.dumps(entry.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:8]


def load_calibration(run: Path, recipe: Recipe) -> list[Question]:
    """The questions of `questions.calibration`: of its source, those that no other set of the run has, in the order in
    which the other sets were cut. Written into the run folder once, as those are.
    """
    entry = recipe.questions.calibration
    assert entry is not None
    path = run / "questions" / f"calibration-{calibration_name(entry)}.jsonl"
    if not path.is_file():
        splits = load_questions(run, recipe)
        sets = (splits.train, *splits.more, splits.validation, *splits.test.values())
        used = {normalise(question.question) for questions in sets for question in questions}
        left = [each for each in _shuffled(entry, recipe.seed) if normalise(each.question) not in used]
        if not left:
            raise TrainingError(
                "no questions are left for questions.calibration: the other sets have them all; "
                "name another source, or a lower questions.train.count"
            )
        write_rows(path, [_of_set(question, entry).to_row() for question in left[: entry.count]])
    return read_question_file(path)


def _shuffled(entry: QuestionSet, seed: int) -> list[Question]:
    pool = unique(read_source(entry))
    random.Random(f"questions {seed}").shuffle(pool)
    return pool


def _of_set(question: Question, entry: QuestionSet) -> Question:
    return Question(question.id, question.question, question.answers, entry.matcher)


def _more(splits: Splits) -> list[tuple[str, list[Question]]]:
    return [(_more_name(number), questions) for number, questions in enumerate(splits.more)]


def _more_name(number: int) -> str:
    return f"more-{number + 1}"


def _tests(splits: Splits) -> list[tuple[str, list[Question]]]:
    return [(f"test-{name}", questions) for name, questions in splits.test.items()]


def make_splits(recipe: Recipe) -> Splits:
    """Read the sources and cut them. Raises TrainingError: unreadable source, too few questions, forbidden overlap."""
    wanted = recipe.questions
    sources: dict[tuple[str, str, str], list[Question]] = {}
    held_out = {"validation": wanted.validation, **{f"test {name}": entry for name, entry in wanted.test.items()}}
    cut = {name: _take(entry, name, sources, recipe.seed) for name, entry in held_out.items()}
    train = _take(wanted.train.model_copy(update={"count": None}), "train", sources, recipe.seed)
    held = {normalise(question.question) for questions in cut.values() for question in questions}
    pools = [_take(entry, _more_name(number), sources, recipe.seed) for number, entry in enumerate(wanted.more)]
    clean, *others = [[each for each in pool if normalise(each.question) not in held] for pool in (train, *pools)]
    dropped = sum(map(len, (train, *pools))) - sum(map(len, (clean, *others)))
    if dropped and wanted.overlap == "raise":
        raise TrainingError(
            f"{dropped} training questions are also in a held-out set; set questions.overlap=drop to leave them out"
        )
    if not clean:
        raise TrainingError(f"no training questions are left: all {len(train)} are also in a held-out set")
    clean = clean[: wanted.train.count]
    more = []
    seen = {normalise(question.question) for question in clean}
    for pool in others:
        more.append([question for question in pool if normalise(question.question) not in seen])
        seen.update(normalise(question.question) for question in more[-1])
    _check_ids([*clean, *chain.from_iterable(more), *everyday_prompts(recipe)])
    _check_disjoint_tests(cut)
    return Splits(
        train=clean,
        more=more,
        validation=cut["validation"],
        test={name: cut[f"test {name}"] for name in wanted.test},
        dropped_overlap=dropped,
    )


def _check_ids(questions: Sequence[Question]) -> None:
    """Samples are told apart by the ids of their questions."""
    ids = Counter(question.id for question in questions)
    twice = [name for name, count in ids.items() if count > 1]
    if twice:
        raise TrainingError(
            f"{len(twice)} training questions have an id that another one has, as {twice[0]!r}; make the ids of "
            "questions.train and questions.more unlike, and none like everyday-1"
        )


def _check_disjoint_tests(cut: Mapping[str, list[Question]]) -> None:
    validation = {normalise(question.question) for question in cut["validation"]}
    for name, questions in cut.items():
        if name != "validation":
            questions[:] = [entry for entry in questions if normalise(entry.question) not in validation]
            if not questions:
                raise TrainingError(f"no questions are left for {name}: the validation set has them all")


def _take(
    entry: QuestionSet, name: str, sources: dict[tuple[str, str, str], list[Question]], seed: int
) -> list[Question]:
    key = (entry.source, str(entry.path), entry.split)
    if key not in sources:
        sources[key] = _shuffled(entry, seed)
    pool = sources[key]
    taken = pool[: entry.count] if entry.count is not None else list(pool)
    sources[key] = pool[len(taken) :]
    if not taken:
        raise TrainingError(f"no questions for {name}: {entry.path or entry.source} ({entry.split}) has too few")
    return [_of_set(question, entry) for question in taken]


def unique(questions: Iterable[Question]) -> list[Question]:
    """The questions without those that repeat an earlier one (normalised)."""
    seen: set[str] = set()
    kept = []
    for question in questions:
        key = normalise(question.question)
        if key not in seen:
            seen.add(key)
            kept.append(question)
    return kept


def read_source(entry: QuestionSet) -> list[Question]:
    """All questions of a set's source, in the source's order."""
    if entry.source == "file":
        assert entry.path is not None  # the schema's validator holds this
        return read_question_file(entry.path)
    if entry.source == "sample":
        return read_question_file(SAMPLE_QUESTIONS)
    return _HUB[entry.source][2](hub_rows(entry.source, entry.split))


def data_set_name(source: str) -> str:
    """`owner/name` of one of the known data sets on the Hub."""
    return _HUB[source][0]


def hub_rows(source: str, split: str) -> list[Row]:
    """The raw rows of one of the known data sets on the Hub."""
    name, config, _ = _HUB[source]
    return [dict(row) for row in _load_dataset(name, config, split)]


def _load_dataset(name: str, config: str | None, split: str) -> Any:
    from datasets import load_dataset

    try:
        return load_dataset(name, config, split=split)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise TrainingError(
            f"the data set {name} ({split}) can't be had from the Hub: {reason}; "
            "go online once, or give a questions file (source: file, path: …)"
        ) from error


def _trivia_qa(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    return [
        Question(str(row["question_id"]), str(row["question"]), tuple(dict.fromkeys(_aliases(row["answer"]))))
        for row in rows
    ]


def _aliases(answer: Mapping[str, Any]) -> list[str]:
    return [str(answer["value"]), *map(str, answer["aliases"]), *map(str, answer["normalized_aliases"])]


def _nq_open(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    return [Question(f"nq-{n}", str(row["question"]), tuple(map(str, row["answer"]))) for n, row in enumerate(rows)]


def _truthful_qa(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    return [
        Question(f"truthful-{n}", str(row["question"]), tuple(map(str, row["correct_answers"])))
        for n, row in enumerate(rows)
    ]


_HUB: dict[str, tuple[str, str | None, Callable[[Any], list[Question]]]] = {
    "trivia_qa": ("mandarjoshi/trivia_qa", "rc.web.nocontext", _trivia_qa),
    "nq_open": ("google-research-datasets/nq_open", None, _nq_open),
    "truthful_qa": ("truthfulqa/truthful_qa", "generation", _truthful_qa),
}
