"""Stage `judge`: what each sample conveys and whether it is right, `samples.jsonl` -> `judged.jsonl`.

The judging is `assess()` of the chat, with the recipe's listener; nothing else decides how sure an answer sounds. A
row is the sample's row, the assessment's fields, and `correct`.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random

from lacie_chat.confidence import Listener, assess_many
from lacie_chat.progress import progress
from lacie_training.errors import TrainingError
from lacie_training.generators import listener_version, load_listener
from lacie_training.questions.screening import training_questions
from lacie_training.questions.splits import Question, load_questions
from lacie_training.row_kinds import HEARD, SAMPLES, check_rows
from lacie_training.run_folder import Row, RowFile, RunFolder, read_rows
from lacie_training.sample import TOKENS
from lacie_training.samples.rewording import LEFT_OUT, is_drawn
from lacie_training.stage import stage_main

_NO_CLAIM: Row = {"state": "no_claim", "answer_span": None, "acceptance": None, "correct": False}
"""What is known of the answer to an everyday prompt (see `everyday`): listener and truth have no say in it."""


def judge_rows(
    rows: Sequence[Row],
    listener: Listener,
    drawn: dict[str, str | None] | None = None,
    reword_wrong: Mapping[str, float] | None = None,
) -> list[Row]:
    """Assess the responses of some rows, and compare their answers with the accepted ones.

    A sample said again in other words (see `rewording`) has the answer of the sample as it was drawn: `drawn` holds
    those of earlier rows by their id and is given these rows' own; no model is asked twice. Of an everyday prompt
    there is nothing to judge. `reword_wrong` is the recipe's share by question id (1 where there is none): of other
    wrong samples what is said again is left out (`LEFT_OUT`), by a draw that hangs on the sample's id alone.
    """
    drawn = {} if drawn is None else drawn
    asked = [row for row in rows if row["answers"]]
    first = [row for row in asked if is_drawn(row)]
    judged = {row["id"]: {**row, **_NO_CLAIM} for row in rows if not row["answers"]}
    judged |= {row["id"]: row for row in _judged(first, listener, [None] * len(first))}
    drawn |= answers_of(judged.values())
    shares = reword_wrong or {}
    again = []
    for row in asked:
        if not is_drawn(row):
            if _is_left_out(row, drawn.get(row["draw"]), shares.get(row["question_id"], 1.0)):
                judged[row["id"]] = {**row, **_NO_CLAIM, "state": LEFT_OUT}
            else:
                again.append(row)
    judged |= {row["id"]: row for row in _judged(again, listener, [drawn.get(row["draw"]) for row in again])}
    return [judged[row["id"]] for row in rows]


def _is_left_out(row: Row, answer: str | None, share: float) -> bool:
    if share == 1 or _question(row).is_right(answer):
        return False
    return Random(f"keep {row['draw']}").random() >= share


def _question(row: Row) -> Question:
    return Question(row["question_id"], row["question"], tuple(row["answers"]), row["match"])


def answers_of(judged: Iterable[Row]) -> dict[str, str | None]:
    """The answers of the samples as they were drawn, by id."""
    return {row["id"]: row.get("answer_span") for row in judged if is_drawn(row)}


def _judged(rows: Sequence[Row], listener: Listener, answers: Sequence[str | None]) -> list[Row]:
    items = [(row["question"], row["response"]) for row in rows]
    tokens = [[tuple(token) for token in row.get(TOKENS, ())] for row in rows]
    assessments = assess_many(items, listener=listener, answers=answers, tokens=tokens)
    judged = []
    for row, assessment in zip(rows, assessments, strict=True):
        answer = assessment.answer_span.text if assessment.answer_span else None
        kept = {name: value for name, value in row.items() if name != TOKENS}  # their signals are in the assessment
        judged.append({**kept, **assessment.to_dict(), "correct": _question(row).is_right(answer)})
    return judged


def _all_drawn(folder: RunFolder) -> list[Row]:
    """The samples. Raises TrainingError while some are missing: what is judged together would be cut otherwise."""
    rows = read_rows(folder.file("samples.jsonl"))
    recipe = folder.recipe
    questions = training_questions(folder, load_questions(folder.path, recipe))
    count = len(questions) * recipe.sample.per_question
    if len(rows) < count:
        raise TrainingError(f"only {len(rows)} of {count} samples are drawn; run the stage 'sample' to its end first")
    return rows


def _shares(folder: RunFolder) -> dict[str, float]:
    """`reword_wrong` by question."""
    wanted, splits = folder.recipe.questions, load_questions(folder.path, folder.recipe)
    sets = zip((wanted.train, *wanted.more), (splits.train, *splits.more), strict=True)
    return {question.id: entry.reword_wrong for entry, questions in sets for question in questions}


def _check_version(path: Path, rows: Sequence[Row], version: str) -> None:
    """Refuse to go on with what another version of the assessment heard. Raises TrainingError."""
    heard = {row.get("assessment_version") for row in rows if row["acceptance"] is not None} - {version}
    if heard:
        raise TrainingError(
            f"{path} was begun by version {heard.pop() or 'unknown'} of the assessment, and this one is {version}; "
            "delete the file and judge anew"
        )


def run(folder: RunFolder) -> None:
    """The stage; goes on where it stopped."""
    recipe = folder.recipe
    samples = _all_drawn(folder)
    file = RowFile(folder.path / "judged.jsonl")
    # several batches, so that each can be made of rows of like length
    size = recipe.listener.chunk or 4 * recipe.listener.together
    all_chunks = [samples[start : start + size] for start in range(0, len(samples), size)]
    todo = [chunk for chunk in all_chunks if file.missing(row["id"] for row in chunk)]
    if not todo:
        print(f"judge: all {len(samples)} samples are judged")
        return
    earlier = read_rows(file.path) if file.path.is_file() else []
    check_rows(earlier, file.path, HEARD)
    _check_version(file.path, earlier, listener_version(recipe))
    check_rows(samples, folder.path / "samples.jsonl", SAMPLES)
    listener, loaded = load_listener(recipe)
    left, shares, drawn = sum(len(chunk) for chunk in todo), _shares(folder), answers_of(earlier)
    try:
        with progress("judge", len(samples), "samples", already=len(samples) - left) as advance:
            for chunk in todo:
                file.append(judge_rows(chunk, listener, drawn, shares))
                advance(len(chunk))
    finally:
        loaded.close()


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m lacie_training.judge --recipe R --run DIR`"""
    return stage_main("judge", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
