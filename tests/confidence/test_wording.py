"""The word for how a response sounds agrees with the state, the figure and the cues."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import TONES, Assessment, Span, State, tone

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
