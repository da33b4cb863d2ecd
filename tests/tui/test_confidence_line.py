"""The line under an answer: both figures in one order, in every state and at every width, without colour."""

from dataclasses import replace
from typing import Any

import pytest
from figures import answer, every_state

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Agreement, Assessment
from lacie_chat.tui.figures import COLOURS, NEUTRAL, calibrate_command, colour_of, gloss
from lacie_chat.tui.widgets.confidence_line import line_content
from lacie_chat.tui.widgets.line_layout import SHORT_UNDER, form_at

WIDTHS = (35, 40, 55, 60, 75, 80, 107, 112, 155, 160)
"""Of the line; that of a terminal of 40, 60, 80, 112 and 160 columns is 5 less."""
SURE = "▰▰▰▰▰▰▰▰▰▱ sounds sure · right about 1 in 6 (17\u00a0%)"
OVER = "▲ sounds surer than it is"


def usage(reason: str, tokens: int) -> dict[str, Any]:
    return {"finish_reason": reason, "completion_tokens": tokens}


def told(turn: Turn, **arguments: Any) -> str:
    return line_content(turn, **arguments).plain


@pytest.mark.parametrize(
    ("turn", "line"),
    [
        (answer(), f"{SURE} · {OVER}"),
        (
            answer(acceptance=0.35, hedged=True),
            "▰▰▰▰▱▱▱▱▱▱ hedges · right about 1 in 6 (17\u00a0%) · ~ the tone fits",
        ),
        (
            answer(acceptance=0.2, p_right=0.93),
            "▰▰▱▱▱▱▱▱▱▱ sounds unsure · right about 14 in 15 (93\u00a0%) · ▽ surer than it sounds",
        ),
        (answer(p_right=None), "▰▰▰▰▰▰▰▰▰▱ sounds sure · how often right? lacie calibrate"),
        (
            answer(p_right=None, params={"model_ref": "someone/Some-1B-GGUF", "adapter_ref": None}),
            "▰▰▰▰▰▰▰▰▰▱ sounds sure · how often right? lacie calibrate --model someone/Some-1B-GGUF",
        ),
        (answer(p_right=None, span=False), "▰▰▰▰▰▰▰▰▰▱ sounds sure · no single answer to be right or wrong"),
        (answer(state="abstained"), "⊘ declines · no answer to be sure of"),
        (answer(state="no_claim"), "· no claim · nothing to be sure of"),
        (answer(agreement=Agreement(0.8, 5)), f"{SURE} · {OVER} · 4 of 5 samples agree"),
        (answer(status="cancelled"), f"{SURE} · {OVER}   ■ cut off by you"),
        (answer(heard_otherwise=True), f"{SURE} · {OVER} · heard by another listener"),
        (answer(drawing=True), f"{SURE} · {OVER} · drawing samples…"),
        (answer(correct=True), f"{SURE} · {OVER}   ✓ marked right"),
        (answer(correct=False, params={"adapter": "a"}), f"{SURE} · {OVER}   ✗ marked wrong   adapter"),
        (Turn("assistant", "half", None, status="cut_off"), "■ cut off: the engine stopped"),
        (Turn("assistant", "", None, status="failed", problem="no model"), "✗ no model"),
        (Turn("assistant", "text", None, problem="odd tokens"), "○ not assessed: odd tokens"),
        (Turn("assistant", "", None), "the model said nothing"),
        (Turn("assistant", "text", None, phase="listening"), "∿ listening…"),
        (Turn("assistant", "", None, status="streaming", phase="waiting"), "… waiting"),
        (Turn("assistant", "", None, status="streaming", phase="thinking", reasoning="hm"), "… no answer yet"),
        (
            Turn("assistant", "", None, status="cancelled", reasoning="hm", params={"adapter": "a"}),
            "■ stopped while thinking: no answer yet   adapter",
        ),
        (Turn("assistant", "", None, status="cut_off", reasoning="hm"), "■ cut off while thinking: the engine stopped"),
        (
            Turn("assistant", "", None, status="cancelled", reasoning="hm", usage={"finish_reason": "cancelled"}),
            "■ cut off by you",
        ),
        (Turn("assistant", "text", None, params={"sampling": {"max_tokens": 8}}, usage=usage("stop", 8)), ""),
        (
            Turn(
                "assistant",
                "text",
                None,
                params={"sampling": {"max_tokens": 8}, "baseline": True},
                usage={"completion_tokens": 8},
            ),
            "■ stopped at 8 tokens   baseline",
        ),
        (
            Turn("assistant", "text", None, usage={"completion_tokens": 8, "finish_reason": "context"}),
            "■ stopped at 8 tokens: the context is full",
        ),
    ],
)
def test_what_one_reads(turn: Turn, line: str) -> None:
    assert told(turn) == line
    assert told(turn, width=155) == line, "a wide terminal has room for all of it on one row"


@pytest.mark.parametrize(
    ("width", "rows"),
    [
        (155, [f"{SURE} · {OVER}   adapter   ◂ 2/3 ▸"]),
        (107, [f"{SURE} · {OVER}   adapter   ◂ 2/3 ▸"]),
        (75, [SURE, f"{OVER}   adapter   ◂ 2/3 ▸"]),
        (55, [SURE, f"{OVER}   adapter   ◂ 2/3 ▸"]),
        (48, ["▰▰▰▰▰▰▰▰▰▱ sounds sure", "right about 1 in 6 (17\u00a0%)", f"{OVER}   adapter   ◂ 2/3 ▸"]),
        (35, ["▰▰▰▰▱ sounds sure · right 1 in 6 ▲", "adapter   ◂ 2/3 ▸"]),
    ],
)
def test_it_finds_its_room(width: int, rows: list[str]) -> None:
    turn = answer(params={"adapter": "a"})
    assert told(turn, siblings=(2, 3), width=width).split("\n") == rows


@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_fits_and_no_figure_is_broken(width: int) -> None:
    for name, turn in every_state().items():
        rows = told(turn, siblings=(2, 3), width=width).split("\n")
        if "problem" not in name:  # a reason may be long: it wraps by its words
            assert max(map(len, rows)) <= width, (name, rows)
        assert len(rows) <= (1 if width >= 155 else 4), (name, rows)
        pieces = [piece for row in rows for part in row.split("   ") for piece in part.split(" · ")]
        whole = told(turn, siblings=(2, 3), width=0 if form_at(width) == "full" else 1000)
        if form_at(width) == "full" and "long" not in name:
            assert pieces == [piece for part in whole.split("   ") for piece in part.split(" · ")], name
        if turn.assessment and turn.assessment.confidence and turn.phase == "done":
            order = [piece.startswith(("▰", "▱")) for piece in pieces]
            assert order.index(True) == 0 and sum(order) == 1, "the bar comes first, and there is one"
            assert ("%" in "".join(rows)) == (turn.assessment.p_right is not None and width >= SHORT_UNDER), name


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, ["▰▰▰▰▱ sounds sure · right 1 in 6 ▲"]),
        ({"acceptance": 0.2, "p_right": 0.93}, ["▰▱▱▱▱ sounds unsure", "right 14 in 15 ▽"]),
        ({"acceptance": 0.35, "hedged": True}, ["▰▰▱▱▱ hedges · right 1 in 6 ~"]),
        ({"p_right": 0.997}, ["▰▰▰▰▱ sounds sure", "right nearly always ●"]),
        ({"p_right": 0.001}, ["▰▰▰▰▱ sounds sure", "right hardly ever ▲"]),
        ({"p_right": None}, ["▰▰▰▰▱ sounds sure", "how often right? lacie calibrate"]),
        ({"p_right": None, "span": False}, ["▰▰▰▰▱ sounds sure", "no answer to check"]),
        ({"state": "abstained"}, ["⊘ declines", "no answer to be sure of"]),
    ],
)
def test_forty_columns(changes: dict[str, Any], rows: list[str]) -> None:
    assert told(answer(**changes), width=35).split("\n") == rows


@pytest.mark.parametrize("width", [35, 75])
def test_a_command_that_has_no_room_is_left_to_the_details(width: int) -> None:
    turn = answer(p_right=None, params={"model_ref": "/a/very/long/way/to/" + "x" * 60 + ".gguf"})
    assert told(turn, width=width).endswith("how often right? not measured")


def test_beside_another_answer_both_say_the_same_kind_of_figure() -> None:
    assert told(answer(p_right=None), beside=True) == "▰▰▰▰▰▰▰▰▰▱ sounds sure · right: not calibrated"
    assert told(answer(), beside=True) == told(answer())


def test_the_bar_is_how_it_sounds_whatever_is_right() -> None:
    assert told(answer(p_right=0.99)).startswith("▰▰▰▰▰▰▰▰▰▱ ")
    assert told(answer(p_right=0.01)).startswith("▰▰▰▰▰▰▰▰▰▱ ")


def test_colour_follows_the_disagreement_and_not_the_level() -> None:
    def colour(acceptance: float, p_right: float | None) -> str:
        assessment = answer(acceptance=acceptance, p_right=p_right).assessment
        assert assessment is not None
        return colour_of(assessment)

    assert colour(0.9, 0.9) == colour(0.6, 0.55) == COLOURS["sounds about right"]
    assert colour(0.2, 0.17) == NEUTRAL  # nothing is amiss, and nothing to be glad of
    assert colour(0.9, 0.5) == colour(0.5, 0.1) == COLOURS["sounds surer than it is"]
    assert colour(0.2, 0.5) == colour(0.5, 0.9) == COLOURS["surer than it sounds"]
    assert colour(0.2, None) == colour(0.9, None) == NEUTRAL
    assert len({*COLOURS.values(), NEUTRAL}) == 4


@pytest.mark.parametrize(
    ("params", "command"),
    [
        ({}, "lacie calibrate"),
        ({"model_ref": "embedded", "adapter_ref": "embedded"}, "lacie calibrate"),
        ({"model_ref": "embedded", "adapter_ref": None}, "lacie calibrate --baseline"),
        ({"model_ref": "a/b:q8_0", "adapter_ref": None}, "lacie calibrate --model a/b:q8_0"),
        (
            {"model_ref": "my models/m.gguf", "adapter_ref": "a.gguf"},
            "lacie calibrate --model 'my models/m.gguf' --adapter a.gguf",
        ),
        ({"model_ref": "embedded", "adapter_ref": "a.gguf"}, "lacie calibrate --adapter a.gguf"),
    ],
)
def test_the_command_is_as_one_types_it_for_this_model(params: dict[str, Any], command: str) -> None:
    assert calibrate_command(params) == command


def test_the_gloss_explains_what_the_line_has() -> None:
    def said(turn: Turn, *, short: bool = False) -> str:
        assert turn.assessment is not None
        return gloss(turn.assessment, "lacie calibrate", short=short)

    assert "“Right about …”" in said(answer())
    assert said(answer(), short=True).endswith("▲: check this one.")
    assert "lacie calibrate measures it" in said(answer(p_right=None))
    assert "no single answer" in said(answer(p_right=None, span=False))
    assert said(answer(state="abstained")) == said(answer(state="no_claim")) == ""


def test_an_old_record_keeps_its_figure() -> None:
    turn = answer()
    assert turn.assessment is not None
    stored = turn.assessment.to_dict()
    for name in ("p_right", "verdict"):
        del stored[name]
    read = replace(turn, assessment=Assessment.from_dict(stored))
    assert told(read) == told(turn)
