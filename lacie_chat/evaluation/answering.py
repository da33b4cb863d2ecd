"""Ask, answer, assess: one response a question, as evaluation and the choice of checkpoints need it.

Baseline and adapter, validation and test, llama.cpp and transformers all pass through here, so that two figures that
stand side by side were made in the same way.
"""

from collections.abc import Sequence

from lacie_training.generators import Generator, seed_of
from lacie_training.questions.splits import Question
from lacie_training.recipes.schema import Draw, SpeakerSettings
from lacie_training.run_folder import Row

from lacie_chat.confidence import Calibrator, assess_many
from lacie_chat.confidence.reader import Reader
from lacie_chat.evaluation import prompts


def answer_rows(
    generator: Generator,
    reader: Reader,
    questions: Sequence[Question],
    *,
    speaker: SpeakerSettings,
    draw: Draw,
    seed: int,
    calibrator: Calibrator | None = None,
) -> list[Row]:
    """One row a question: the object of DESIGN.md (but for what only a caller knows), with `id`, `answers`,
    `correct`.
    """
    texts = [prompt_text(generator, speaker, question.question) for question in questions]
    seeds = [[seed_of(seed, "answer", question.id)] for question in questions]
    drawn = generator.respond(texts, draw.sampling(), seeds, stop=prompts.stop_strings(speaker))
    responses = [response.text for [response] in drawn]
    items = [(question.question, text) for question, text in zip(questions, responses, strict=True)]
    assessments = assess_many(items, reader=reader, calibrator=calibrator)
    rows = []
    for question, [response], assessment in zip(questions, drawn, assessments, strict=True):
        answer = assessment.answer_span.text if assessment.answer_span else None
        rows.append(
            {
                "id": question.id,
                **assessment.to_dict(),
                "answers": list(question.answers),
                "correct": question.is_right(answer),
                "usage": {"completion_tokens": response.tokens},
            }
        )
    return rows


def prompt_text(generator: Generator, speaker: SpeakerSettings, question: str, instruction: str | None = None) -> str:
    """The speaker's prompt as text, plain or by the model's chat template."""
    if speaker.format == "plain":
        return prompts.plain(speaker, question, instruction)
    return generator.render(prompts.turns(speaker, question, instruction))
