"""An assessment that is written out and read back is the same one, to the last offset."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import (
    MEANINGS,
    Agreement,
    Assessment,
    Confidence,
    SentenceAcceptance,
    Signals,
    Span,
    signal_values,
)

SHARES = st.floats(0, 1)
TEXTS = st.text(alphabet="ab éß\n.🙂", min_size=1, max_size=30)


@st.composite
def spans(draw: st.DrawFn, text: str) -> Span:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    return Span(text[start:end], start, end)


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    response = draw(TEXTS)
    lists = st.lists(spans(response), max_size=3).map(tuple)
    sentences = st.tuples(spans(response), st.none() | SHARES).map(
        lambda pair: SentenceAcceptance(pair[0].text, pair[0].start, pair[0].end, pair[1])
    )
    return Assessment(
        question=draw(TEXTS),
        response=response,
        state=draw(st.sampled_from(("answered", "abstained", "no_claim"))),
        answer_span=draw(st.none() | spans(response)),
        masked_response=draw(TEXTS),
        acceptance=draw(st.none() | SHARES),
        p_right=draw(st.none() | SHARES),
        hedges=draw(lists),
        boosters=draw(lists),
        sentences=draw(st.none() | st.lists(sentences, max_size=2).map(tuple)),
        agreement=draw(st.none() | st.builds(Agreement, SHARES, st.integers(1, 20))),
        assessment_version=draw(st.none() | st.sampled_from(("4.2.2", "prompt-3.2-0123abcd.2"))),
    )


@given(assessments())
def test_written_out_and_read_back(assessment: Assessment) -> None:
    assert Assessment.from_dict(json.loads(json.dumps(assessment.to_dict()))) == assessment


def record(response: str, span: Span) -> Assessment:
    return Assessment("Who?", response, "answered", span, "", 0.7, None, (), ())


def test_the_answer_keeps_its_place_where_its_letters_stand_earlier_too() -> None:
    told = record("Annapolis? No: Anna", Span("Anna", 15, 19))
    assert told.to_dict()["answer_span"] == "Anna"  # the contract: text or null
    assert Assessment.from_dict(told.to_dict()).answer_span == Span("Anna", 15, 19)


def test_a_record_from_before_the_offsets_takes_the_first_whole_occurrence() -> None:
    old = record("Annapolis? No: Anna", Span("Anna", 15, 19)).to_dict()
    del old["answer_offsets"]
    assert Assessment.from_dict(old).answer_span == Span("Anna", 15, 19)
    assert Assessment.from_dict({**old, "answer_span": "nap"}).answer_span == Span("nap", 2, 5)
    assert Assessment.from_dict({**old, "answer_span": "Bob"}).answer_span is None
    assert Assessment.from_dict({**old, "answer_span": None}).answer_span is None


def test_the_two_figures_and_what_follows_from_them() -> None:
    told = record("It is Anna", Span("Anna", 6, 10))
    assert (told.p_right, told.verdict, told.confidence) == (None, None, Confidence(0.7, "acceptance"))
    for p_right, verdict in (
        (0.2, "sounds surer than it is"),
        (0.5, "sounds about right"),
        (0.9, "sounds about right"),
        (0.96, "surer than it sounds"),
    ):
        judged = replace(told, p_right=p_right)
        assert (judged.verdict, judged.confidence) == (verdict, Confidence(p_right, "calibrated"))
        assert {"p_right": p_right, "verdict": verdict}.items() <= judged.to_dict().items()
    declined = replace(told, state="abstained", answer_span=None)
    assert (declined.confidence, declined.values) == (None, {})


def test_the_signals_of_an_answer() -> None:
    signals = Signals(-1.5, -1.25, -0.25, 2, -0.5, 7)
    told = replace(record("It is Anna", Span("Anna", 6, 10)), signals=signals, agreement=Agreement(0.6, 5))
    values = {"acceptance": 0.7, "span_sum": -1.5, "span_lowest": -1.25, "span_first": -0.25, "mean": -0.5}
    assert told.values == signal_values(told.to_dict()) == {**values, "agreement": 0.6}
    assert set(told.values) == set(MEANINGS)
    assert replace(told, signals=None, agreement=None).values == {"acceptance": 0.7}
    assert replace(told, answer_span=None).values == {}, "no answer is given that could be right"


def test_a_record_from_before_p_right_had_a_name_keeps_its_figure() -> None:
    old = record("It is Anna", Span("Anna", 6, 10)).to_dict()
    del old["p_right"], old["verdict"]
    assert Assessment.from_dict({**old, "confidence": {"value": 0.3, "kind": "calibrated"}}).p_right == 0.3
    assert Assessment.from_dict({**old, "confidence": {"value": 0.7, "kind": "acceptance"}}).p_right is None
    assert Assessment.from_dict({**old, "confidence": None}).p_right is None


def test_a_record_from_before_the_version_was_kept_has_none() -> None:
    old = record("It is Anna", Span("Anna", 6, 10)).to_dict()
    del old["assessment_version"]
    assert Assessment.from_dict(old).assessment_version is None
