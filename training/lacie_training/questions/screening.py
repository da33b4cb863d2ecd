"""Screening: which questions the speaker knows, found by one greedy answer each, before any of them is sampled.

A departure from the paper, off in its recipes, for speakers that are right on few questions: of ten samples of a
question that a small model doesn't know, none is right, and no pair can say "sound sure here". A set with `screen` is
a pool; of its questions a stated number that the speaker answers right, and a number that it doesn't, make the set. An
answer is right here if an accepted answer stands anywhere in it that the question doesn't already hold: cheap, no
listener, and lenient. The pairs are made from proper judgements later.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from lacie_chat.evaluation.matching import normalise
from lacie_chat.evaluation.prompts import prompt_text, stop_strings
from lacie_chat.progress import progress
from lacie_training.errors import TrainingError
from lacie_training.generators import Generator, seed_of
from lacie_training.questions.everyday import everyday_prompts
from lacie_training.questions.splits import Question, Splits
from lacie_training.recipes.question_sets import QuestionSet
from lacie_training.recipes.schema import Draw, Recipe
from lacie_training.row_kinds import SCREENED, rows_of_kind
from lacie_training.run_folder import Row, RowFile, RunFolder


def knows(question: Question, response: str) -> bool:
    """Whether an accepted answer stands in the response, word for word after normalising, and not in the question."""
    said, asked = f" {normalise(response)} ", f" {normalise(question.question)} "
    wanted = {f" {normalise(answer)} " for answer in question.answers} - {"  "}
    return any(answer in said and answer not in asked for answer in wanted)


def choose(rows: Sequence[Row], entry: QuestionSet, name: str) -> set[str]:
    """Ids of the questions that make the set. Raises TrainingError where the pool has too few of a kind."""
    assert entry.screen is not None
    chosen: set[str] = set()
    for known, count in ((True, entry.screen.known), (False, entry.screen.unknown)):
        ids = [row["id"] for row in rows if row["known"] is known]
        if len(ids) < count:
            kind = "answers right" if known else "doesn't answer right"
            raise TrainingError(
                f"questions.{name}.screen wants {count} questions that the speaker {kind}; the pool of {len(rows)} has "
                f"{len(ids)}: lower it, or raise questions.{name}.count"
            )
        chosen.update(ids[:count])
    return chosen


def rows_file(run: Path, name: str) -> Path:
    """Where the screening of a set is kept."""
    return run / "questions" / f"screened-{name}.jsonl"


def screen(folder: RunFolder, name: str, questions: Sequence[Question], speaker: Callable[[], Generator]) -> None:
    """Answer what is not answered yet of the set `name` (`train` or `validation`), and see that it has enough of both
    kinds.
    """
    entry = _entry(folder.recipe, name)
    if entry.screen is None:
        return
    file = RowFile(rows_file(folder.path, name))
    size = folder.recipe.speaker.together
    chunks = [questions[start : start + size] for start in range(0, len(questions), size)]
    todo = [chunk for chunk in chunks if file.missing(question.id for question in chunk)]
    left = sum(len(chunk) for chunk in todo)
    draw = Draw(temperature=0.0, max_new_tokens=entry.screen.max_new_tokens)
    known = 0
    with progress(f"screen {name}", len(questions), "questions", already=len(questions) - left) as advance:
        for chunk in todo:
            rows = _screen_rows(speaker(), folder.recipe, chunk, draw)
            file.append(rows)
            known += sum(row["known"] for row in rows)
            advance(len(chunk), f"{known} known")
    screened(folder, name, questions)  # for its errors


def screened(folder: RunFolder, name: str, questions: Sequence[Question]) -> list[Question]:
    """The questions of a set whose screening is done, in order. Raises TrainingError if it isn't."""
    entry = _entry(folder.recipe, name)
    if entry.screen is None:
        return list(questions)
    path = rows_file(folder.path, name)
    rows = rows_of_kind(path, SCREENED) if path.is_file() else []
    if len(rows) < len(questions):
        raise TrainingError(f"the questions of {name} are not screened yet; run the stage 'sample' first")
    chosen = choose(rows, entry, name)
    return [question for question in questions if question.id in chosen]


def training_questions(folder: RunFolder, splits: Splits) -> list[Question]:
    """All that is sampled, in order: the screened questions to train on, those of other sources, everyday prompts."""
    train = screened(folder, "train", splits.train)
    return [*train, *chain.from_iterable(splits.more), *everyday_prompts(folder.recipe)]


def _entry(recipe: Recipe, name: str) -> QuestionSet:
    return {"train": recipe.questions.train, "validation": recipe.questions.validation}[name]


def _screen_rows(generator: Generator, recipe: Recipe, questions: Sequence[Question], draw: Draw) -> list[Row]:
    texts = [prompt_text(generator, recipe.speaker.form(), question.question) for question in questions]
    seeds = [[seed_of(recipe.seed, "screen", question.id)] for question in questions]
    drawn = generator.respond(texts, draw.sampling(), seeds, stop=stop_strings(recipe.speaker.form()))
    return [
        {"id": question.id, "response": response.text, "known": knows(question, response.text)}
        for question, [response] in zip(questions, drawn, strict=True)
    ]
