"""The second signal: does the speaker say the same when it is asked again?

k short samples are drawn at a higher temperature (engine/asking.py), and agreement is the share of them that give the
answer's own span (self-consistency, Wang et al. 2023, as a confidence: Xiong et al. 2024). It is independent of
wording: an answer can sound sure and be one of five different ones. A sample that abstains, claims nothing, has no
answer span or ended within its thought disagrees. An answer without a span has no agreement at all: there is nothing to
compare.
"""

from collections.abc import Sequence
from dataclasses import replace

from lacie_chat.confidence.assess import with_p_right
from lacie_chat.confidence.assessment import Agreement, Assessment
from lacie_chat.confidence.calibrator import Calibrator
from lacie_chat.confidence.listener import Listener
from lacie_chat.confidence.same_answer import same_answer

MOST_SAMPLES = 20


def agreement_of(question: str, answer: str, samples: Sequence[str], *, listener: Listener) -> Agreement:
    """The share of `samples` that answer `question` with `answer`; one call of the listener for all.

    Raises ValueError for no samples, and what the listener raises.
    """
    if not samples:
        raise ValueError("agreement needs at least one sample")
    found = listener.answers([(question, sample) for sample in samples])
    agreed = sum(span is not None and same_answer(span.text, answer) for _, span in found)
    return Agreement(agreed / len(samples), len(samples))


def can_agree(assessment: Assessment) -> bool:
    """Whether there is an answer that samples can agree with."""
    return assessment.state == "answered" and assessment.answer_span is not None


def with_agreement(assessment: Assessment, agreement: Agreement, calibrator: Calibrator | None) -> Assessment:
    """The assessment with its agreement, of which a calibrator that has a use for it makes P(right) anew."""
    return with_p_right(replace(assessment, agreement=agreement), calibrator)
