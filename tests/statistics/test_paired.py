"""McNemar against statsmodels and published examples; the paired bootstrap against what it must be."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as reference

from lacie_chat.statistics.metrics import Scored, point
from lacie_chat.statistics.paired import acceptance_by_truth, mcnemar, mcnemar_of, paired_bootstrap


def table(only_left: int, only_right: int) -> list[list[int]]:
    return [[40, only_left], [only_right, 30]]


@pytest.mark.parametrize(
    ("only_left", "only_right"), [(0, 1), (1, 0), (5, 12), (10, 13), (25, 4), (59, 16), (121, 59), (700, 650)]
)
def test_against_statsmodels_and_scipy(only_left: int, only_right: int) -> None:
    found = mcnemar(only_left, only_right)
    assert found.p == pytest.approx(reference(table(only_left, only_right), exact=True).pvalue, rel=1e-9)
    assert found.p == pytest.approx(binomtest(only_left, only_left + only_right).pvalue, rel=1e-9)
    corrected = reference(table(only_left, only_right), exact=False, correction=True)
    assert found.chi_square == pytest.approx(corrected.statistic, rel=1e-12)
    assert found.chi_square_p == pytest.approx(corrected.pvalue, rel=1e-9)


def test_the_published_examples() -> None:
    # Agresti, Categorical Data Analysis (2nd ed., table 10.1): approval of the prime minister in two surveys; the
    # discordant cells are 150 and 86: without correction z² = 17.36, with it (64 - 1)² / 236 = 16.82.
    approval = mcnemar(150, 86)
    assert approval.chi_square == pytest.approx(16.82, abs=0.005)
    assert approval.chi_square_p == pytest.approx(4.1e-5, abs=0.05e-5)
    # Edwards' correction on 121 and 59 discordant pairs, the example of McNemar's test in many textbooks: 20.67
    textbook = mcnemar(121, 59)
    assert textbook.chi_square == pytest.approx((62 - 1) ** 2 / 180)
    assert textbook.chi_square == pytest.approx(20.67, abs=0.005)


def test_sides_that_never_disagree_or_disagree_evenly() -> None:
    assert (mcnemar(0, 0).p, mcnemar(0, 0).chi_square, mcnemar(0, 0).chi_square_p) == (1.0, 0.0, 1.0)
    assert mcnemar(5, 5).p == 1.0
    assert mcnemar(5, 5).chi_square_p == 1.0
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 3)


def test_very_many_pairs_stay_exact() -> None:
    assert mcnemar(3000, 3200).p == pytest.approx(binomtest(3000, 6200).pvalue, rel=1e-9)
    assert mcnemar(0, 2000).p == 0.0 or mcnemar(0, 2000).p < 1e-300


def test_counts_from_outcomes() -> None:
    left = [True, True, False, False, True]
    right = [True, False, True, False, False]
    found = mcnemar_of(left, right)
    assert (found.only_left, found.only_right) == (2, 1)
    assert mcnemar_of(np.array(left), np.array(right)) == found
    with pytest.raises(ValueError, match="5 and 4"):
        mcnemar_of(left, right[:4])


def scored(acceptance: list[float], correct: list[bool], abstained: list[bool] | None = None) -> Scored:
    n = len(acceptance)
    return Scored(np.array(acceptance), np.array(correct), np.array(abstained or [False] * n))


def many(seed: int, n: int = 400, lower_wrong: float = 0.0) -> Scored:
    """Answers right in a third of the cases; wrong ones sound less sure by `lower_wrong`. Questions by `seed` alone."""
    draw = np.random.default_rng(seed)
    correct = draw.random(n) < 1 / 3
    acceptance = 0.5 + 0.4 * draw.random(n)
    return Scored(np.where(correct, acceptance, acceptance - lower_wrong), correct, np.zeros(n, dtype=bool))


def metrics(part: Scored) -> dict[str, float]:
    return point(part, 0.66)


def test_the_same_on_both_sides_has_no_difference_at_all() -> None:
    found = paired_bootstrap(many(1), many(1), metrics, repeats=50)
    for key, entry in found.items():
        assert entry["difference"] == 0, key
        assert entry["interval"] == [0, 0], key


def test_pairing_makes_the_interval_narrow() -> None:
    before, after = many(1), many(1, lower_wrong=0.2)
    found = paired_bootstrap(before, after, metrics, repeats=300)
    assert found["auroc"]["difference"] == pytest.approx(metrics(after)["auroc"] - metrics(before)["auroc"])
    low, high = found["false_accepts"]["interval"]
    assert low < found["false_accepts"]["difference"] < high < 0
    assert found["accuracy"]["interval"] == [0, 0]  # the answers are the same: unpaired, this would be ± 0.06
    low, high = found["brier"]["interval"]
    unpaired = math.sqrt(2) * 1.96 * float(np.std((before.acceptance - before.correct) ** 2)) / 20
    assert (high - low) / 2 < unpaired / 2


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(120):
        draw = np.random.default_rng(seed)
        base = draw.random(60)
        left = scored(list(base), [True] * 60)
        right = scored(list(base + draw.normal(0.1, 0.05, 60)), [True] * 60)
        found = paired_bootstrap(left, right, lambda part: {"mean": float(part.acceptance.mean())}, repeats=200)
        low, high = found["mean"]["interval"]
        covered += low <= 0.1 <= high
    assert 105 <= covered <= 119


def test_what_is_not_defined_is_none() -> None:
    none_right = scored([0.5, 0.9], [False, False])
    found = paired_bootstrap(none_right, none_right, metrics, repeats=20)
    assert found["auroc"] == {"left": None, "right": None, "difference": None, "interval": None}
    assert paired_bootstrap(none_right, none_right, metrics, repeats=0)["brier"]["interval"] is None
    with pytest.raises(ValueError, match="2 and 1"):
        paired_bootstrap(none_right, scored([0.5], [True]), metrics)


def test_acceptance_of_right_and_wrong_answers_leaves_abstentions_out() -> None:
    rows = scored([0.9, 0.7, 0.4, 0.0], [True, True, False, False], [False, False, False, True])
    found = acceptance_by_truth(rows)
    assert found["acceptance_correct"] == pytest.approx(0.8)
    assert found["acceptance_wrong"] == pytest.approx(0.4)
    assert found["acceptance_gap"] == pytest.approx(0.4)
    assert math.isnan(acceptance_by_truth(scored([0.3], [False]))["acceptance_correct"])
