"""The figures of wording alone, against texts counted by hand."""

import pytest

from lacie_chat.statistics.fluency import fluency


def test_openings_are_counted_by_their_first_three_words_whatever_their_case() -> None:
    twelve = [f"Answer {name} it is." for name in "abcdefghijkl"]
    figures = fluency([*twelve, "It was in Rome.", "it was in, I think, Bonn."])
    # "it was in" twice, then nine of the twelve that stand once
    assert figures["ten_commonest_openings"] == pytest.approx(11 / 14)


def test_distinct_2_is_of_all_pairs_of_neighbours_within_answers() -> None:
    figures = fluency(["a b a b", "b a"])
    # ab ba ab | ba: two different ones of four; "b b" across answers is none
    assert figures["distinct_2"] == pytest.approx(2 / 4)
    assert figures["words"] == pytest.approx(3)


def test_hedges_are_those_of_the_lexicon() -> None:
    assert fluency(["It is Rome.", "It might be Rome.", "I'm not sure."])["hedged"] == pytest.approx(2 / 3)


def test_empty_answers_count_for_nothing_and_nothing_at_all_has_no_figures() -> None:
    assert fluency(["It is Rome.", "", "  "]) == fluency(["It is Rome."])
    assert set(fluency(["", "…"]).values()) == {None}


def test_one_word_has_no_pair() -> None:
    assert fluency(["Rome", "Bonn"])["distinct_2"] is None
