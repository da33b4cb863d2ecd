"""The second signal in an evaluation: how many of k samples agree with each answer.

Drawn as the chat draws them (temperature, length, seeds: engine/samples.py), by the generator that answered.
"""

from collections.abc import Sequence

from lacie_chat.confidence import Assessment, Calibrator, agreement_of, can_agree, with_agreement
from lacie_chat.confidence.reader import Reader
from lacie_chat.engine.asking import MAX_TOKENS, STOP, TEMPERATURE, sample_seeds
from lacie_chat.evaluation.answering import prompt_text
from lacie_training.generators import Generator
from lacie_training.recipes.schema import Draw, SpeakerSettings
from lacie_training.run_folder import Row


def add_agreement(
    rows: Sequence[Row],
    generator: Generator,
    reader: Reader,
    *,
    speaker: SpeakerSettings,
    k: int,
    calibrator: Calibrator | None = None,
) -> list[Row]:
    """The rows with `agreement` (`value` and `k`; None without an answer span), and the confidence that follows."""
    assessments = [Assessment.from_dict(row) for row in rows]
    asked = [index for index, assessment in enumerate(assessments) if can_agree(assessment)]
    texts = [prompt_text(generator, speaker, assessments[index].question) for index in asked]
    draw = Draw(temperature=TEMPERATURE, top_p=0.95, top_k=40, max_new_tokens=MAX_TOKENS)
    drawn = generator.respond(texts, draw.sampling(), [sample_seeds(k)] * len(texts), stop=STOP) if texts else []
    found: list[Row] = [{**row, "agreement": None} for row in rows]
    for index, samples in zip(asked, drawn, strict=True):
        assessment = assessments[index]
        assert assessment.answer_span is not None
        responses = [sample.text for sample in samples]
        agreement = agreement_of(assessment.question, assessment.answer_span.text, responses, reader=reader)
        record = with_agreement(assessment, agreement, calibrator).to_dict()
        found[index] |= {"agreement": record["agreement"], "confidence": record["confidence"]}
    return found
