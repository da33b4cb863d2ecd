"""Sentence by sentence: where a response is cut, what of each sentence the listener reads, what is left out."""

from dataclasses import replace

import pytest
from counting import counted
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import (
    ASSESSMENT_VERSION,
    MOST_SENTENCES,
    Assessment,
    Listener,
    Span,
    TunedListener,
    sentence_acceptances,
    split_sentences,
    wants_sentences,
    with_sentences,
)
from lacie_chat.confidence.tuned import HEARING_PREFIX, hearing_suffix

MARKDOWN = """# The river

The U.S. has rivers, e.g. the Ohio, etc. and so on. Dr. Smith drew it (see Fig. 3 in the book). "Really?" he asked.

Here are the steps:

1. Boil water. Then wait, perhaps.
2) Add tea
   and stir.
- [x] **Note:** be careful

**Step 1:**

> I think that this was quoted and that the line was wrapped by hand at
> some width. And more.

```python
x = 'perhaps'. Certainly
```
| a | b |
|---|---|
---
Last one without stop"""


def texts(response: str) -> list[str]:
    return [" ".join(span.text.split()) for span in split_sentences(response)]


def test_markdown_is_cut_into_sentences_only() -> None:
    assert texts(MARKDOWN) == [
        "The U.S. has rivers, e.g. the Ohio, etc. and so on.",
        "Dr. Smith drew it (see Fig. 3 in the book).",
        '"Really?" he asked.',
        "Here are the steps:",
        "Boil water.",
        "Then wait, perhaps.",
        "Add tea and stir.",
        "**Note:** be careful",
        "I think that this was quoted and that the line was wrapped by hand at > some width.",
        "And more.",
        "Last one without stop",
    ]


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("", []),
        ("```\nall code. really\n", []),
        ("~~~\na. b\n~~~\nIt is so.", ["It is so."]),
        ("Oslo\nBergen\nTrondheim", ["Oslo", "Bergen", "Trondheim"]),
        ("It is 3.14. Or 2.5 e.g. there.", ["It is 3.14.", "Or 2.5 e.g. there."]),
        ("It was in Sept. 1914. Yes!", ["It was in Sept. 1914.", "Yes!"]),
        ("i think so. maybe not.", ["i think so.", "maybe not."]),
        ("First line,\nsecond line.\r\nThird.", ["First line, second line.", "Third."]),
    ],
)
def test_cuts(response: str, expected: list[str]) -> None:
    assert texts(response) == expected


@given(st.text(alphabet='aB1 .?!\n`~#>-|*()\u2028é"', max_size=80))
def test_offsets_are_the_responses_own_and_in_order(response: str) -> None:
    position = 0
    for span in split_sentences(response):
        assert response[span.start : span.end] == span.text
        assert position <= span.start < span.end
        position = span.end


def assessed(response: str, answer: str | None = None, state: str = "answered") -> Assessment:
    start = response.find(answer) if answer else 0
    span = Span(answer, start, start + len(answer)) if answer else None
    return Assessment("Who?", response, state, span, "", 0.5, None, (), ())  # type: ignore[arg-type]


def test_each_sentence_is_masked_and_read_in_one_call(listener: TunedListener) -> None:
    response = "It was Jane Austen, certainly. Perhaps Austen wrote it in 1811? I'm not sure, it's just a guess."
    recording, calls = counted(listener)
    found = sentence_acceptances(assessed(response, "Jane Austen"), listener=recording)
    assert calls.made == [1, 0] and calls.prefixes == [HEARING_PREFIX]
    assert calls.asked == [
        hearing_suffix("It was [answer], certainly."),
        hearing_suffix("Perhaps [answer] wrote it in 1811?"),
        hearing_suffix("I'm not sure, it's just a guess."),
    ]
    assert found is not None and found[0].text == "It was Jane Austen, certainly."
    first, second, third = (each.acceptance for each in found)
    assert first is not None and second is not None and third is not None
    assert first > 0.5 > max(second, third), "it turns unsure after the first"


def test_sentences_beyond_the_cap_are_named_but_not_read(listener: TunedListener) -> None:
    recording, calls = counted(listener)
    response = " ".join(f"Fact {number} is so." for number in range(MOST_SENTENCES + 3))
    found = sentence_acceptances(assessed(response), listener=recording)
    assert found is not None and len(calls.asked) == MOST_SENTENCES
    assert [each.acceptance is None for each in found] == [False] * MOST_SENTENCES + [True] * 3
    assert found[-1].text == f"Fact {MOST_SENTENCES + 2} is so."


@pytest.mark.parametrize(
    "assessment",
    [
        assessed("It is Oslo, of course."),
        assessed(""),
        assessed("I don't know. Ask someone else.", state="abstained"),
        assessed("Hello! How are you?", state="no_claim"),
    ],
)
def test_what_has_no_two_sentences_that_answer_is_not_read(assessment: Assessment, listener: TunedListener) -> None:
    recording, calls = counted(listener)
    assert sentence_acceptances(assessment, listener=recording) is None
    assert not wants_sentences(assessment)
    assert calls.made == [0, 0]


def test_the_record_reads_back_with_sentences_and_without(listener: Listener) -> None:
    plain = assessed("It is Oslo. It may be Bergen.", "Oslo")
    assert wants_sentences(plain)
    assert "sentences" not in plain.to_dict() and "agreement" not in plain.to_dict()
    found = with_sentences(plain, listener=listener)
    assert not wants_sentences(found)
    record = found.to_dict()
    assert set(record["sentences"][0]) == {"text", "start", "end", "acceptance"}
    assert Assessment.from_dict(record) == found
    assert Assessment.from_dict(plain.to_dict()) == plain
    assert replace(found, sentences=None) == plain


def test_what_another_version_heard_is_left_alone(listener: TunedListener) -> None:
    recording, calls = counted(listener)
    heard = replace(assessed("It is Oslo. It may be Bergen.", "Oslo"), assessment_version="of another listener")
    assert with_sentences(heard, listener=recording) is heard
    assert calls.made == [0, 0]
    own = replace(heard, assessment_version=ASSESSMENT_VERSION)
    assert with_sentences(own, listener=recording).sentences is not None and calls.made == [1, 0]


def test_long_and_odd_texts_are_cut_in_linear_time() -> None:
    for text in ("x" * 500_000, "a. " * 200_000, "\n> " * 100_000, "```" * 100_000, "**a" * 100_000, "| " * 200_000):
        split_sentences(text)
