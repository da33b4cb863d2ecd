"""The one flow from a response to its assessment; the chat, the commands and the training all call it.

    question -> speaker -> response -> answer span -> masked response -> listener -> acceptance
             -> calibrator -> assessment

What an assessment costs: one short completion where the form alone does not settle the state, and the reading of
one masked response. Many responses go to the listener in two calls. No text makes it raise: what a listener can't take
whole is cut for it (its beginning and its end are kept), while masking and cues always cover the whole response.
"""

from collections.abc import Sequence
from dataclasses import replace

from lacie_chat.confidence.assessment import Assessment, Span, State
from lacie_chat.confidence.calibrator import Calibrator
from lacie_chat.confidence.cues import lexical_cues
from lacie_chat.confidence.listener import Listener
from lacie_chat.confidence.masking import mask
from lacie_chat.confidence.signals import Signals, TokenProbability, signals_of


def assess(
    question: str,
    response: str,
    *,
    listener: Listener,
    calibrator: Calibrator | None = None,
    tokens: Sequence[TokenProbability] = (),
) -> Assessment:
    """What `response` conveys as an answer to `question`; `tokens` are its own, where the engine told them. Raises only
    what the listener raises.
    """
    return assess_many([(question, response)], listener=listener, calibrator=calibrator, tokens=[tokens])[0]


def assess_many(
    items: Sequence[tuple[str, str]],
    *,
    listener: Listener,
    calibrator: Calibrator | None = None,
    answers: Sequence[str | None] | None = None,
    tokens: Sequence[Sequence[TokenProbability]] | None = None,
) -> list[Assessment]:
    """One assessment for each (question, response), in order. An empty response has no acceptance.

    `answers` are final answers that are known already (a sample said again in other words has its own), one for each
    item or None: where such an answer stands in the response, no model is asked for it.
    """
    found = listener.answers(items, answers or ())
    masked = [
        mask(response, span.text) if span else response for (_, response), (_, span) in zip(items, found, strict=True)
    ]
    texts = list(dict.fromkeys(text for text in masked if text.strip()))  # "I don't know." is heard once
    heard = dict(zip(texts, listener.acceptances(texts), strict=True))
    drawn = tokens or [()] * len(items)
    return [
        _assessment(
            question,
            response,
            state,
            span,
            text,
            heard.get(text),
            calibrator,
            listener.version,
            signals_of(each, (span.start, span.end) if span else None),
        )
        for (question, response), (state, span), text, each in zip(items, found, masked, drawn, strict=True)
    ]


def unassessed(question: str, version: str) -> Assessment:
    """Of an answer that never came (it ended within what was thought before it): no figure, and nothing was heard."""
    return Assessment(question, "", "no_claim", None, "", None, None, (), (), assessment_version=version)


def _assessment(
    question: str,
    response: str,
    state: State,
    span: Span | None,
    masked: str,
    acceptance: float | None,
    calibrator: Calibrator | None,
    version: str,
    signals: Signals | None,
) -> Assessment:
    hedges, boosters = lexical_cues(response)
    assessment = Assessment(
        question=question,
        response=response,
        state=state,
        answer_span=span,
        masked_response=masked,
        acceptance=acceptance,
        p_right=None,
        hedges=hedges,
        boosters=boosters,
        assessment_version=version,
        signals=signals,
    )
    return with_p_right(assessment, calibrator)


def with_p_right(assessment: Assessment, calibrator: Calibrator | None) -> Assessment:
    """The assessment as this calibrator sees it, with whatever signals it has by now."""
    return replace(assessment, p_right=calibrator(assessment.values) if calibrator is not None else None)
