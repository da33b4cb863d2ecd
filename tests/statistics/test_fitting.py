"""Calibrators fitted: against scikit-learn, against known truths, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, WayOfDrawing
from lacie_chat.statistics.fitting import (
    FittingError,
    examples,
    fit_calibrator,
    fit_isotonic,
    fit_platt,
    log_loss,
    smoothed_targets,
)

WAY = WayOfDrawing(0.2, 0.95, 40, 1.05)


def logit(x: np.ndarray) -> np.ndarray:
    return np.log(x / (1 - x))


def answers(seed: int, n: int, *, a: float = 1.0, b: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Acceptances, and answers that are right with sigmoid(a logit + b)."""
    draw = np.random.default_rng(seed)
    x = draw.uniform(0.02, 0.98, n)
    return x, draw.random(n) < 1 / (1 + np.exp(-(a * logit(x) + b)))


def fit(x: object, y: object, **more: object) -> object:
    return fit_calibrator(x, y, model_fingerprint="abc", source="a test", sampling=WAY, **more)  # type: ignore[arg-type]


class AsItIs(ClassifierMixin, BaseEstimator):
    """A classifier whose score is its one feature: what scikit-learn calibrates is then the log-odds itself."""

    def fit(self, _x: object, y: np.ndarray) -> "AsItIs":
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, x: np.ndarray) -> np.ndarray:
        return x[:, 0]

    def predict(self, x: np.ndarray) -> np.ndarray:
        return x[:, 0] > 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.4, -3.0), (3.0, 1.0)])
def test_platt_against_scikit_learn(seed: int, a: float, b: float) -> None:
    x, y = answers(seed, 300, a=a, b=b)
    slope, offset = fit_platt(x, y)
    theirs = CalibratedClassifierCV(FrozenEstimator(AsItIs().fit(None, y)), method="sigmoid").fit(logit(x)[:, None], y)
    grid = np.linspace(-5, 5, 41)
    ours = 1 / (1 + np.exp(-(slope * grid + offset)))
    assert ours == pytest.approx(theirs.predict_proba(grid[:, None])[:, 1], abs=1e-3)


def test_platt_finds_what_the_answers_were_drawn_with() -> None:
    slope, offset = fit_platt(*answers(0, 60_000, a=0.5, b=-2.0))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert offset == pytest.approx(-2.0, abs=0.03)


def test_platts_targets_by_hand() -> None:
    # 1 right of 4: (1 + 1) / (1 + 2), and 1 / (3 + 2) for each wrong one
    assert smoothed_targets(np.array([True, False, False, False])).tolist() == [2 / 3, 0.2, 0.2, 0.2]


def test_few_right_answers_never_make_it_certain() -> None:
    x = np.linspace(0.05, 0.95, 60)
    y = x > 0.9  # separable: without the smoothing the slope runs off to infinity
    calibrator = Calibrator("platt", 60, "", "", "1", WAY, parameters=fit_platt(x, y))
    assert calibrator(1.0) < 1
    assert 0 < calibrator(0.05) < 0.05
    levels = [level for _, level in fit_isotonic(x, y)]
    assert 0 < min(levels) < 0.05
    assert max(levels) == pytest.approx((y.sum() + 1) / (y.sum() + 2))


def test_a_falling_relation_becomes_the_same_for_all() -> None:
    x, y = answers(1, 400)
    slope, offset = fit_platt(x, ~y)
    assert slope == 0
    assert 1 / (1 + math.exp(-offset)) == pytest.approx(smoothed_targets(~y).mean())
    assert len({level for _, level in fit_isotonic(x, ~y)}) < 12


@pytest.mark.parametrize("acceptance", [0.0, 0.7, 1.0])
def test_answers_of_one_acceptance(acceptance: float) -> None:
    y = np.arange(80) < 20
    report = fit(np.full(80, acceptance), y)
    assert report.calibrator(acceptance) == pytest.approx(smoothed_targets(y).mean())
    assert not report.tells_apart


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ties", [False, True])
def test_isotonic_against_scikit_learn(seed: int, ties: bool) -> None:
    x, y = answers(seed, 200)
    x = np.round(x, 1) if ties else x
    theirs = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    grid = np.linspace(0, 1, 501)
    for targets, points in ((y.astype(float), fit_isotonic(x, y, smoothing=False)), (smoothed_targets(y), None)):
        ours = Calibrator("isotonic", 200, "", "", "1", WAY, points=points or fit_isotonic(x, y))
        theirs.fit(x, targets)
        assert [ours(value) for value in grid] == pytest.approx(theirs.predict(grid).tolist(), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1e-9, 0.1, 0.5, 0.50001, 0.9, 1.0]) | st.floats(0, 1), st.booleans()),
        min_size=12,
        max_size=60,
    )
)
def test_whatever_is_fitted_is_a_calibrator(rows: list[tuple[float, bool]]) -> None:
    x, y = [row[0] for row in rows], [row[1] for row in rows]
    try:
        report = fit(x, y, minimum=10)
    except FittingError:
        assert min(sum(y), len(y) - sum(y)) < 2
        return
    assert Calibrator.from_dict(report.calibrator.to_dict()) == report.calibrator
    figures = [report.calibrator(value) for value in np.linspace(0, 1, 50)]
    assert figures == sorted(figures)
    assert all(0 < figure < 1 for figure in figures)
    assert all(math.isfinite(value) for value in (*report.log_loss.values(), *report.ece.values()))


def test_platt_is_chosen_for_a_sigmoid_and_isotonic_for_a_step() -> None:
    report = fit(*answers(2, 800, a=0.6, b=-1.5))
    assert report.method == "platt"
    assert report.log_loss_after < report.log_loss["before"]
    assert report.ece["after"] < report.ece["before"]
    assert report.tells_apart
    assert (report.n, report.calibrator.n, report.calibrator.assessment_version) == (800, 800, ASSESSMENT_VERSION)
    assert fit(*answers(2, 800), version="prompt-x").calibrator.assessment_version == "prompt-x"
    draw = np.random.default_rng(3)
    x = draw.uniform(0.1, 0.9, 1500)
    step = draw.random(1500) < np.where(x < 0.3, 0.05, np.where(x < 0.7, 0.5, 0.55))
    assert fit(x, step).method == "isotonic"


def test_figures_are_held_out() -> None:
    """Of noise nothing can be learnt: on its own answers a fit would seem to, held out it must not."""
    draw = np.random.default_rng(5)
    x, y = draw.random(120), draw.random(120) < 0.5
    report = fit(x, y)
    own = log_loss(np.array([report.calibrator(value) for value in x]), y)
    assert own < report.log_loss_after
    assert report.log_loss["isotonic"] > report.log_loss["share"]
    assert report.to_dict() == fit(x, y).to_dict(), "the same answers give the same figures"


@pytest.mark.parametrize(
    ("x", "y", "line"),
    [
        (np.full(49, 0.5), np.arange(49) < 9, "49 answers are too few to fit a calibrator: at least 50"),
        (np.full(50, 0.5), np.zeros(50), "all 50 answers are wrong"),
        (np.full(50, 0.5), np.ones(50), "all 50 answers are right"),
        (np.full(50, 0.5), np.arange(50) < 1, "only one of the 50 answers is right"),
        (np.full(50, 0.5), np.arange(50) < 49, "only one of the 50 answers is wrong"),
    ],
)
def test_what_is_refused(x: np.ndarray, y: np.ndarray, line: str) -> None:
    with pytest.raises(FittingError, match=line) as refused:
        fit(x, y)
    assert "\n" not in str(refused.value)


def test_what_makes_no_sense_is_a_bug() -> None:
    with pytest.raises(ValueError, match="one length"):
        fit_platt([0.1, 0.2], [True])
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit_platt([0.1, 1.2], [True, False])


def test_examples_are_the_calibrators_own_figures() -> None:
    calibrator = Calibrator("platt", 60, "", "", "1", WAY, parameters=(1.0, -1.0))
    assert examples(calibrator, (0.25, 0.75)) == [(0.25, calibrator(0.25)), (0.75, calibrator(0.75))]
