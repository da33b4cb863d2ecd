"""The one notion of the same answer, and what is counted by it, in whatever order the spans come."""

from itertools import permutations

import pytest

from lacie_chat.confidence.same_answer import commonest_answer, different_answers, same_answer


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Vienna", "VIENNA", True),
        ("Vienna", "Vienna, Austria", True),
        ("The Beatles", "beatles", True),
        ("Łódź", "lodz", True),
        ("three", "3", True),
        ("1908", "May 1908", True),
        ("1,234", "1234", True),
        ("Vienna", "Berlin", False),
        ("Korea", "North Korea", False),
        ("3", "3 million", False),
        ("7", "7 8", False),
        ("Yes", "not yes", False),
        ("", "Vienna", False),
        ("!", "Vienna", False),
        ("a", "a", True),
        ("Tokyo.", "Tokyo", True),
        ("The", "the", True),
        ("1914", "1915", False),
    ],
)
def test_same_answer(one: str, other: str, same: bool) -> None:
    assert same_answer(one, other) is same
    assert same_answer(other, one) is same


@pytest.mark.parametrize(
    ("spans", "commonest", "count", "different"),
    [
        (["Vienna"], "Vienna", 1, 1),
        (["Vienna", "Vienna, Austria", "Graz"], "Vienna", 2, 2),
        (["Paris, Texas", "Paris", "Paris, France"], "Paris", 3, 1),
        (["Paris, Texas", "Paris, France"], "Paris, Texas", 1, 2),
        (["Korea", "North Korea", "North Korea"], "North Korea", 2, 2),
        (["three", "3", "four"], "three", 2, 2),
        (["!", "!", "?"], "!", 2, 2),
    ],
)
def test_counts_do_not_hang_on_the_order(spans: list[str], commonest: str, count: int, different: int) -> None:
    assert commonest_answer(spans) == (commonest, count)
    for order in permutations(spans):
        assert commonest_answer(order)[1] == count
        assert different_answers(order) == different


def test_no_spans_have_no_commonest_answer() -> None:
    assert different_answers([]) == 0
    with pytest.raises(ValueError, match="no spans"):
        commonest_answer([])
