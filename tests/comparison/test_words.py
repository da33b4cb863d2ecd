"""Which words differ, and cutting a text by its highlights."""

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.comparison import differing_words, segments
from lacie_chat.confidence import Span


def texts(spans: tuple[Span, ...]) -> list[str]:
    return [span.text for span in spans]


def test_replaced_and_added_words() -> None:
    left, right = differing_words("It is certainly Tokyo.", "I think it is Tokyo, though.")
    assert texts(left) == ["It", "certainly"]
    assert texts(right) == ["I think it", ", though"]


def test_white_space_alone_is_no_difference() -> None:
    assert differing_words("One two.\n\nThree", "One  two. Three") == ((), ())


def test_a_word_that_the_other_side_lacks_is_on_one_side_only() -> None:
    left, right = differing_words("The sea is blue", "The sea is deep and blue")
    assert left == ()
    assert texts(right) == ["deep and"]


def test_nothing_against_something() -> None:
    left, right = differing_words("", "All of this.")
    assert left == ()
    assert texts(right) == ["All of this."]


def test_a_model_that_repeats_itself_for_thousands_of_words_is_compared_at_once() -> None:
    started = time.monotonic()
    differing_words("the sea and " * 2500, "the deep sea and " * 2000)
    assert time.monotonic() - started < 10


words = st.lists(st.sampled_from(["sea", "blue", "it's", "Ünder", "3.14", ",", "👍", " "]), max_size=30).map(" ".join)


@given(words, words)
def test_without_the_differing_words_both_texts_are_the_same(left: str, right: str) -> None:
    only_left, only_right = differing_words(left, right)
    for text, spans in ((left, only_left), (right, only_right)):
        assert all(text[span.start : span.end] == span.text for span in spans)
        assert all(one.end <= other.start for one, other in pairwise(spans))
    assert without(left, only_left) == without(right, only_right)


def without(text: str, spans: tuple[Span, ...]) -> list[str]:
    for span in reversed(spans):
        text = text[: span.start] + " " + text[span.end :]
    return text.split()


def test_overlapping_highlights_share_a_segment() -> None:
    text = "I really think so"
    found = segments(text, {"hedge": [Span("think", 9, 14)], "differs": [Span("really think", 2, 14)]})
    assert [(piece.text, set(piece.kinds)) for piece in found] == [
        ("I ", set()),
        ("really ", {"differs"}),
        ("think", {"hedge", "differs"}),
        (" so", set()),
    ]


@given(st.text(max_size=30), st.data())
def test_segments_put_together_are_the_text(text: str, data: st.DataObject) -> None:
    places = st.integers(0, len(text))
    spans = [
        Span(text[start:end], start, end)
        for start, end in (sorted(data.draw(st.tuples(places, places))) for _ in range(4))
    ]
    found = segments(text, {"a": spans[:2], "b": spans[2:]})
    assert "".join(piece.text for piece in found) == text
