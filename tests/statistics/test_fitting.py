"""Calibrators fitted: against scikit-learn, against known truths, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lacie_chat.confidence import ASSESSMENT_VERSION, Form, WayOfDrawing
from lacie_chat.confidence.calibrator import as_input
from lacie_chat.confidence.signals import FREE
from lacie_chat.statistics import fitting
from lacie_chat.statistics.fitting import FitReport, FittingError, fit_calibrator, fitted_forms

WAY = WayOfDrawing(0.2, 0.95, 40, 1.05)


def answers(seed: int, n: int, *, weights: dict[str, float], intercept: float = 0.0) -> tuple[list[Any], list[bool]]:
    """Signals as answers have them, and truths that hang on them by `weights`; the rest is noise."""
    draw = np.random.default_rng(seed)
    rows, correct = [], []
    for _ in range(n):
        tokens = -draw.exponential(0.7, size=3)
        row = {
            "acceptance": float(draw.uniform(0.05, 0.97)),
            "span_sum": float(tokens.sum()),
            "span_lowest": float(tokens.min()),
            "span_first": float(tokens[0]),
            "mean": float(-draw.exponential(0.5)),
        }
        score = intercept + sum(weight * as_input(name, row[name]) for name, weight in weights.items())
        rows.append(row)
        correct.append(bool(draw.random() < 1 / (1 + math.exp(-score))))
    return rows, correct


def fit(rows: Any, correct: Any, **more: Any) -> FitReport:
    return fit_calibrator(rows, correct, model_fingerprint="abc", source="a test", sampling=WAY, **more)


@pytest.fixture(scope="module")
def told() -> FitReport:
    """Answers whose truth hangs on how probable the span was, and a little on the wording."""
    return fit(*answers(1, 500, weights={"span_sum": 1.2, "acceptance": 0.5}, intercept=1.5))


def test_it_finds_the_signals_that_tell_and_no_others(told: FitReport) -> None:
    form = told.calibrator.forms[0]
    assert set(form.weights) == {"span_sum", "acceptance"}
    assert form.weights["span_sum"] == pytest.approx(1.2, abs=0.35)
    assert form.weights["acceptance"] == pytest.approx(0.5, abs=0.25)
    assert form.intercept == pytest.approx(1.5, abs=0.5)
    assert [set(each.weights) for each in told.calibrator.forms[1:]] == [{"acceptance"}], "for those without tokens"
    assert told.carries["span_sum"] > told.carries["acceptance"] > 0
    assert sum(told.carries.values()) == pytest.approx(1)


def test_what_it_says_of_answers_it_hasnt_seen_is_right_so_often(told: FitReport) -> None:
    rows, correct = answers(2, 4000, weights={"span_sum": 1.2, "acceptance": 0.5}, intercept=1.5)
    said = np.array([told.calibrator(row) for row in rows], dtype=float)
    truth = np.array(correct)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (said > low) & (said <= low + 0.2)
        assert inside.sum() < 50 or truth[inside].mean() == pytest.approx(said[inside].mean(), abs=0.12)
    figures = told.figures["p_right"]
    low, high = figures["log_loss"]["interval"]
    fresh = float(-np.where(truth, np.log(said), np.log(1 - said)).mean())
    assert low - 0.03 <= fresh <= high + 0.03, "the held-out figure is what answers of another day give"


def test_the_weights_are_scikit_learns(told: FitReport) -> None:
    rows, correct = answers(1, 500, weights={"span_sum": 1.2, "acceptance": 0.5}, intercept=1.5)
    names = list(told.calibrator.forms[0].weights)
    design = np.array([[as_input(name, row[name]) for name in names] for row in rows])
    scaled = (design - design.mean(axis=0)) / design.std(axis=0)
    found = []
    for strength in (0.1, 1.0, 10.0):
        model = LogisticRegression(C=strength, max_iter=1000).fit(scaled, correct)
        found.append(model.predict_proba(scaled)[:, 1])
    ours = [told.calibrator.forms[0](row) for row in rows]
    assert any(np.allclose(ours, each, atol=1e-4) for each in found)


def test_a_signal_that_would_lower_the_figure_has_no_weight() -> None:
    rows, correct = answers(3, 300, weights={"acceptance": -1.0, "span_sum": 0.8}, intercept=1.0)
    report = fit(rows, correct)
    assert set(report.calibrator.forms[0].weights) <= {"span_sum", "span_lowest", "span_first"}
    assert all(weight >= 0 for form in report.calibrator.forms for weight in form.weights.values())


def test_where_nothing_tells_it_says_the_share_of_right_answers() -> None:
    rows, _ = answers(4, 200, weights={})
    truth = np.random.default_rng(5).random(200) < 0.3
    report = fit(rows, list(truth))
    said = {report.calibrator(row) for row in rows}
    if not report.calibrator.signals:
        assert said == {pytest.approx((truth.sum() + 1) / 202)}
    assert not report.tells_apart or report.log_loss("p_right") < report.log_loss("share")
    assert report.log_loss("p_right") < report.log_loss("share") + 0.03, "noise does it little harm"


def test_agreement_is_used_where_it_was_drawn_and_helps() -> None:
    rows, correct = answers(6, 300, weights={"span_sum": 1.0}, intercept=1.0)
    draw = np.random.default_rng(7)
    for row, right in list(zip(rows, correct, strict=True))[:200]:
        row["agreement"] = float(draw.binomial(5, 0.8 if right else 0.3) / 5)
    calibrator = fit(rows, correct).calibrator
    assert "agreement" in calibrator.forms[0].weights
    without = {name: rows[0][name] for name in FREE}
    agreed, differed = calibrator({**without, "agreement": 1.0}), calibrator({**without, "agreement": 0.0})
    plain = calibrator(without)
    assert agreed is not None and differed is not None and plain is not None and differed < plain < agreed


@pytest.mark.parametrize(
    ("sampled", "free", "wording", "kept"),
    [
        ("agreement", "span_sum mean acceptance", "acceptance", [0, 1, 2]),
        ("span_sum mean", "span_sum", "acceptance", [1, 2]),  # the agreement helps nothing
        ("agreement span_sum", "", "acceptance", [0, 2]),
        ("agreement", "acceptance", "acceptance", [0, 1]),
        ("", "", "", [2]),
    ],
)
def test_no_form_stands_before_one_that_wants_more(
    monkeypatch: pytest.MonkeyPatch, sampled: str, free: str, wording: str, kept: list[int]
) -> None:
    rows, correct = answers(13, 60, weights={})
    made = {len(FREE) + 1: sampled, len(FREE): free, 1: wording}
    forms = {size: Form(0.0, dict.fromkeys(words.split(), 1.0)) for size, words in made.items()}
    monkeypatch.setattr(fitting, "_best_form", lambda signals, correct, names, *_: forms[len(names)])
    found = fitted_forms([{**row, "agreement": 0.5} for row in rows], np.array(correct), 5, 0)
    assert found == tuple(list(forms.values())[place] for place in kept)


def test_answers_without_tokens_are_fitted_on_their_wording() -> None:
    rows, correct = answers(8, 150, weights={"acceptance": 1.0})
    bare = [{"acceptance": row["acceptance"]} for row in rows]
    report = fit(bare, correct)
    assert report.calibrator.signals in (("acceptance",), ())
    assert list(report.alone) == ["acceptance"]


def test_held_out_figures_are_worse_than_those_on_its_own_answers() -> None:
    rows, correct = answers(9, 80, weights={"span_sum": 0.7}, intercept=0.5)
    report = fit(rows, correct)
    own = np.array([report.calibrator(row) for row in rows], dtype=float)
    truth = np.array(correct)
    assert report.log_loss("p_right") > float(-np.where(truth, np.log(own), np.log(1 - own)).mean())


def test_the_report_says_what_it_is_made_of(told: FitReport) -> None:
    calibrator = told.calibrator
    assert (calibrator.model_fingerprint, calibrator.source, calibrator.sampling) == ("abc", "a test", WAY)
    assert calibrator.assessment_version == ASSESSMENT_VERSION
    assert told.n == calibrator.n == 500 and told.right == calibrator.right
    assert set(told.figures) == {"p_right", "wording", "acceptance", "share"} and set(told.alone) == set(FREE)
    for figures in (*told.figures.values(), *told.alone.values()):
        for figure in figures.values():
            low, high = figure["interval"]
            assert low <= figure["value"] <= high or figure["value"] == pytest.approx(low, abs=0.03)
    assert told.log_loss("p_right") < told.log_loss("wording") < told.log_loss("share") + 0.02
    assert told.tells_apart
    assert told.to_dict()["calibrator"] == calibrator.to_dict()


def test_the_same_answers_give_the_same_calibrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "REPEATS", 1)
    rows, correct = answers(10, 120, weights={"span_sum": 1.0}, intercept=0.5)
    truth = np.array(correct)
    assert fitted_forms(rows, truth, 5, 0) == fitted_forms(rows, truth, 5, 0)


def refused(rows: Any, correct: Any, **more: Any) -> str:
    with pytest.raises(FittingError) as caught:
        fit(rows, correct, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_too_little_is_refused_in_one_line() -> None:
    rows, _ = answers(11, 100, weights={})
    assert "59 answers are too few" in refused(rows[:59], [True, False] * 29 + [True])
    assert "at least 80 are needed" in refused(rows[:79], [True, False] * 39 + [True], minimum=80)
    assert "all 100 answers are wrong" in refused(rows, [False] * 100)
    assert "all 100 answers are right" in refused(rows, [True] * 100)
    assert "only 1 of the 100 answers is right" in refused(rows, [True] + [False] * 99)
    assert "only 4 of the 100 answers are wrong" in refused(rows, [False] * 4 + [True] * 96)


def test_a_handful_of_right_answers_claims_little() -> None:
    rows, _ = answers(12, 60, weights={})
    report = fit(rows, [place < 5 for place in range(60)])
    assert all(1 / 62 <= (report.calibrator(row) or 0) <= 0.6 for row in rows)
