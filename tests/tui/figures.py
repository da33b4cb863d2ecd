"""Answers in every state that a line can show, for the tests of what one sees of them."""

from typing import Any

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import (
    ASSESSMENT_VERSION,
    Agreement,
    Assessment,
    Calibrator,
    Form,
    Signals,
    Span,
    State,
    WayOfDrawing,
)
from lacie_chat.confidence.calibrator import logit
from lacie_chat.confidence.signals import ACCEPTANCE
from lacie_chat.engine.settings import Sampling

RESPONSE = "I think it is the Danube."
SPAN = Span("the Danube", 14, 24)
HEDGE = Span("I think", 0, 7)
SIGNALS = Signals(span_sum=-1.08, span_lowest=-0.9, span_first=-0.11, span_tokens=3, mean=-0.2, tokens=7)


def answer(
    acceptance: float = 0.9,
    p_right: float | None = 0.17,
    *,
    state: State = "answered",
    span: bool = True,
    hedged: bool = False,
    agreement: Agreement | None = None,
    signals: Signals | None = None,
    **turn: Any,
) -> Turn:
    """A finished answer whose assessment says this; `turn`: what else is known of it."""
    assessment = Assessment(
        question="Which river?",
        response=RESPONSE,
        state=state,
        answer_span=SPAN if span and state == "answered" else None,
        masked_response="I think it is [answer].",
        acceptance=acceptance,
        p_right=p_right if state == "answered" else None,
        hedges=(HEDGE,) if hedged else (),
        boosters=(),
        agreement=agreement,
        signals=signals,
    )
    return Turn("assistant", RESPONSE, None, assessment=assessment, **turn)


def every_state() -> dict[str, Turn]:
    """By a name that says what it is."""
    away = {"adapter": "lacie-v1"}
    found = {
        "surer than it is": answer(params=away),
        "about right": answer(p_right=0.88, params=away),
        "honest": answer(0.35, 0.17, hedged=True, params=away),
        "surer than it sounds": answer(0.2, 0.93, params=away),
        "nearly never": answer(0.2, 0.001, params=away),
        "nearly always": answer(0.99, 0.999, params=away),
        "no calibrator": answer(p_right=None, params=away),
        "no calibrator, baseline": answer(p_right=None, params={"baseline": True, "model_ref": "embedded"}),
        "no calibrator, long name": answer(
            p_right=None, params={"model_ref": "someone/Some-Long-Model-Name-GGUF:Q4_K_M"}
        ),
        "no answer span": answer(p_right=None, span=False, params=away),
        "abstained": answer(0.1, state="abstained", params=away),
        "no claim": answer(0.5, state="no_claim", params=away),
        "agreement": answer(agreement=Agreement(0.8, 5), params=away),
        "drawing": answer(drawing=True, params=away),
        "another listener": answer(heard_otherwise=True, params=away),
        "cut off": answer(status="cancelled", params=away),
        "marked right": answer(correct=True, params=away),
        "marked wrong": answer(correct=False, params=away),
        "stopped": answer(params={"sampling": {"max_tokens": 8}}, usage={"completion_tokens": 8}),
        "not assessed, problem": Turn("assistant", RESPONSE, None, problem="the listener's process is gone"),
        "failed, problem": Turn("assistant", "", None, status="failed", problem="the model couldn't be loaded"),
        "engine gone": Turn("assistant", RESPONSE, None, status="cut_off"),
        "nothing": Turn("assistant", "", None),
        "only thought": Turn("assistant", "", None, status="cancelled", reasoning="hm", params=away),
        "thought and said nothing": Turn("assistant", "", None, reasoning="hm", usage={"finish_reason": "stop"}),
        "context full": answer(params={"sampling": {"max_tokens": 8}}, usage={"finish_reason": "context"}),
    }
    for phase in ("waiting", "reading", "thinking", "answering", "listening"):
        status = "complete" if phase == "listening" else "streaming"
        found[phase] = Turn("assistant", RESPONSE, None, status=status, phase=phase, params=away)  # type: ignore[arg-type]
    return found


def calibrator(p_right: float = 0.17, **changes: Any) -> Calibrator:
    """Says `p_right` of every answer."""
    return Calibrator(
        **{
            "n": 500,
            "right": 155,
            "source": "held-out questions",
            "model_fingerprint": "aa",
            "assessment_version": ASSESSMENT_VERSION,
            "sampling": WayOfDrawing.of(Sampling()),
            "forms": (Form(logit(p_right), {ACCEPTANCE: 0.0}),),
            **changes,
        }
    )
