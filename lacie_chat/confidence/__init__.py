"""What a response conveys: answer span, masking, listener, marks, abstention, calibrator, and `assess()` over them all.

Pure: text and probabilities in, assessments out. It knows a model only as a `Reader`.
"""

from lacie_chat.confidence.abstention import state_by_form
from lacie_chat.confidence.assess import assess, assess_many
from lacie_chat.confidence.assessment import Assessment, Confidence, ConfidenceKind, Span, State
from lacie_chat.confidence.calibrator import Calibrator
from lacie_chat.confidence.extraction import EXTRACTION_PREFIX, extract_answer, extract_answers
from lacie_chat.confidence.listener import CHOICES, LISTENER_PREFIX, LISTENER_VERSION, acceptances, listener_suffix
from lacie_chat.confidence.marks import lexical_marks
from lacie_chat.confidence.masking import PLACEHOLDER, mask, occurrences
from lacie_chat.confidence.reader import Reader
from lacie_chat.confidence.tone import TONES, tone
from lacie_chat.confidence.wording import bar, confidence_text, percent

__all__ = [
    "CHOICES",
    "EXTRACTION_PREFIX",
    "LISTENER_PREFIX",
    "LISTENER_VERSION",
    "PLACEHOLDER",
    "TONES",
    "Assessment",
    "Calibrator",
    "Confidence",
    "ConfidenceKind",
    "Reader",
    "Span",
    "State",
    "acceptances",
    "assess",
    "assess_many",
    "bar",
    "confidence_text",
    "extract_answer",
    "extract_answers",
    "lexical_marks",
    "listener_suffix",
    "mask",
    "occurrences",
    "percent",
    "state_by_form",
    "tone",
]
