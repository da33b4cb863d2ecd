"""What one response conveys: the record that every front end shows, stores or trains on.

Only types live here; `assess.py` fills them. Offsets are characters (code points) of the response, end exclusive.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lacie_chat.confidence.signals import Signals

State = Literal["answered", "abstained", "no_claim"]
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
    """The figure to show, 0 to 1, and what it is: calibrated P(correct), or the bare acceptance."""

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

    `acceptance` is None only for an empty response. `confidence` is None unless the state is `answered`: an abstention
    is a state of its own, not a low confidence. `sentences` and `agreement` come later, if at all: they are None until
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
    confidence: Confidence | None
    hedges: tuple[Span, ...]
    boosters: tuple[Span, ...]
    sentences: tuple[SentenceAcceptance, ...] | None = None
    agreement: Agreement | None = None
    assessment_version: str | None = None
    signals: Signals | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of DESIGN.md, without `model`, `adapter`, `usage`, `timings` (the caller knows those).

        `sentences`, `agreement` and `signals` are there only where they are known.
        """
        later: dict[str, Any] = {}
        if self.sentences is not None:
            later["sentences"] = [sentence.to_dict() for sentence in self.sentences]
        if self.signals is not None:
            later["signals"] = self.signals.to_dict()
        if self.agreement is not None:
            later["agreement"] = self.agreement.to_dict()
        return {
            "question": self.question,
            "response": self.response,
            "answer_span": self.answer_span.text if self.answer_span else None,
            "answer_offsets": [self.answer_span.start, self.answer_span.end] if self.answer_span else None,
            "state": self.state,
            "acceptance": self.acceptance,
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
        confidence = data["confidence"]
        sentences, agreement = data.get("sentences"), data.get("agreement")
        return cls(
            question=data["question"],
            response=data["response"],
            state=data["state"],
            answer_span=_answer_span(data),
            masked_response=data["masked_response"],
            acceptance=data["acceptance"],
            confidence=Confidence(confidence["value"], confidence["kind"]) if confidence else None,
            hedges=tuple(Span(**span) for span in data["hedges"]),
            boosters=tuple(Span(**span) for span in data["boosters"]),
            sentences=tuple(SentenceAcceptance(**each) for each in sentences) if sentences is not None else None,
            agreement=Agreement(agreement["value"], agreement["k"]) if agreement else None,
            assessment_version=data.get("assessment_version"),
            signals=Signals.from_dict(data["signals"]) if data.get("signals") else None,
        )


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
