"""The word for how a response sounds agrees with the state, the figure and the cues."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import (
    TONES,
    Agreement,
    Assessment,
    Span,
    State,
    confidence_text,
    right_text,
    share_words,
    tone,
)

_HEDGE = (Span("maybe", 0, 5),)
_BOOSTER = (Span("surely", 6, 12),)
_BASE = Assessment("", "maybe surely", "answered", None, "", 0.9, None, (), ())


@pytest.mark.parametrize(
    ("acceptance", "hedges", "boosters", "word"),
    [
        (0.9, (), (), "sounds sure"),
        (0.85, (), (), "sounds sure"),
        (0.84, (), (), "fairly sure"),
        (0.9, _HEDGE, (), "fairly sure"),
        (0.9, _HEDGE, _BOOSTER, "sounds sure"),
        (0.6, (), (), "fairly sure"),
        (0.55, _HEDGE, (), "fairly sure"),
        (0.54, _HEDGE, (), "hedges"),
        (0.54, (), (), "sounds unsure"),
        (0.27, _HEDGE, (), "hedges"),
        (0.26, _HEDGE, (), "sounds unsure"),
        (0.2, (), _BOOSTER, "sounds unsure"),
    ],
)
def test_words(acceptance: float, hedges: tuple[Span, ...], boosters: tuple[Span, ...], word: str) -> None:
    assert tone(replace(_BASE, acceptance=acceptance, hedges=hedges, boosters=boosters)) == word


@given(
    st.sampled_from(["answered", "abstained", "no_claim"]),
    st.none() | st.floats(0, 1),
    st.sampled_from([(), _HEDGE]),
    st.sampled_from([(), _BOOSTER]),
)
def test_the_word_never_contradicts_the_cues(
    state: State, acceptance: float | None, hedges: tuple[Span, ...], boosters: tuple[Span, ...]
) -> None:
    word = tone(replace(_BASE, state=state, acceptance=acceptance, hedges=hedges, boosters=boosters))
    assert word in TONES
    assert word != "hedges" or hedges
    assert (word == "declines") == (state == "abstained")


ANSWER = Span("maybe", 0, 5)


def test_the_share_is_that_of_the_per_cent_beside_it() -> None:
    said: dict[str, set[str]] = {}
    for thousandths in range(8, 993):
        words, _, shown = right_text(thousandths / 1000).partition(" (")
        said.setdefault(shown, set()).add(words)
    assert {shown: words for shown, words in said.items() if len(words) > 1} == {}


@pytest.mark.parametrize(
    ("p_right", "words"),
    [
        (0.004, "right less than 1 in 100 (under 1\u00a0%)"),
        (0.009, "right about 1 in 100 (1\u00a0%)"),
        (0.02, "right about 1 in 50 (2\u00a0%)"),
        (0.17, "right about 1 in 6 (17\u00a0%)"),
        (0.5, "right about 1 in 2 (50\u00a0%)"),
        (0.74, "right about 3 in 4 (74\u00a0%)"),
        (0.9, "right about 9 in 10 (90\u00a0%)"),
        (0.99, "right about 99 in 100 (99\u00a0%)"),
        (0.997, "right more than 99 in 100 (over 99\u00a0%)"),
    ],
)
def test_how_likely_it_is_right_in_words(p_right: float, words: str) -> None:
    assert right_text(p_right) == words


@given(st.floats(0.0075, 0.9925))
def test_the_words_are_near_the_figure(p_right: float) -> None:
    part, whole = map(int, share_words(p_right).split(" in "))
    assert abs(part / whole - p_right) <= 0.055


def test_both_figures_in_order_and_the_verdict() -> None:
    sure = replace(_BASE, answer_span=ANSWER, acceptance=0.95)
    assert confidence_text(sure) == "▰▰▰▰▰▰▰▰▰▱ sounds sure · how often right? lacie calibrate"
    assert (
        confidence_text(replace(sure, p_right=1 / 6))
        == "▰▰▰▰▰▰▰▰▰▱ sounds sure · right about 1 in 6 (17\u00a0%) · sounds surer than it is"
    )
    honest = replace(sure, acceptance=0.2, p_right=1 / 6)
    assert confidence_text(honest) == "▰▰▱▱▱▱▱▱▱▱ sounds unsure · right about 1 in 6 (17\u00a0%) · the tone fits"
    assert confidence_text(replace(sure, answer_span=None)).endswith("no single answer to be right or wrong")
    assert confidence_text(replace(sure, state="abstained")) == "⊘ declines · no answer to be sure of"
    assert confidence_text(replace(sure, state="no_claim")) == "· no claim · nothing to be sure of"
    agreed = replace(sure, p_right=0.9, agreement=Agreement(0.8, 5))
    assert confidence_text(agreed).endswith("the tone fits · 4 of 5 samples agree")
