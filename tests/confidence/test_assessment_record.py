"""An assessment that is written out and read back is the same one, to the last offset."""

import json

from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import Agreement, Assessment, Confidence, SentenceAcceptance, Span

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
        confidence=draw(st.none() | st.builds(Confidence, SHARES, st.sampled_from(("calibrated", "acceptance")))),
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
    return Assessment("Who?", response, "answered", span, "", 0.7, Confidence(0.7, "acceptance"), (), ())


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


def test_a_record_from_before_the_version_was_kept_has_none() -> None:
    old = record("It is Anna", Span("Anna", 6, 10)).to_dict()
    del old["assessment_version"]
    assert Assessment.from_dict(old).assessment_version is None
