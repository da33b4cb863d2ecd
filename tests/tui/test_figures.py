"""What is said of the figures beside the line: the gloss under the first answers, the details, help and welcome."""

from pathlib import Path
from typing import Any

import pytest
from figures import SIGNALS, answer, calibrator
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.chat.speaker import Origin
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import MEANINGS, Agreement, Assessment
from lacie_chat.confidence.signals import MEAN, SPAN_SUM
from lacie_chat.tui.interface_state import TIMES_EXPLAINED, InterfaceState, read_state, state_path, write_state
from lacie_chat.tui.screens.compare import mean_right
from lacie_chat.tui.screens.help import HelpScreen, help_content
from lacie_chat.tui.widgets.details import details_content
from lacie_chat.tui.widgets.details_figures import Fitted, fitted_for, probability_text
from lacie_chat.tui.widgets.message import Gloss


def river(count: int = 5, **changes: Any) -> ScriptedEngine:
    reader = ScriptedReader("the Danube", acceptance=0.88)
    return ScriptedEngine([Answer(["It is the Danube."], **changes) for _ in range(count)], reader)


def explained(driver: Any) -> list[Turn]:
    return [line.turn for line in driver.chat.query(Gloss) if line.display]


# The gloss


async def test_the_first_answers_ever_are_explained_and_then_no_more(driven) -> None:
    async with driven(river(), calibrator=calibrator(), size=(160, 30)) as driver:
        turn = await driver.ask("First?")
        await driver.until(lambda: explained(driver) == [turn])
        assert "“Right about …” is how often such answers of this model were right when tested." in driver.text()
        turn = await driver.ask("Second?")
        await driver.until(lambda: explained(driver) == [turn])
        assert read_state().explained == 2
    async with driven(river(), calibrator=calibrator()) as driver:
        turn = await driver.ask("Third?")
        await driver.until(lambda: explained(driver) == [turn])
        await driver.ask("Fourth?")
        await driver.until(lambda: not explained(driver))
        assert read_state().explained == TIMES_EXPLAINED


async def test_who_opened_the_help_needs_it_no_more(driven) -> None:
    async with driven(river()) as driver:
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        await driver.pilot.press("escape")
        await driver.ask("First?")
        assert not explained(driver)
        assert not read_state().explains


async def test_it_goes_before_the_next_answer_streams_and_comes_with_the_line(driven) -> None:
    scripted = ScriptedEngine(
        [Answer(["One."]), Answer(["It is", " the Danube."], hold_after=1)], ScriptedReader("the Danube", 0.88)
    )
    async with driven(scripted) as driver:
        first = await driver.ask("First?")
        await driver.until(lambda: explained(driver) == [first])
        await driver.type("Second?")
        await driver.pilot.press("enter")
        await driver.until(scripted.held.is_set)
        assert explained(driver) == [], "nothing moves above a text that is being read"
        scripted.go_on.set()
        second = driver.session.tree.leaf
        await driver.until(lambda: second.assessment is not None and explained(driver) == [second])


async def test_an_answer_that_declines_is_not_explained(driven) -> None:
    scripted = ScriptedEngine([Answer(["I'm sorry, but I don't know."])], ScriptedReader(acceptance=0.1))
    async with driven(scripted) as driver:
        await driver.ask("First?")
        assert not explained(driver)
        assert read_state().explained == 0


@pytest.mark.parametrize(("kept", "explains"), [("2", True), ("3", False), ("-1", True), ("true", True), ('"3"', True)])
def test_what_is_kept_of_it(kept: str, explains: bool) -> None:
    state_path().parent.mkdir(parents=True, exist_ok=True)
    state_path().write_text(f'{{"explained": {kept}}}')
    assert read_state().explains == explains
    write_state(InterfaceState(explained=1))
    assert read_state().explained == 1


# The details


def details(turn: Turn, fitted: Fitted | None = None) -> str:
    return details_content(turn, 0, fitted).plain


def test_details_say_both_figures_and_what_follows() -> None:
    text = details(answer(signals=SIGNALS), Fitted(calibrator(), shipped=False))
    sounding, right = text.index("How sure it sounds"), text.index("How likely it is right")
    assert sounding < text.index("acceptance  ▰▰▰▰▰▰▰▰▰▱ 0.900") < right
    for part in (
        "right about 1 in 6 (17\u00a0%)",
        "▲ sounds surer than it is",
        "Check it before you rely on it",
        "fitted on 500 answers (held-out questions), 31\u00a0% of them right; it is your own",
    ):
        assert text.index(part) > right


def test_details_show_each_signal_that_is_known() -> None:
    text = details(answer(signals=SIGNALS, agreement=Agreement(0.4, 5)))
    assert "the answer  34\u00a0% (3 tokens)" in text and "on average  82\u00a0% (7 tokens)" in text
    assert "agreement   2 of 5 samples agree" in text
    assert all(meaning in text for meaning in MEANINGS.values())
    bare = details(answer())
    assert MEANINGS[SPAN_SUM] not in bare and MEANINGS[MEAN] not in bare and "(signals)" not in bare


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"p_right": None}, "lacie calibrate"),
        ({"p_right": None, "params": {"model_ref": "a/b"}}, "lacie calibrate --model a/b"),
        ({"p_right": None, "span": False}, "It gives no single answer to be right or wrong."),
        ({"state": "abstained"}, "It declines: there is no answer to be right or wrong."),
        ({"state": "no_claim"}, "It claims nothing that could be right or wrong."),
        ({}, "another one than is in use now"),
    ],
)
def test_details_without_a_figure_say_why(changes: dict[str, Any], text: str) -> None:
    assert text in details(answer(**changes))


def test_a_figure_of_another_calibrator_is_not_put_down_to_the_one_in_use() -> None:
    assert "another one than is in use now" in details(answer(p_right=0.6), Fitted(calibrator(0.17), shipped=True))
    assert "older than the calibrator" in details(answer(p_right=None), Fitted(calibrator(), shipped=True))


@pytest.mark.parametrize(
    ("logprob", "text"), [(0, "100"), (-0.105, "90"), (-3, "5.0"), (-6, "0.2"), (-20, "under 0.1")]
)
def test_a_log_probability_reads_as_one(logprob: float, text: str) -> None:
    assert probability_text(logprob) == f"{text}\u00a0%"


async def test_whose_calibrator_it_is(driven) -> None:
    own, shipped = calibrator(0.2), calibrator(0.3)
    for in_use in (own, shipped):
        origin = Origin("embedded", None, "aa", shipped)
        async with driven(river(1), calibrator=in_use, origin=origin) as driver:
            turn = await driver.ask("Which river?")
            fitted = fitted_for(driver.session, turn)
            assert fitted is not None and fitted.shipped == (in_use is shipped)
            assert turn.assessment is not None and fitted.explains(turn.assessment)
            turn.params["fingerprint"] = "of another model"
            assert fitted_for(driver.session, turn) is None


# The comparison, the help


def test_a_mean_is_of_all_or_none() -> None:
    turns = [answer(p_right=0.2), answer(p_right=0.4), answer(state="abstained")]
    assert mean_right(turns) == pytest.approx(0.3)
    assert mean_right([*turns, answer(p_right=None)]) is None
    assert mean_right([answer(state="abstained")]) is None


def test_the_help_begins_with_what_the_figures_mean() -> None:
    text = help_content({}).plain
    assert text.startswith("What stands under an answer\n▰")
    order = [
        "right about",
        "▲ sounds surer",
        "● the tone fits",
        "▽ surer than",
        "⊘ declines",
        "\nhedges",
        "\nboosters",
        "\nenter",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


def test_no_text_of_the_interface_speaks_of_a_figure_of_two_kinds() -> None:
    folder = Path(__file__).parents[2] / "lacie_chat" / "tui"
    # the list of models says of some that they have a calibrator
    mine = [path for path in folder.rglob("*.py") if path.stem not in ("calibration", "models")]
    assert not [
        path.name for path in mine if '"calibrated"' in path.read_text() or "confidence.kind" in path.read_text()
    ]


def test_an_assessment_of_no_words_says_so() -> None:
    empty = Assessment("Q", "", "no_claim", None, "", None, None, (), ())
    assert "(nothing)" in details(Turn("assistant", "", None, assessment=empty))
