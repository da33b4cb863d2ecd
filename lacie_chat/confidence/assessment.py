"""What one response conveys: the record that every front end shows, stores or trains on.

Only types live here; `assess.py` fills them. Offsets are characters (code points) of the response, end exclusive.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lacie_chat.confidence.signals import Signals, signal_values

State = Literal["answered", "abstained", "no_claim"]
Verdict = Literal["sounds surer than it is", "sounds about right", "surer than it sounds"]
ConfidenceKind = Literal["calibrated", "acceptance"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the response: `response[start:end] == text`."""

    text: str
    start: int
    end: int

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class Confidence:
    """One figure, 0 to 1, for scripts that want no more, and what it is: P(right) where a calibrator gave one
    (`calibrated`), else the bare acceptance."""

    value: float
    kind: ConfidenceKind

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class SentenceAcceptance:
    """A sentence of the response (`response[start:end] == text`); `acceptance` is None for one that was left out."""

    text: str
    start: int
    end: int
    acceptance: float | None

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "start": self.start, "end": self.end, "acceptance": self.acceptance}


@dataclass(frozen=True, slots=True)
class Agreement:
    """The share, 0 to 1, of `k` further samples that give the same answer."""

    value: float
    k: int

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value, "k": self.k}


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that is known of one response.

    `acceptance` is None only for an empty response. `p_right`, what a calibrator makes of the signals, is None without
    one, and unless the state is `answered` and there is an answer span: where no answer is given none can be right.
    `sentences` and `agreement` come later, if at all: they are None until
    then, and for responses that have none (a single sentence; no answer span to agree on). `assessment_version` says
    who heard it (version.py); None in records from before it was kept. Acceptances of two versions can't be compared.
    `signals`: what the speaker's own probabilities say, where they are known.
    """

    question: str
    response: str
    state: State
    answer_span: Span | None
    masked_response: str
    acceptance: float | None
    p_right: float | None
    hedges: tuple[Span, ...]
    boosters: tuple[Span, ...]
    sentences: tuple[SentenceAcceptance, ...] | None = None
    agreement: Agreement | None = None
    assessment_version: str | None = None
    signals: Signals | None = None

    @property
    def confidence(self) -> Confidence | None:
        """P(right) where it is known, else the acceptance; None unless the response answers: an abstention is a state
        of its own, not a low confidence."""
        if self.state != "answered" or self.acceptance is None:
            return None
        return (
            Confidence(self.acceptance, "acceptance")
            if self.p_right is None
            else Confidence(self.p_right, "calibrated")
        )

    @property
    def verdict(self) -> Verdict | None:
        """How it sounds, held against how likely it is right; None where one of the two isn't known."""
        return verdict_of(self.acceptance, self.p_right)

    @property
    def values(self) -> dict[str, float]:
        """The signals that are known of it, by name; empty where it gives no answer."""
        return signal_values(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of DESIGN.md, without `model`, `adapter`, `usage`, `timings` (the caller knows those).

        `sentences` and `agreement` are there only where they are known.
        """
        later: dict[str, Any] = {}
        if self.sentences is not None:
            later["sentences"] = [sentence.to_dict() for sentence in self.sentences]
        if self.agreement is not None:
            later["agreement"] = self.agreement.to_dict()
        return {
            "question": self.question,
            "response": self.response,
            "answer_span": self.answer_span.text if self.answer_span else None,
            "answer_offsets": [self.answer_span.start, self.answer_span.end] if self.answer_span else None,
            "state": self.state,
            "acceptance": self.acceptance,
            "p_right": self.p_right,
            "verdict": self.verdict,
            "signals": self.signals.to_dict() if self.signals else None,
            "confidence": self.confidence.to_dict() if self.confidence else None,
            "hedges": [span.to_dict() for span in self.hedges],
            "boosters": [span.to_dict() for span in self.boosters],
            "masked_response": self.masked_response,
            "assessment_version": self.assessment_version,
            **later,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Assessment":
        """Read back what `to_dict` wrote (extra keys are ignored)."""
        confidence = data.get("confidence") or {}
        # a record from before P(right) had a name of its own
        calibrated = confidence.get("value") if confidence.get("kind") == "calibrated" else None
        sentences, agreement = data.get("sentences"), data.get("agreement")
        return cls(
            question=data["question"],
            response=data["response"],
            state=data["state"],
            answer_span=_answer_span(data),
            masked_response=data["masked_response"],
            acceptance=data["acceptance"],
            p_right=data.get("p_right", calibrated),
            hedges=tuple(Span(**span) for span in data["hedges"]),
            boosters=tuple(Span(**span) for span in data["boosters"]),
            sentences=tuple(SentenceAcceptance(**each) for each in sentences) if sentences is not None else None,
            agreement=Agreement(agreement["value"], agreement["k"]) if agreement else None,
            assessment_version=data.get("assessment_version"),
            signals=Signals.from_dict(data["signals"]) if data.get("signals") else None,
        )


APART = 0.25
"""So far apart how an answer sounds and how likely it is right may be and still count as about the same: people rate
the same wording .2 apart."""


def verdict_of(acceptance: float | None, p_right: float | None) -> Verdict | None:
    """The two figures held together; None where one isn't known."""
    if acceptance is None or p_right is None:
        return None
    if abs(acceptance - p_right) <= APART:
        return "sounds about right"
    return "sounds surer than it is" if acceptance > p_right else "surer than it sounds"


def _answer_span(data: Mapping[str, Any]) -> Span | None:
    """The span by its stored offsets; in a record from before there were any, its first whole occurrence."""
    response, answer = data["response"], data["answer_span"]
    if not answer:
        return None
    if data.get("answer_offsets"):
        start, end = data["answer_offsets"]
        return Span(response[start:end], start, end)
    found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", response)
    start = found.start() if found else response.find(answer)
    return Span(answer, start, start + len(answer)) if start >= 0 else None
