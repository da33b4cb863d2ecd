"""The calibrator: what it computes, what it refuses, and that its file reads back."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import MEANINGS, Calibrator, Form, OlderCalibrator, WayOfDrawing, drawn_so
from lacie_chat.confidence.calibrator import FORMAT

_WAY = WayOfDrawing(0.2, 0.95, 40, 1.05)
_WEIGHTS = {"acceptance": 0.5, "span_sum": 0.4, "mean": 0.2}
_SAMPLED = Form(-1.0, {**_WEIGHTS, "agreement": 2.0})
_FREE, _WORDING = Form(0.3, _WEIGHTS), Form(-0.5, {"acceptance": 0.7})
_KNOWN = {"acceptance": 0.8, "span_sum": -0.6, "span_lowest": -0.5, "span_first": -0.1, "mean": -0.2}

probability = st.floats(0, 1)


@pytest.mark.parametrize(
    ("reasoning", "drawn", "so"),
    [
        (None, {}, True),  # kept before any of it was
        (None, {"temperature": 0.2, "top_k": 40, "seed": 7}, True),
        (None, {"temperature": 0.7}, False),
        (None, {"min_p": 0.05}, False),
        (None, {"reasoning": "on"}, False),
        ("on", {"reasoning": "on"}, True),
        ("on", {"reasoning": "off"}, False),
        ("on", {"temperature": 0.2}, False),  # nobody knew then what was thought, and it stands in the answer
    ],
)
def test_which_answers_were_drawn_so(reasoning: str | None, drawn: dict[str, float], so: bool) -> None:
    assert drawn_so(WayOfDrawing(0.2, 0.95, 40, 1.05, reasoning=reasoning).to_dict(), drawn) is so


logprob = st.floats(-60, 0)


def _calibrator(*forms: Form, n: int = 98, right: int = 40) -> Calibrator:
    return Calibrator(
        n=n, right=right, source="own questions", model_fingerprint="abc", assessment_version="1", sampling=_WAY,
        forms=forms,
    )  # fmt: skip


_ALL = _calibrator(_SAMPLED, _FREE, _WORDING)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_it_is_a_logistic_regression_over_the_signals() -> None:
    score = 0.3 + 0.5 * math.log(4) + 0.4 * -0.6 + 0.2 * -0.2
    assert _ALL(_KNOWN) == pytest.approx(_sigmoid(score))
    score = -1.0 + 0.5 * math.log(4) + 0.4 * -0.6 + 0.2 * -0.2 + 2.0 * 0.6
    assert _ALL({**_KNOWN, "agreement": 0.6}) == pytest.approx(_sigmoid(score))


def test_the_first_form_whose_signals_are_known_answers() -> None:
    assert _ALL({"acceptance": 0.8}) == pytest.approx(_sigmoid(-0.5 + 0.7 * math.log(4)))
    assert _ALL({"acceptance": 0.8, "agreement": 1.0}) == _ALL({"acceptance": 0.8}), "agreement alone has no form"
    assert _calibrator(_FREE)({"acceptance": 0.8}) is None, "too little is known"
    assert _ALL({}) is None, "no answer is given"
    assert _ALL.signals == ("acceptance", "span_sum", "mean", "agreement")
    assert _ALL.share == pytest.approx(40 / 98)


@given(
    st.fixed_dictionaries({name: st.floats(0, 3) for name in MEANINGS}),
    st.fixed_dictionaries({n: probability if n in ("acceptance", "agreement") else logprob for n in MEANINGS}),
    st.sampled_from(sorted(MEANINGS)),
    st.floats(0, 1),
)
def test_more_of_any_signal_never_gives_less(
    weights: dict[str, float], signals: dict[str, float], name: str, step: float
) -> None:
    calibrator = _calibrator(Form(-2.0, weights))
    surer = {
        **signals,
        name: signals[name] + step * ((1 if name in ("acceptance", "agreement") else 0) - signals[name]),
    }
    before, after = calibrator(signals), calibrator(surer)
    assert before is not None and after is not None and before <= after + 1e-12


@given(logprob, probability)
def test_it_never_says_that_nothing_or_everything_is_right(value: float, acceptance: float) -> None:
    said = _calibrator(Form(0.0, {"span_sum": 9.0, "acceptance": 9.0}))({"span_sum": value, "acceptance": acceptance})
    assert said is not None and 0.01 <= said <= 0.99, "n = 98"


def test_it_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "calibrator.json"
    path.write_text(json.dumps(_ALL.to_dict()), encoding="utf-8")
    assert Calibrator.load(path) == _ALL


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something/9"},
        {"n": 0},
        {"n": "many"},
        {"n": True},
        {"right": -1},
        {"right": 99},
        {"right": None},
        {"source": None},
        {"assessment_version": None},
        {"sampling": None},
        {"sampling": {"temperature": 0.2}},
        {"sampling": {**_WAY.to_dict(), "top_p": "all"}},
        {"forms": None},
        {"forms": []},
        {"forms": {}},
        {"forms": [1]},
        {"forms": [{}]},
        {"forms": [{"intercept": 0.0, "weights": [1]}]},
        {"forms": [{"intercept": None, "weights": {}}]},
        {"forms": [{"intercept": float("nan"), "weights": {}}]},
        {"forms": [{"intercept": 0.0, "weights": {"acceptance": -0.1}}]},
        {"forms": [{"intercept": 0.0, "weights": {"acceptance": "1"}}]},
        {"forms": [{"intercept": 0.0, "weights": {"mood": 1.0}}]},
    ],
)
def test_what_is_no_calibrator_is_refused_in_one_line(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        Calibrator.from_dict({**_ALL.to_dict(), **change})


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_older_format_is_to_be_fitted_again(number: int, tmp_path: Path) -> None:
    older = {**_ALL.to_dict(), "format": f"lacie-calibrator/{number}", "kind": "platt", "parameters": [1, 0]}
    path = tmp_path / "older.json"
    path.write_text(json.dumps(older), encoding="utf-8")
    with pytest.raises(OlderCalibrator, match=r"^the calibrator .*older\.json is not used: .*lacie calibrate$"):
        Calibrator.load(path)
    assert FORMAT == "lacie-calibrator/4"


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


@pytest.mark.parametrize(
    ("name", "value"),
    [("acceptance", -0.1), ("acceptance", 1.1), ("agreement", 1.5), ("acceptance", math.nan), ("mean", 0.1)],
)
def test_values_that_a_signal_cant_have_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=r"lies between 0 and 1|0 or less"):
        _calibrator(Form(0.0, {name: 1.0}))({name: value})
