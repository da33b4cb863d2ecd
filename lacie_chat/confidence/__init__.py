"""What a response conveys: answer span, masking, listener, cues, abstention, calibrator, and `assess()` over them all.

Pure: text and probabilities in, assessments out. It knows who hears as a `Listener`, and a model only as a `Reader`.
"""

from lacie_chat.confidence.abstention import state_by_form
from lacie_chat.confidence.agreement import MOST_SAMPLES, agreement_of, can_agree, with_agreement
from lacie_chat.confidence.assess import assess, assess_many, unassessed, with_p_right
from lacie_chat.confidence.assessment import (
    Agreement,
    Assessment,
    Confidence,
    ConfidenceKind,
    SentenceAcceptance,
    Span,
    State,
    Verdict,
    verdict_of,
)
from lacie_chat.confidence.calibrator import Calibrator, Form, OlderCalibrator, WayOfDrawing, drawn_of, drawn_so
from lacie_chat.confidence.cues import lexical_cues
from lacie_chat.confidence.listener import (
    ACCEPT_THRESHOLD,
    Listener,
    PaperListener,
    PromptedListener,
    TunedListener,
    text_read,
)
from lacie_chat.confidence.masking import PLACEHOLDER, mask, occurrences
from lacie_chat.confidence.reader import Reader
from lacie_chat.confidence.sentence_confidence import (
    MOST_SENTENCES,
    sentence_acceptances,
    split_sentences,
    wants_sentences,
    with_sentences,
)
from lacie_chat.confidence.signals import MEANINGS, Signals, TokenProbability, signal_values, signals_of
from lacie_chat.confidence.version import ASSESSMENT_VERSION
from lacie_chat.confidence.wording import (
    TONES,
    agreement_text,
    bar,
    confidence_text,
    p_right_text,
    percent,
    right_percent,
    right_text,
    share_words,
    spoken_text,
    tone,
)

__all__ = [
    "ACCEPT_THRESHOLD",
    "ASSESSMENT_VERSION",
    "MEANINGS",
    "MOST_SAMPLES",
    "MOST_SENTENCES",
    "PLACEHOLDER",
    "TONES",
    "Agreement",
    "Assessment",
    "Calibrator",
    "Confidence",
    "ConfidenceKind",
    "Form",
    "Listener",
    "OlderCalibrator",
    "PaperListener",
    "PromptedListener",
    "Reader",
    "SentenceAcceptance",
    "Signals",
    "Span",
    "State",
    "TokenProbability",
    "TunedListener",
    "Verdict",
    "WayOfDrawing",
    "agreement_of",
    "agreement_text",
    "assess",
    "assess_many",
    "bar",
    "can_agree",
    "confidence_text",
    "drawn_of",
    "drawn_so",
    "lexical_cues",
    "mask",
    "occurrences",
    "p_right_text",
    "percent",
    "right_percent",
    "right_text",
    "sentence_acceptances",
    "share_words",
    "signal_values",
    "signals_of",
    "split_sentences",
    "spoken_text",
    "state_by_form",
    "text_read",
    "tone",
    "unassessed",
    "verdict_of",
    "wants_sentences",
    "with_agreement",
    "with_p_right",
    "with_sentences",
]
