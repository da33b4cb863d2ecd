"""Intervals, bins and the diagram drawn as text: against statsmodels and published figures, and where things land."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.statistics.diagram import LEFT, SMALLEST, Line, beside, diagram, legend, table, width_of
from lacie_chat.statistics.metrics import auroc, ece
from lacie_chat.statistics.reliability import reliability_bins, summary, wilson

WAY = WayOfDrawing(0.2, 0.95, 40, 1.05)
PLATT = Calibrator("platt", 500, "s", "f", "1", WAY, parameters=(1.0, -1.0))
STEP = Calibrator("isotonic", 60, "s", "f", "1", WAY, points=((0.2, 0.1), (0.8, 0.6)))


def plain(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_against_the_published_figures(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_against_statsmodels() -> None:
    for n in (1, 2, 7, 50, 1000):
        for right in {0, 1, n // 3, n}:
            theirs = proportion_confint(right, n, method="wilson")
            assert wilson(right, n) == pytest.approx(theirs, abs=1e-12)
    assert wilson(0, 0) == (0, 1)


def test_bins_hold_all_answers_once() -> None:
    draw = np.random.default_rng(0)
    x = draw.random(99)
    correct = draw.random(99) < x
    bins = reliability_bins(x.tolist(), correct.tolist())
    assert [entry.high for entry in bins] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert sum(entry.n for entry in bins) == 99
    assert sum(entry.right for entry in bins) == correct.sum()
    for entry in bins:
        inside = (x > entry.low) & (x <= entry.high)
        assert (entry.n, entry.right) == (inside.sum(), correct[inside].sum())
        assert entry.acceptance == pytest.approx(x[inside].mean())
        assert entry.interval[0] <= entry.share <= entry.interval[1]
    assert len(reliability_bins(draw.random(400).tolist(), [True] * 400)) == 10, "more answers bear finer bins"


def test_summary_measures_the_acceptance_and_each_calibrator() -> None:
    x, y = [0.9, 0.8, 0.3, 0.2], [True, False, False, True]
    figures = summary(x, y, {"shipped": PLATT})
    assert (figures["n"], figures["right"], figures["share"]) == (4, 2, 0.5)
    assert figures["auroc"] == auroc(np.array(x), np.array(y))
    assert figures["ece"]["acceptance"] == pytest.approx(ece(np.array(x), np.array(y)))
    assert figures["ece"]["shipped"] == pytest.approx(ece(np.array([PLATT(value) for value in x]), np.array(y)))
    assert summary([0.5], [True], {})["auroc"] is None


def cell(lines: list[Line], x: float, y: float) -> str:
    """What is drawn at this place of the diagram (the first line is its title, the last two its scale)."""
    rows = plain(lines)[1:-2]
    columns = len(rows[0]) - LEFT
    return rows[round((1 - y) * (len(rows) - 1))][LEFT + round(x * (columns - 1))]


def test_points_lie_where_their_figures_say() -> None:
    x, y = [0.1] * 10 + [0.5] * 10 + [0.9] * 10, [True] * 10 + ([True] * 5 + [False] * 5) + [False] * 10
    bins = reliability_bins(x, y)
    lines = diagram(bins, {}, 60, 24)
    for entry in bins:
        assert cell(lines, entry.acceptance, entry.share) == "●"
        for end in entry.interval:
            assert cell(lines, entry.acceptance, end) in "┬┴│●"
        assert cell(lines, entry.acceptance, (entry.interval[1] + entry.share) / 2) in "┬│●"
    assert sum(row.count("●") for row in plain(lines)) == 3


def test_curves_are_told_apart_without_colour() -> None:
    """A calibrator is a continuous line through its own figures; the diagonal is dotted."""
    lines = diagram([], {"shipped": PLATT}, 80, 40)
    for x in np.linspace(0.05, 0.95, 19):
        around = {cell(lines, x, PLATT(x) + shift) for shift in (-0.03, 0, 0.03)}
        assert any("⠁" <= mark <= "⣿" for mark in around), x
    solid, dashed = (plain(diagram([], {role: PLATT}, 80, 40)) for role in ("shipped", "own"))
    dots = [
        sum(bin(ord(mark) - 0x2800).count("1") for mark in "".join(rows) if mark >= "⠀") for rows in (solid, dashed)
    ]
    assert dots[1] < 0.75 * dots[0]
    assert cell(diagram([], {}, 80, 40), 0, 0) > "⠀"
    assert [row[:4] for row in plain(lines)[1:-2] if row[:4].strip()] == ["100 ", " 50 ", "  0 "]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30),
    st.integers(1, 120),
    st.integers(1, 60),
)
def test_any_marks_fit_any_room(rows: list[tuple[float, bool]], width: int, height: int) -> None:
    bins = reliability_bins([x for x, _ in rows], [y for _, y in rows]) if rows else []
    lines = diagram(bins, {"shipped": PLATT, "own": STEP}, width, height)
    assert len(lines) == max(height, SMALLEST[1])
    assert {len(row) for row in plain(lines)[1:]} == {max(width, SMALLEST[0])}


def test_table_and_legend_name_the_calibrators() -> None:
    bins = reliability_bins([0.1, 0.9, 0.9], [False, True, False])
    rows = plain(table(bins, {"shipped": PLATT, "own": STEP}))
    assert rows[0].split() == ["sounds", "n", "right", "95", "%", "shipped", "own"]
    low, high = wilson(1, 2)
    told = [f"{PLATT(0.9) * 100:.0f}", "%", f"{STEP(0.9) * 100:.0f}", "%"]
    assert rows[1].split() == ["80-100", "%", "2", "50", "%", f"{low * 100:.0f}-{high * 100:.0f}", "%", *told]
    assert len({len(row) for row in rows}) == 1
    text = "\n".join(plain(legend({"shipped": PLATT, "own": STEP})))
    assert "shipped (platt, n = 500)" in text
    assert "your own (isotonic, n = 60)" in text
    assert "shipped" not in "\n".join(plain(legend({"own": STEP})))


def test_blocks_stand_side_by_side() -> None:
    left: list[Line] = [[("ab", "text")], [("c", "text")]]
    right: list[Line] = [[("x", "text")], [("y", "text")], [("z", "text")]]
    assert plain(beside(left, right, gap=1)) == ["ab x", "c  y", "   z"]
    assert width_of(left) == 2
    assert width_of([]) == 0
