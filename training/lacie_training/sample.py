"""Stage `sample`: the speaker answers each training question several times, `questions/` -> `samples.jsonl`.

Launch: `lacie train sample --recipe R --run DIR` or `python -m lacie_training.sample …`. A row is one response; a
question's samples are drawn together, so the prompt is read once. With styles, part of the samples are drawn with
prompts that ask for tentative or plain wording, or from an opening that is put into the speaker's mouth (a small model
seldom hedges by itself), or are samples said again with doubt (see `rewording`; `draw` is the id of the sample as it
was drawn); `prompt` is always the plain one, which is what the training sees.
Departure from the paper's code: always on-policy, the model that is trained is the one that samples.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import islice
from random import Random

from lacie_chat.engine.generator import Response
from lacie_chat.evaluation.prompts import prompt_text, stop_strings
from lacie_chat.progress import progress
from lacie_training.generators import Generator, load_generator, seed_of
from lacie_training.generators.choosing import SharedGenerator, load_shared
from lacie_training.learning.adapters import starting_weights
from lacie_training.questions.screening import screen, training_questions
from lacie_training.questions.splits import Question, load_questions
from lacie_training.recipes.schema import Recipe, Style
from lacie_training.run_folder import Row, RowFile, RunFolder
from lacie_training.samples.rewording import first_sentences, reworded, ways
from lacie_training.stage import stage_main

TOKENS = "token_logprobs"
"""Of a sample as it was drawn: first and last character (exclusive) and log-probability of each of its tokens."""


def chunks(questions: Sequence[Question], per_chunk: int) -> Iterator[list[Question]]:
    """Questions in groups of a fixed size; what is drawn together hangs on the input alone."""
    stream = iter(questions)
    while chunk := list(islice(stream, per_chunk)):
        yield chunk


def sample_rows(generator: Generator, recipe: Recipe, questions: Sequence[Question]) -> list[Row]:
    """All samples of a chunk of questions, in the order of questions and styles."""
    drawn = _drawn_rows(generator, recipe, questions)
    rows = []
    for question in questions:
        for style in recipe.sample.styles:
            of_style = drawn[question.id, style.rewords or style.name]
            rows += of_style if style.rewords is None else _reworded_rows(of_style, question, style, recipe.seed)
    return rows


def _drawn_rows(
    generator: Generator, recipe: Recipe, questions: Sequence[Question]
) -> dict[tuple[str, str], list[Row]]:
    """What the speaker draws, by question and style."""
    drawings = [
        drawing
        for question in questions
        for style in recipe.sample.styles
        if style.rewords is None
        for drawing in _drawings(question, style, recipe.seed)
    ]
    texts = [
        prompt_text(generator, recipe.speaker.form(), each.question.question, each.style.instruction) + each.opening
        for each in drawings
    ]
    seeds = [
        [seed_of(recipe.seed, "sample", each.question.id, each.style.name, number) for number in each.numbers]
        for each in drawings
    ]
    drawn = generator.respond(texts, recipe.sample.sampling(), seeds, stop=stop_strings(recipe.speaker.form()))
    rows: dict[tuple[str, str], list[Row]] = {}
    for each, responses in zip(drawings, drawn, strict=True):
        prompt = prompt_text(generator, recipe.speaker.form(), each.question.question)
        for number, response in zip(each.numbers, responses, strict=True):
            text, finish = joined(each.opening, response.text), response.finish
            if each.style.sentences is not None and each.question.answers:
                text, whole = first_sentences(text, each.style.sentences)
                finish = "stop" if whole else finish
            row = _row(each.question, each.style, number, prompt)
            row |= {"draw": row["id"], "response": text, "finish": finish, "tokens": response.tokens}
            rows.setdefault((each.question.id, each.style.name), []).append(row | _own(response, text))
    return rows


def _own(response: Response, text: str) -> Row:
    """How probable the tokens of what is kept of a response were to the speaker, where the generator knows it. One
    that was put into its mouth in part has none: its tokens stand elsewhere in the text."""
    if not response.probabilities or not response.text.startswith(text):
        return {}
    inside = [(start, min(end, len(text)), logprob) for start, end, logprob in response.probabilities]
    return {TOKENS: [[start, end, round(logprob, 4)] for start, end, logprob in inside if start < len(text)]}


def _row(question: Question, style: Style, number: int, prompt: str) -> Row:
    return {
        "id": f"{question.id}#{style.name}{number}",
        "question_id": question.id,
        "question": question.question,
        "answers": list(question.answers),
        "match": question.match,
        "style": style.name,
        "prompt": prompt,
    }


def _reworded_rows(drawn: Sequence[Row], question: Question, style: Style, seed: int) -> list[Row]:
    """The first of `drawn`, as many as the style counts, said with doubt; what was cut off can't be followed by any."""
    if style.instead:
        return _instead_rows(drawn, question, style, seed)
    found = ways(style.count, style.openings, style.closings, Random(f"rewording {seed} {question.id} {style.name}"))
    rows = []
    for number, (opening, closing) in enumerate(found):
        row = drawn[number]
        if closing and not first_sentences(row["response"], 1)[1]:
            closing = ""
            opening = opening or (style.openings[number % len(style.openings)] if style.openings else "")
        said = row["response"] if question.answers else first_sentences(row["response"], 1)[0]
        text = reworded(said, opening, closing)
        rows.append({**_unspoken(row), **_row(question, style, number, row["prompt"]), "response": text})
    return rows


def _instead_rows(drawn: Sequence[Row], question: Question, style: Style, seed: int) -> list[Row]:
    """In the place of each of `drawn` a sentence that declines."""
    order = list(style.instead)
    Random(f"instead {seed} {question.id} {style.name}").shuffle(order)
    return [
        {
            **_unspoken(drawn[number]),
            **_row(question, style, number, drawn[number]["prompt"]),
            "response": order[number % len(order)],
            "finish": "stop",
        }
        for number in range(style.count)
    ]


def _unspoken(row: Row) -> Row:
    """What holds of a row in other words too: the speaker never said those, so there is no probability of them."""
    return {name: value for name, value in row.items() if name != TOKENS}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Samples of one question that share a prompt: all of a style, or one where the style has openings."""

    question: Question
    style: Style
    opening: str
    numbers: range


def _drawings(question: Question, style: Style, seed: int) -> Iterator[Drawing]:
    if not style.openings:
        yield Drawing(question, style, "", range(style.count))
        return
    order = list(style.openings)
    Random(f"openings {seed} {question.id} {style.name}").shuffle(order)
    for number in range(style.count):
        yield Drawing(question, style, order[number % len(order)], range(number, number + 1))


def joined(opening: str, rest: str) -> str:
    """The response as one text; `rest` is stripped, and what stood between the two was a space or nothing."""
    return f"{opening}{rest}" if not opening or rest[:1] in tuple(",.;:!?") else f"{opening} {rest}"


def row_ids(recipe: Recipe, questions: Sequence[Question]) -> list[str]:
    """The ids of the rows that a chunk gives."""
    return [
        f"{question.id}#{style.name}{number}"
        for question in questions
        for style in recipe.sample.styles
        for number in range(style.count)
    ]


def run(folder: RunFolder) -> None:
    """The stage, with the screening where the recipe asks for it; goes on where it stopped."""
    recipe = folder.recipe
    starting_weights(recipe)  # for its errors, before hours of screening
    splits = load_questions(folder.path, recipe)
    with ExitStack() as stack:

        @cache
        def shared() -> SharedGenerator:  # loaded only if something is left to do
            assert recipe.start is not None
            generator = load_shared(recipe.speaker.with_adapter(), [recipe.start])
            stack.callback(generator.close)
            return generator

        @cache
        def speaker() -> Generator:
            if recipe.start is not None and recipe.speaker.generator != "llama_cpp":
                return shared()
            generator = load_generator(recipe.speaker)
            stack.callback(generator.close)
            return generator

        @cache
        def started() -> Generator:
            return speaker() if recipe.start is None else shared().sharing(recipe.speaker, adapter=recipe.start)

        screen(folder, "train", splits.train, speaker)
        screen(folder, "validation", splits.validation, speaker)
        questions = training_questions(folder, splits)
        file = RowFile(folder.path / "samples.jsonl")
        per_chunk = max(1, recipe.speaker.together // recipe.sample.drawn_per_question)
        todo = [chunk for chunk in chunks(questions, per_chunk) if file.missing(row_ids(recipe, chunk))]
        if not todo:
            print(f"sample: all {len(questions)} questions have their samples")
            return
        left = sum(len(chunk) for chunk in todo)
        started()  # its loading is no part of the rate
        with progress("sample", len(questions), "questions", already=len(questions) - left) as advance:
            for chunk in todo:
                file.append(sample_rows(started(), recipe, chunk))
                advance(len(chunk))


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m lacie_training.sample --recipe R --run DIR`"""
    return stage_main("sample", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
