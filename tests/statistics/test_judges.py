"""Krippendorff's alpha on the worked examples of its author, correlations against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lacie_chat.statistics.judges import alpha_of_counts, krippendorff_alpha, pearson, ranks, spearman, tally

MISSING = "."
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): a row a judge, a column a unit.
BINARY = ["0100000010", "1110010000"]  # section A
NOMINAL = ["aabbdcccedda", "babbbccceddd"]  # section B
FOUR = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]  # sections C and D


def units(judges: list[str]) -> list[list[float]]:
    return [[float(ord(mark) - ord("0")) for mark in column if mark != MISSING] for column in zip(*judges, strict=True)]


def test_two_judges_two_values() -> None:
    assert krippendorff_alpha(units(BINARY)) == pytest.approx(0.095, abs=5e-4)


def test_two_judges_five_values() -> None:
    assert krippendorff_alpha(units(NOMINAL)) == pytest.approx(0.692, abs=5e-4)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_four_judges_with_missing_values(level, alpha) -> None:
    assert krippendorff_alpha(units(FOUR), level) == pytest.approx(alpha, abs=5e-4)


def test_full_agreement_chance_and_nothing() -> None:
    assert krippendorff_alpha([[0, 0], [1, 1], [1, 1, 1]]) == 1.0
    assert krippendorff_alpha([[0, 1], [1, 0]]) < 0
    assert math.isnan(krippendorff_alpha([]))
    assert math.isnan(krippendorff_alpha([[1], [0]])), "no one to agree with"
    assert math.isnan(krippendorff_alpha([[1, 1], [1, 1]])), "no variation"


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=8), st.randoms())
def test_order_of_units_and_judges_does_not_matter(rows: list[list[int]], random) -> None:
    before = krippendorff_alpha(rows, "ordinal")
    shuffled = [random.sample(row, len(row)) for row in random.sample(rows, len(rows))]
    assert krippendorff_alpha(shuffled, "ordinal") == pytest.approx(before, nan_ok=True)


@given(st.lists(st.lists(st.booleans(), min_size=2, max_size=4), min_size=2, max_size=8))
def test_two_values_have_one_alpha_whatever_the_level(rows: list[list[bool]]) -> None:
    nominal = krippendorff_alpha(rows)
    for level in ("ordinal", "interval"):
        assert krippendorff_alpha(rows, level) == pytest.approx(nominal, nan_ok=True)


def test_drawn_counts_are_those_of_drawn_units() -> None:
    rows = units(FOUR)
    counts, values = tally(rows)
    index = [3, 3, 0, 7, 9, 5]
    drawn = krippendorff_alpha([rows[place] for place in index], "interval")
    assert alpha_of_counts(counts[index], values, "interval") == pytest.approx(drawn)


def test_correlations_are_scipys() -> None:
    random = np.random.default_rng(3)
    score = random.random(60).round(1)  # with ties
    verdict = random.random(60) < score
    assert pearson(score, verdict) == pytest.approx(stats.pointbiserialr(verdict, score).statistic)
    table = stats.contingency.crosstab(score > 0.5, verdict).count
    chi_square = stats.chi2_contingency(table, correction=False).statistic
    assert abs(pearson(score > 0.5, verdict)) == pytest.approx(math.sqrt(chi_square / 60)), "phi"
    other = random.random(60).round(1)
    assert spearman(score, other) == pytest.approx(stats.spearmanr(score, other).statistic)
    assert ranks(score) == pytest.approx(stats.rankdata(score))


def test_correlations_that_are_not_defined() -> None:
    assert math.isnan(pearson([1.0], [0.0]))
    assert math.isnan(pearson([1, 1, 1], [0, 1, 0]))
    with pytest.raises(ValueError, match="as many of one"):
        pearson([1, 2], [1])
