"""What a response conveys: answer span, masking, listener, cues, abstention, calibrator, and `assess()` over them all.

Pure: text and probabilities in, assessments out. It knows a model only as a `Reader`.
"""

from lacie_chat.confidence.abstention import state_by_form
from lacie_chat.confidence.agreement import MOST_SAMPLES, agreement_of, can_agree, with_agreement
from lacie_chat.confidence.assess import assess, assess_many
from lacie_chat.confidence.assessment import (
    Agreement,
    Assessment,
    Confidence,
    ConfidenceKind,
    SentenceAcceptance,
    Span,
    State,
)
from lacie_chat.confidence.calibrator import Calibrator, OlderCalibrator, WayOfDrawing
from lacie_chat.confidence.cues import lexical_cues
from lacie_chat.confidence.extraction import EXTRACTION_PREFIX, extract_answer, extract_answers
from lacie_chat.confidence.listener import ACCEPT_THRESHOLD, CHOICES, LISTENER_PREFIX, acceptances, listener_suffix
from lacie_chat.confidence.masking import PLACEHOLDER, mask, occurrences
from lacie_chat.confidence.reader import Reader
from lacie_chat.confidence.sentence_confidence import (
    MOST_SENTENCES,
    sentence_acceptances,
    split_sentences,
    wants_sentences,
    with_sentences,
)
from lacie_chat.confidence.version import ASSESSMENT_VERSION
from lacie_chat.confidence.wording import TONES, agreement_text, bar, confidence_text, percent, tone

__all__ = [
    "ACCEPT_THRESHOLD",
    "ASSESSMENT_VERSION",
    "CHOICES",
    "EXTRACTION_PREFIX",
    "LISTENER_PREFIX",
    "MOST_SAMPLES",
    "MOST_SENTENCES",
    "PLACEHOLDER",
    "TONES",
    "Agreement",
    "Assessment",
    "Calibrator",
    "Confidence",
    "ConfidenceKind",
    "OlderCalibrator",
    "Reader",
    "SentenceAcceptance",
    "Span",
    "State",
    "WayOfDrawing",
    "acceptances",
    "agreement_of",
    "agreement_text",
    "assess",
    "assess_many",
    "bar",
    "can_agree",
    "confidence_text",
    "extract_answer",
    "extract_answers",
    "lexical_cues",
    "listener_suffix",
    "mask",
    "occurrences",
    "percent",
    "sentence_acceptances",
    "split_sentences",
    "state_by_form",
    "tone",
    "wants_sentences",
    "with_agreement",
    "with_sentences",
]
