"""Stage `judge`: what each sample conveys and whether it is right, `samples.jsonl` -> `judged.jsonl`.

The judging is `assess()` of the chat, with the recipe's listener; nothing else decides how sure an answer sounds. A
row is the sample's row, the assessment's fields, and `correct`.
"""

from collections.abc import Sequence

from lacie_chat.confidence import assess_many
from lacie_chat.confidence.reader import Reader
from training.errors import TrainingError
from training.everyday import everyday_prompts
from training.generators import load_listener
from training.progress import progress
from training.questions import Question, load_questions
from training.runs import Row, RowFile, RunFolder, read_rows
from training.screening import screened
from training.stage import stage_main


def judge_rows(rows: Sequence[Row], reader: Reader) -> list[Row]:
    """Assess the responses of some rows, and compare their answers with the accepted ones."""
    assessments = assess_many([(row["question"], row["response"]) for row in rows], reader=reader)
    judged = []
    for row, assessment in zip(rows, assessments, strict=True):
        answer = assessment.answer_span.text if assessment.answer_span else None
        question = Question(row["question_id"], row["question"], tuple(row["answers"]), row["match"])
        judged.append({**row, **assessment.to_dict(), "correct": question.is_right(answer)})
    return judged


def _all_drawn(folder: RunFolder) -> list[Row]:
    """The samples. Raises TrainingError while some are missing: what is judged together would be cut otherwise."""
    rows = read_rows(folder.file("samples.jsonl"))
    recipe = folder.recipe
    questions = [*screened(folder, "train", load_questions(folder.path, recipe).train), *everyday_prompts(recipe)]
    count = len(questions) * recipe.sample.per_question
    if len(rows) < count:
        raise TrainingError(f"only {len(rows)} of {count} samples are drawn; run the stage 'sample' to its end first")
    return rows


def run(folder: RunFolder) -> None:
    """The stage; goes on where it stopped."""
    recipe = folder.recipe
    samples = _all_drawn(folder)
    file = RowFile(folder.path / "judged.jsonl")
    size = 4 * recipe.listener.batch_size  # so that batches can be made of rows of like length
    all_chunks = [samples[start : start + size] for start in range(0, len(samples), size)]
    todo = [chunk for chunk in all_chunks if file.missing(row["id"] for row in chunk)]
    if not todo:
        print(f"judge: all {len(samples)} samples are judged")
        return
    reader, generator = load_listener(recipe)
    left = sum(len(chunk) for chunk in todo)
    try:
        with progress("judge", len(samples), "samples", already=len(samples) - left) as advance:
            for chunk in todo:
                file.append(judge_rows(chunk, reader))
                advance(len(chunk))
    finally:
        generator.close()


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m training.judge --recipe R --run DIR`"""
    return stage_main("judge", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
