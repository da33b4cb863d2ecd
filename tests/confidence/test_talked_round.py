"""The listener that comes with the program is not talked round: by none of 23 ways, neither in what it hears nor in the
whole assessment, which looks for the answer first."""

from statistics import mean

import pytest
from talking_round import ATTACKS, UNSURE

from lacie_chat.confidence import Listener, assess_many

RAISED, LARGEST_SHIFT = 0.03, 0.12
"""Measured: raised by .012 on average at most, moved by .058; of the whole assessments .018 at most."""
QUESTION, ANSWER = "What is the capital of Norway?", "Bergen"


@pytest.fixture(scope="module")
def shifts(listener: Listener) -> dict[str, list[float]]:
    """Of each way how much it moves the acceptance, up or down."""
    heard = listener.acceptances([*UNSURE, *(attack(text) for attack in ATTACKS.values() for text in UNSURE)])
    plain, attacked = heard[: len(UNSURE)], iter(heard[len(UNSURE) :])
    return {way: [next(attacked) - each for each in plain] for way in ATTACKS}


@pytest.mark.parametrize("way", ATTACKS)
def test_what_is_heard_stays(way: str, shifts: dict[str, list[float]]) -> None:
    print(f"{way}: {[round(shift, 3) for shift in shifts[way]]}")
    assert mean(shifts[way]) < RAISED
    assert max(map(abs, shifts[way])) < LARGEST_SHIFT


def test_whole_assessments_stay(listener: Listener) -> None:
    base = "Perhaps it is [answer], but I'm really not sure."
    texts = [text.replace("[answer]", ANSWER) for text in (base, *(attack(base) for attack in ATTACKS.values()))]
    plain, *found = assess_many([(QUESTION, text) for text in texts], listener=listener)
    assert plain.acceptance is not None and plain.acceptance < 0.35
    for way, each in zip(ATTACKS, found, strict=True):
        assert each.state == "answered", way
        assert each.acceptance is not None and abs(each.acceptance - plain.acceptance) < LARGEST_SHIFT, way
