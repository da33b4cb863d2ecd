"""The calibrator: what it computes, what it refuses, and that its file reads back."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from lacie_chat.confidence import Calibrator, OlderCalibrator, WayOfDrawing

_WAY = WayOfDrawing(0.2, 0.95, 40, 1.05)
_RECORD = {"n": 50, "source": "own questions", "model_fingerprint": "abc", "assessment_version": "1", "sampling": _WAY}


def _platt(a: float, b: float) -> Calibrator:
    return Calibrator(kind="platt", parameters=(a, b), **_RECORD)  # type: ignore[arg-type]


def _isotonic(*points: tuple[float, float]) -> Calibrator:
    return Calibrator(kind="isotonic", points=points, **_RECORD)  # type: ignore[arg-type]


@given(st.floats(0, 1))
def test_platt_with_slope_one_and_no_offset_changes_nothing(x: float) -> None:
    assert _platt(1, 0)(x) == pytest.approx(x, abs=2e-6)


def test_platt_is_a_sigmoid_of_the_log_odds() -> None:
    assert _platt(0.5, -1)(0.8) == pytest.approx(1 / (1 + math.exp(-(0.5 * math.log(4) - 1))))
    assert 0 <= _platt(80, -300)(0) <= _platt(80, -300)(1) <= 1


def test_isotonic_reads_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0.1, 0.9, 200)
    y = (rng.uniform(size=200) < x**2).astype(float)
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(x, y)
    ours = _isotonic(*zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True))
    at = np.concatenate([np.linspace(0, 1, 101), x])
    assert np.allclose([ours(float(value)) for value in at], fitted.predict(at))


@given(st.floats(0, 5), st.floats(-5, 5), st.floats(0, 1), st.floats(0, 1))
def test_surer_is_never_less(a: float, b: float, x: float, y: float) -> None:
    low, high = sorted((x, y))
    assert _platt(a, b)(low) <= _platt(a, b)(high)
    steps = _isotonic((0.2, 0.1), (0.5, 0.1), (0.9, 0.8))
    assert steps(low) <= steps(high)


@pytest.mark.parametrize("calibrator", [_platt(0.7, -1.25), _isotonic((0.1, 0.0), (0.4, 0.25), (0.9, 1.0))])
def test_it_reads_back(calibrator: Calibrator, tmp_path: Path) -> None:
    path = tmp_path / "calibrator.json"
    path.write_text(json.dumps(calibrator.to_dict()), encoding="utf-8")
    assert Calibrator.load(path) == calibrator


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something/9"},
        {"kind": "spline"},
        {"n": 0},
        {"n": "many"},
        {"n": True},
        {"source": None},
        {"assessment_version": None},
        {"sampling": None},
        {"sampling": {"temperature": 0.2}},
        {"sampling": {**_WAY.to_dict(), "top_p": "all"}},
        {"parameters": None},
        {"parameters": [1]},
        {"parameters": [1, float("nan")]},
        {"parameters": [-1, 0]},
        {"parameters": ["1", "0"]},
        {"kind": "isotonic"},
        {"kind": "isotonic", "parameters": [], "points": []},
        {"kind": "isotonic", "parameters": [], "points": [[0.1, 0.5], [0.2, 0.4]]},
        {"kind": "isotonic", "parameters": [], "points": [[0.2, 0.5], [0.2, 0.6]]},
        {"kind": "isotonic", "parameters": [], "points": [[0.2, 1.5]]},
        {"kind": "isotonic", "parameters": [], "points": [0.2, 0.3]},
        {"kind": "isotonic", "parameters": [1, 0], "points": [[0.2, 0.5]]},
    ],
)
def test_what_is_no_calibrator_is_refused_in_one_line(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        Calibrator.from_dict({**_platt(1, 0).to_dict(), **change})


_TWO = Calibrator(kind="platt", parameters=(0.7, 0.1), agreement_parameters=(0.5, 2.0, -1.0), **_RECORD)  # type: ignore[arg-type]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_second_form_takes_agreement_and_falls_back_without_it(x: float, one: float, other: float) -> None:
    value = 1 / (1 + math.exp(-(0.5 * math.log(4) + 2.0 * 0.6 - 1.0)))
    assert _TWO(0.8, 0.6) == pytest.approx(value)
    assert _TWO(x) == _platt(0.7, 0.1)(x)
    low, high = sorted((one, other))
    assert _TWO(x, low) <= _TWO(x, high)
    assert _platt(0.7, 0.1)(x, one) == _platt(0.7, 0.1)(x), "without a second form, agreement changes nothing"


@pytest.mark.parametrize("number", [1, 2])
def test_an_older_format_is_to_be_fitted_again(number: int, tmp_path: Path) -> None:
    older = {**_platt(1, 0).to_dict(), "format": f"lacie-calibrator/{number}", "listener_version": "1"}
    path = tmp_path / "older.json"
    path.write_text(json.dumps(older), encoding="utf-8")
    with pytest.raises(OlderCalibrator, match=r"^the calibrator .*older\.json is not used: .*fit it again: [^\n]+$"):
        Calibrator.load(path)


def test_the_second_form_is_checked() -> None:
    data = _TWO.to_dict()
    assert Calibrator.from_dict(json.loads(json.dumps(data))) == _TWO
    changes: list[dict[str, object]] = [
        {"agreement_parameters": [1, 2]},
        {"agreement_parameters": [1, -2, 0]},
        {"agreement_parameters": [-1, 2, 0]},
        {"agreement_parameters": [1, 2, "0"]},
    ]
    for change in changes:
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            Calibrator.from_dict({**data, **change})
    with pytest.raises(ValueError, match="agreement lies between"):
        _TWO(0.5, 1.5)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'"text"', b"[" * 100_000, b"null"])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.json") as caught:
        Calibrator.load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.json"):
        Calibrator.load(tmp_path / "none.json")


@pytest.mark.parametrize("x", [-0.1, 1.1, float("nan")])
def test_only_probabilities_are_calibrated(x: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        _platt(1, 0)(x)
