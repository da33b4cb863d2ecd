"""Figures of acceptance against two other implementations, and cases worked by hand."""

import math

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from torchmetrics.classification import BinaryCalibrationError

from lacie_chat.statistics.metrics import (
    Scored,
    auroc,
    bootstrap_intervals,
    ece,
    figures_with_intervals,
    listener_metrics,
    point,
    reliability,
)


def random_scored(seed: int, size: int, *, ties: bool) -> Scored:
    draw = np.random.default_rng(seed)
    acceptance = draw.random(size)
    acceptance = np.round(acceptance, 1) if ties else acceptance
    return Scored(acceptance, draw.random(size) < acceptance, np.zeros(size, dtype=bool))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_against_scikit_learn(seed: int, ties: bool) -> None:
    scored = random_scored(seed, 400, ties=ties)
    accepted = scored.acceptance >= 0.66
    figures = point(scored, 0.66)
    assert figures["auroc"] == pytest.approx(sk.roc_auc_score(scored.correct, scored.acceptance))
    assert figures["brier"] == pytest.approx(sk.brier_score_loss(scored.correct, scored.acceptance))
    assert figures["precision"] == pytest.approx(sk.precision_score(scored.correct, accepted))
    assert figures["recall"] == pytest.approx(sk.recall_score(scored.correct, accepted))
    assert figures["f1"] == pytest.approx(sk.f1_score(scored.correct, accepted))
    matrix = sk.confusion_matrix(scored.correct, accepted)
    names = (("true_rejects", "false_accepts"), ("false_rejects", "true_accepts"))
    assert [[figures[name] for name in line] for line in names] == matrix.tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bins", [9, 10, 15])
def test_ece_against_torchmetrics(seed: int, bins: int) -> None:
    scored = random_scored(seed, 300, ties=False)
    theirs = BinaryCalibrationError(n_bins=bins, norm="l1")(
        torch.tensor(scored.acceptance, dtype=torch.float64), torch.tensor(scored.correct)
    )
    assert ece(scored.acceptance, scored.correct, bins) == pytest.approx(float(theirs), abs=1e-6)


def test_ece_by_hand() -> None:
    acceptance, correct = np.array([0.05, 0.15, 0.95, 0.85]), np.array([False, False, True, False])
    # two bins: (.10 said, 0 right), (.90 said, .5 right), half the rows each
    assert ece(acceptance, correct, 2) == pytest.approx(0.5 * 0.10 + 0.5 * 0.40)
    assert [entry["count"] for entry in reliability(acceptance, correct, 2)] == [2, 2]


def test_the_ends_of_the_scale_have_a_bin() -> None:
    values = np.array([0.0, 1.0])
    assert sum(entry["count"] for entry in reliability(values, np.array([False, True]), 9)) == 2
    assert ece(values, np.array([False, True]), 9) == 0.0


def test_undefined_figures() -> None:
    nothing = Scored(np.array([]), np.array([], dtype=bool), np.array([], dtype=bool))
    assert math.isnan(point(nothing, 0.5)["accuracy"])
    assert math.isnan(auroc(np.array([0.1, 0.2]), np.array([True, True])))
    metrics = listener_metrics([], threshold=0.66)
    assert metrics["n"] == 0
    assert metrics["auroc"] is None


def rows() -> list[dict[str, object]]:
    answered = [
        {"state": "answered", "acceptance": 0.9, "correct": True},
        {"state": "answered", "acceptance": 0.8, "correct": False},
        {"state": "answered", "acceptance": 0.3, "correct": False},
        {"state": "answered", "acceptance": 0.2, "correct": True},
    ]
    # an abstention is never accepted and never right, whatever its row says
    return [
        *answered,
        {"state": "abstained", "acceptance": 0.99, "correct": True},
        {"state": "no_claim", "acceptance": None, "correct": False},
    ]


def test_with_and_without_abstentions() -> None:
    metrics = listener_metrics(rows(), threshold=0.66, bootstrap=50)
    counts = ("n", "true_accepts", "false_accepts", "true_rejects", "false_rejects")
    assert [metrics[key] for key in counts] == [6, 1, 1, 3, 1]
    assert [metrics["without_abstentions"][key] for key in counts] == [4, 1, 1, 1, 1]
    assert metrics["accuracy"] == pytest.approx(2 / 6)
    assert metrics["without_abstentions"]["accuracy"] == 0.5
    assert metrics["abstention_rate"] == pytest.approx(2 / 6)
    assert metrics["no_claim_rate"] == pytest.approx(1 / 6)
    assert metrics["without_abstentions"]["abstention_rate"] == 0.0


def test_intervals_hold_the_figure_and_hang_on_the_seed_alone() -> None:
    scored = random_scored(3, 300, ties=False)
    one = bootstrap_intervals(scored, lambda part: point(part, 0.5), 200, seed=1)
    assert one == bootstrap_intervals(scored, lambda part: point(part, 0.5), 200, seed=1)
    figures = point(scored, 0.5)
    for key in ("auroc", "accuracy", "f1"):
        low, high = one[key] or (1, 0)
        assert low <= figures[key] <= high


def test_bootstrap_interval_of_a_share_agrees_with_its_normal_approximation() -> None:
    correct = np.arange(400) < 120
    scored = Scored(np.full(400, 0.5), correct, np.zeros(400, dtype=bool))
    low, high = bootstrap_intervals(scored, lambda part: point(part, 0.5), 2000, seed=0)["accuracy"] or (0, 0)
    half = 1.96 * math.sqrt(0.3 * 0.7 / 400)
    assert low == pytest.approx(0.3 - half, abs=0.01)
    assert high == pytest.approx(0.3 + half, abs=0.01)


def test_what_is_asked_of_a_probability_is_what_scikit_learn_says() -> None:
    draw = np.random.default_rng(3)
    said = draw.uniform(0.02, 0.98, 300)
    truth = draw.random(300) < said
    found = figures_with_intervals(said, truth)
    assert found["auroc"]["value"] == pytest.approx(sk.roc_auc_score(truth, said))
    assert found["log_loss"]["value"] == pytest.approx(sk.log_loss(truth, said))
    assert found["brier"]["value"] == pytest.approx(sk.brier_score_loss(truth, said))
    assert found["ece"]["value"] == pytest.approx(ece(said, truth))
    for figure in found.values():
        low, high = figure["interval"]
        assert low < high and low - 0.05 <= figure["value"] <= high


def test_figures_of_one_class_are_said_as_far_as_they_are_defined() -> None:
    found = figures_with_intervals(np.array([0.1, 0.4]), np.array([False, False]))
    assert found["auroc"] == {"value": None, "interval": None}
    assert found["brier"]["value"] == pytest.approx((0.01 + 0.16) / 2)
    assert figures_with_intervals(np.array([]), np.array([], dtype=bool))["log_loss"]["value"] is None
