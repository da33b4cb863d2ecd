"""Right or wrong: the method's matcher, and the lenient one measured on a sample labelled by hand."""

import json
from pathlib import Path

from lacie_chat.evaluation.matching import Matcher, exact, lenient, normalise

SAMPLE = Path(__file__).parent / "data" / "matching.jsonl"


HELD_OUT = SAMPLE.with_name("matching_held_out.jsonl")


def precision_and_recall(match: Matcher, sample: Path = SAMPLE) -> tuple[float, float]:
    rows = [json.loads(line) for line in sample.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= (200 if sample == SAMPLE else 90)
    found = [row["right"] for row in rows if match(row["answer"], [row["alias"]])]
    return sum(found) / len(found), sum(found) / sum(row["right"] for row in rows)


def test_normal_form() -> None:
    assert normalise("The  Lion, the_Witch") == "lion witch"
    assert normalise("O\u2019Hara's \u201cA\u201d") == "oharas"
    assert normalise("AN apple") == "apple"


def test_exact_is_membership_of_the_normal_form() -> None:
    assert exact("the Beatles!", ["Rolling Stones", "Beatles"])
    assert not exact("Beatle", ["Beatles"])
    assert not exact("John Lennon of the Beatles", ["Beatles"])
    assert not exact(None, ["x"])
    assert not exact("", ["x"])
    assert not exact("the", ["a"]), "two answers of which nothing is left are not the same answer"


def test_exact_makes_no_mistake_but_misses_most_single_aliases() -> None:
    precision, recall = precision_and_recall(exact)
    assert precision == 1.0
    assert 0.2 < recall < 0.3


def test_lenient_on_the_labelled_sample() -> None:
    """Of 343 pairs, half of the wrong ones chosen to look right: precision .98, recall .93 when this was written."""
    precision, recall = precision_and_recall(lenient)
    assert precision >= 0.97
    assert recall >= 0.92


def test_lenient_on_pairs_that_it_was_not_written_with() -> None:
    """Pairs written and labelled before it was tried on them, none of the other sample's, most wrong ones alike on
    purpose. The rules were made with the other sample before the eyes: this is what to expect. Not to be tuned on.
    """
    precision, recall = precision_and_recall(lenient, HELD_OUT)
    assert 0.85 < precision < 0.95
    assert 0.55 < recall < 0.7


def test_lenient_never_takes_nothing_for_an_answer() -> None:
    assert not lenient(None, ["x"])
    assert not lenient("", ["x"])
    assert not lenient("...", ["x", "..."])
    assert not lenient("Paris", [""])
