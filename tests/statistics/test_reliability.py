"""Intervals, bins and the diagram, as text and as a picture: against statsmodels and published figures, and where
things land."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from lacie_chat.confidence import Calibrator, Form, WayOfDrawing
from lacie_chat.statistics.diagram import (
    LEFT,
    SMALLEST,
    Line,
    beside,
    diagram,
    figures_table,
    legend,
    names_of,
    table,
    width_of,
)
from lacie_chat.statistics.metrics import auroc, ece
from lacie_chat.statistics.pictures import Panel, draw_calibration
from lacie_chat.statistics.reliability import (
    Telling,
    all_bins,
    reliability_bins,
    said_of,
    summary,
    tellings,
    wilson,
)

WAY = WayOfDrawing(0.2, 0.95, 40, 1.05)
SHIPPED = Calibrator(500, 200, "s", "f", "1", WAY, (Form(-1.0, {"acceptance": 1.0}),))
OWN = Calibrator(60, 20, "s", "f", "1", WAY, (Form(0.5, {"acceptance": 0.5, "span_sum": 0.4}),))


def signals_at(acceptance: float) -> dict[str, float]:
    return {"acceptance": acceptance, "span_sum": acceptance - 1}


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
        assert entry.said == pytest.approx(x[inside].mean())
        assert entry.interval[0] <= entry.share <= entry.interval[1]
    assert len(reliability_bins(draw.random(400).tolist(), [True] * 400)) == 10, "more answers bear finer bins"


def test_answers_of_which_nothing_is_said_are_in_no_bin() -> None:
    said = {"acceptance": [0.9, 0.8, 0.1], "own": [0.7, None, 0.2], "shipped": [None] * 3}
    bins = all_bins(said, [True, False, False])
    assert {figure: sum(entry.n for entry in found) for figure, found in bins.items()} == {"acceptance": 3, "own": 2}
    figures = summary(said, [True, False, False])
    assert figures["auroc"] == {"acceptance": 1.0, "own": 1.0, "shipped": None}
    assert figures["ece"]["shipped"] is None


def test_each_calibrator_says_what_it_makes_of_the_signals() -> None:
    signals = [signals_at(0.9), {}, {"acceptance": 0.3}]
    said = said_of([0.9, 0.6, 0.3], signals, {"own": OWN, "shipped": SHIPPED})
    assert said["acceptance"] == [0.9, 0.6, 0.3]
    assert said["own"] == [OWN(signals[0]), None, None], "one form alone, and it wants the tokens"
    assert said["shipped"] == [SHIPPED(signals[0]), None, SHIPPED(signals[2])]


def test_summary_measures_the_acceptance_and_each_calibrator() -> None:
    x, y = [0.9, 0.8, 0.3, 0.2], [True, False, False, True]
    said = said_of(x, [signals_at(value) for value in x], {"shipped": SHIPPED})
    figures = summary(said, y)
    assert (figures["n"], figures["right"], figures["share"]) == (4, 2, 0.5)
    for figure in ("acceptance", "shipped"):
        values = np.array(said[figure], dtype=float)
        assert figures["auroc"][figure] == auroc(values, np.array(y))
        assert figures["ece"][figure] == pytest.approx(ece(values, np.array(y)))
    assert summary({"acceptance": [0.5]}, [True])["auroc"]["acceptance"] is None
    assert summary({"acceptance": []}, [])["share"] is None


def test_tellings_speak_of_the_surest_and_the_least_sure_of_enough_answers() -> None:
    said = [0.95] * 19 + [0.75] * 6 + [0.5] * 40 + [0.25] * 21
    correct = [True] * 24 + [False] * (1 + 40 + 20) + [True]
    assert tellings(said, correct) == [Telling(True, 0.7, 25, 24), Telling(False, 0.3, 21, 1)]
    assert tellings([0.45] * 100, [True] * 100) == []
    assert tellings([0.9] * 19, [True] * 19) == []


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=120))
def test_tellings_count_right(rows: list[tuple[float, bool]]) -> None:
    for each in tellings([x for x, _ in rows], [y for _, y in rows]):
        inside = [y for x, y in rows if (x >= each.limit if each.at_least else x <= each.limit)]
        assert (each.n, each.right) == (len(inside), sum(inside)) and each.n >= 20


def cell(lines: list[Line], x: float, y: float) -> str:
    """What is drawn at this place of the diagram (the first line is its title, the last two its scale)."""
    rows = plain(lines)[1:-2]
    columns = len(rows[0]) - LEFT
    return rows[round((1 - y) * (len(rows) - 1))][LEFT + round(x * (columns - 1))]


def test_points_lie_where_their_figures_say() -> None:
    x, y = [0.1] * 10 + [0.5] * 10 + [0.9] * 10, [True] * 10 + ([True] * 5 + [False] * 5) + [False] * 10
    bins = all_bins({"acceptance": x, "own": [value - 0.05 for value in x]}, y)
    lines = diagram(bins, 60, 24)
    for figure, mark in (("acceptance", "○"), ("own", "■")):
        for entry in bins[figure]:
            assert cell(lines, entry.said, entry.share) == mark
            for end in entry.interval:
                assert cell(lines, entry.said, end) in f"┬┴│┊{mark}"
            assert cell(lines, entry.said, (entry.interval[1] + entry.share) / 2) in f"┬│┊{mark}"
        assert sum(row.count(mark) for row in plain(lines)) == 3


def test_a_point_is_hidden_by_no_interval() -> None:
    """Two figures in one column: both points are seen."""
    bins = all_bins({"acceptance": [0.5] * 10, "shipped": [0.5] * 5 + [None] * 5}, [True] * 5 + [False] * 5)
    text = "".join(plain(diagram(bins, 40, 20)))
    assert "○" in text and "◆" in text


def test_the_diagonal_is_dotted_from_corner_to_corner() -> None:
    lines = diagram({}, 80, 40)
    for x in (0, 1):
        assert any("⠁" <= cell(lines, abs(x - off), x) <= "⣿" for off in (0, 0.02))
    assert [row[:4] for row in plain(lines)[1:-2] if row[:4].strip()] == ["100 ", " 50 ", "  0 "]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(0, 1), st.booleans()), max_size=30),
    st.integers(1, 120),
    st.integers(1, 60),
)
def test_any_answers_fit_any_room(rows: list[tuple[float, float | None, bool]], width: int, height: int) -> None:
    said = {"acceptance": [x for x, *_ in rows], "own": [p for _, p, _ in rows]}
    lines = diagram(all_bins(said, [y for *_, y in rows]), width, height)
    assert len(lines) == max(height, SMALLEST[1])
    assert {len(row) for row in plain(lines)[1:]} == {max(width, SMALLEST[0])}


def test_table_and_legend_name_the_figures() -> None:
    bins = all_bins({"acceptance": [0.1, 0.9, 0.9], "own": [0.1, 0.3, 0.9]}, [False, True, False])
    rows = plain(table(bins))
    assert rows[0].split() == ["says", "○", "sounds", "■", "own"]
    assert rows[1].split() == ["80-100", "%", "1/2", "50", "%", "0/1", "0", "%"]
    assert rows[2].split() == ["20-40", "%", "1/1", "100", "%"], "no answer sounds like that"
    assert len({len(row) for row in rows}) == 1
    names = names_of({"own": OWN})
    text = "\n".join(plain(legend(bins, names)))
    assert "how sure it sounds" in text and "P(right), your own (n = 60)" in text
    assert "shipped" not in text
    assert names_of({"shipped": SHIPPED})["shipped"] == "P(right), shipped (n = 500)"
    told = plain(figures_table({"acceptance": 0.75, "own": None}, {"acceptance": 0.1, "own": 0.25}))
    assert [row.split() for row in told] == [["AUROC", "0.75", "–"], ["off", "by", "0.10", "0.25"]]


@pytest.mark.parametrize("figures", [("acceptance",), ("acceptance", "shipped"), ("acceptance", "shipped", "own")])
def test_a_picture_of_any_figures_is_a_png(figures: tuple[str, ...]) -> None:
    said = {figure: [0.2, 0.9, 0.6] for figure in figures}
    names = names_of({"shipped": SHIPPED, "own": OWN})
    panels = [Panel(f"$ {n}", all_bins(said, [True, False, True]), names) for n in range(4)]
    assert draw_calibration(panels).startswith(b"\x89PNG")


def test_blocks_stand_side_by_side() -> None:
    left: list[Line] = [[("ab", "text")], [("c", "text")]]
    right: list[Line] = [[("x", "text")], [("y", "text")], [("z", "text")]]
    assert plain(beside(left, right, gap=1)) == ["ab x", "c  y", "   z"]
    assert width_of(left) == 2
    assert width_of([]) == 0
