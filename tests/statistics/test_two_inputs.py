"""The calibrator's second form against scikit-learn, its bounds, and when it is kept."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.statistics.fitting import FittingError, fit_platt
from lacie_chat.statistics.two_inputs import add_agreement, fit_platt_two

ONE = Calibrator(
    kind="platt",
    parameters=(1.0, 0.0),
    n=50,
    source="own",
    model_fingerprint="abc",
    assessment_version="1",
    sampling=WayOfDrawing(0.2, 0.95, 40, 1.05),
)


def answers(n: int, slope: float, weight: float, offset: float, seed: int = 3) -> tuple:
    """Acceptance, agreement of 5 samples, correctness drawn from the two-input map itself."""
    draw = np.random.default_rng(seed)
    x, z = draw.uniform(0.05, 0.95, n), draw.integers(0, 6, n) / 5
    value = slope * np.log(x / (1 - x)) + weight * z + offset
    return x, z, draw.uniform(size=n) < 1 / (1 + np.exp(-value))


def test_it_is_the_maximum_likelihood_fit_of_scikit_learn() -> None:
    x, z, y = answers(300, 0.8, 2.5, -2.0)
    expected = LogisticRegression(C=np.inf, tol=1e-9, max_iter=1000).fit(np.stack([np.log(x / (1 - x)), z], 1), y)
    a, c, b = fit_platt_two(x, z, y, smoothing=False)
    assert (a, c) == pytest.approx(tuple(expected.coef_[0]), rel=1e-3)
    assert b == pytest.approx(expected.intercept_[0], rel=1e-3)


def test_a_slope_that_would_be_negative_is_nought_and_the_other_is_fitted_alone() -> None:
    x, z, y = answers(300, 1.0, -3.0, 1.0)
    a, c, b = fit_platt_two(x, z, y)
    assert c == 0
    assert (a, b) == pytest.approx(fit_platt(x, y), rel=1e-6)
    x, z, y = answers(300, -1.0, -3.0, 1.0)
    assert fit_platt_two(x, z, y)[:2] == (0, 0)


def test_without_variation_it_says_the_share() -> None:
    a, c, b = fit_platt_two([0.5] * 4, [1.0] * 4, [True, True, True, False], smoothing=False)
    assert (a, c) == (0, 0)
    assert 1 / (1 + math.exp(-b)) == pytest.approx(0.75)


def test_agreement_that_tells_is_kept_and_changes_the_figure() -> None:
    x, z, y = answers(200, 0.5, 4.0, -2.5)
    report = add_agreement(ONE, x, z, y)
    assert report.helps and report.log_loss["two_inputs"] < report.log_loss["one_input"]
    fitted = report.calibrator
    assert fitted(0.6, 1.0) > fitted(0.6, 0.2) + 0.2
    assert fitted(0.6) == ONE(0.6), "without agreement the first form answers"
    assert Calibrator.from_dict(fitted.to_dict()) == fitted
    assert report.to_dict()["helps"] is True


def test_agreement_that_tells_nothing_is_left_out() -> None:
    x, z, y = answers(200, 1.5, 0.0, 0.0, seed=5)
    report = add_agreement(ONE, x, z, y)
    assert report.calibrator == ONE and not report.helps


@pytest.mark.parametrize(
    ("count", "right", "words"), [(10, 5, "10 answers have an agreement"), (60, 1, "at least 2 must be right")]
)
def test_too_few_answers_are_refused(count: int, right: int, words: str) -> None:
    x = np.linspace(0.1, 0.9, count)
    with pytest.raises(FittingError, match=words):
        add_agreement(ONE, x, x, np.arange(count) < right)
