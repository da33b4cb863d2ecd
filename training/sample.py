"""Stage `sample`: the speaker answers each training question several times, `questions/` -> `samples.jsonl`.

Launch: `lacie train sample --recipe R --run DIR` or `python -m training.sample --recipe R --run DIR`. A row is one
response; a question's samples are drawn together, so the prompt is read once. With styles, part of the samples are
drawn with prompts that ask for tentative or plain wording (a small model seldom hedges by itself); `prompt` is
always the plain one, which is what the training sees. Departure from the paper's code: always on-policy, the model
that is trained is the one that samples.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from training import prompts
from training.answering import prompt_text
from training.generators import Generator, load_generator, seed_of
from training.progress import progress
from training.questions import Question, load_questions
from training.recipes import Recipe
from training.runs import Row, RowFile, RunFolder
from training.stage import stage_main


def chunks(questions: Sequence[Question], per_chunk: int) -> Iterator[list[Question]]:
    """Questions in groups of a fixed size; what is drawn together hangs on the input alone."""
    stream = iter(questions)
    while chunk := list(islice(stream, per_chunk)):
        yield chunk


def sample_rows(generator: Generator, recipe: Recipe, questions: Sequence[Question]) -> list[Row]:
    """All samples of a chunk of questions, in the order of questions and styles."""
    asked: list[tuple[Question, str]] = []
    texts: list[str] = []
    seeds: list[list[int]] = []
    for question in questions:
        for style in recipe.sample.styles:
            asked.append((question, style.name))
            texts.append(prompt_text(generator, recipe.speaker, question.question, style.instruction))
            seeds.append(
                [seed_of(recipe.seed, "sample", question.id, style.name, number) for number in range(style.count)]
            )
    drawn = generator.respond(texts, recipe.sample, seeds, stop=prompts.stop_strings(recipe.speaker))
    rows: list[Row] = []
    for (question, style_name), responses in zip(asked, drawn, strict=True):
        plain = prompt_text(generator, recipe.speaker, question.question)
        rows += [
            {
                "id": f"{question.id}#{style_name}{number}",
                "question_id": question.id,
                "question": question.question,
                "answers": list(question.answers),
                "match": question.match,
                "style": style_name,
                "prompt": plain,
                "response": response.text,
                "finish": response.finish,
                "tokens": response.tokens,
            }
            for number, response in enumerate(responses)
        ]
    return rows


def row_ids(recipe: Recipe, questions: Sequence[Question]) -> list[str]:
    """The ids of the rows that a chunk gives."""
    return [
        f"{question.id}#{style.name}{number}"
        for question in questions
        for style in recipe.sample.styles
        for number in range(style.count)
    ]


def run(folder: RunFolder) -> None:
    """The stage; goes on where it stopped."""
    recipe = folder.recipe
    questions = load_questions(folder.path, recipe).train
    file = RowFile(folder.path / "samples.jsonl")
    per_chunk = max(1, recipe.speaker.batch_size // recipe.sample.per_question)
    todo = [chunk for chunk in chunks(questions, per_chunk) if file.missing(row_ids(recipe, chunk))]
    left = sum(len(chunk) for chunk in todo)
    if not todo:
        print(f"sample: all {len(questions)} questions have their samples")
        return
    generator = load_generator(recipe.speaker)
    try:
        with progress("sample", len(questions), "questions", already=len(questions) - left) as advance:
            for chunk in todo:
                file.append(sample_rows(generator, recipe, chunk))
                advance(len(chunk))
    finally:
        generator.close()


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m training.sample --recipe R --run DIR`"""
    return stage_main("sample", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
