"""What the model thinks before it answers, on the screen: folded, opened by key and click, cut short, copied apart."""

import re
from typing import Any

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.geometry import Offset
from textual.selection import Selection
from two_sided import TwoSided

from lacie_chat.chat.compared import SIDES
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.tui.actions import ACTIONS, COMPARE_ACTIONS
from lacie_chat.tui.handlers import is_possible
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.help import help_content
from lacie_chat.tui.widgets.composer import Composer
from lacie_chat.tui.widgets.confidence_line import line_content
from lacie_chat.tui.widgets.details import details_content
from lacie_chat.tui.widgets.thought import ThoughtLine, ThoughtText, ThoughtView, thought_line

THOUGHT = ["Perhaps the Rhine? ", "No:\n\n[b]Basel[/b] has that.\n", "Then it is the Danube."]
WHOLE = "".join(THOUGHT)
ANSWER = ["It is ", "**the Danube**."]
OPEN = "ctrl+@"


def thinker(*more: Answer, thinks: bool = False, **of: Any) -> ScriptedEngine:
    reader = ScriptedReader("the Danube", 0.88)
    return ScriptedEngine([Answer(ANSWER, **{"thought": THOUGHT, **of}), *more], reader, thinks=thinks)


def thought_of(driver: Driver, turn: Turn | None = None) -> ThoughtView:
    view = driver.chat.transcript.answer_view(turn or driver.session.tree.path()[-1])
    assert view is not None
    return view.thought


async def begin(driver: Driver, engine: ScriptedEngine, phase: str = "thinking") -> Turn:
    """Ask, and wait until the engine holds the answer in this phase."""
    await driver.type("Which river?")
    await driver.pilot.press("enter")
    await driver.until(lambda: engine.held.is_set() and driver.session.tree.leaf is not None)
    turn = driver.session.tree.leaf
    assert turn is not None
    await driver.until(lambda: turn.phase == phase)
    return turn


async def test_it_is_folded_while_it_comes_and_after_and_opened_by_a_key(driven) -> None:
    engine = thinker(hold_thought_after=2)
    async with driven(engine) as driver:
        turn = await begin(driver, engine)
        await driver.until(lambda: re.search(r"▸ thinking… [0-9.]+ s, 7 words", driver.text()))
        assert "ctrl+space opens" in driver.text() and "Rhine" not in driver.text()
        await driver.shows("Thinking… escape goes to the answer", "… no answer yet", "^space Thought")
        await driver.type("typed on ")
        await driver.pilot.press(OPEN)
        await driver.until(lambda: "│ Perhaps the Rhine? No:" in driver.text())
        assert "│ [b]Basel[/b] has that." in driver.text(), "it is no markup"
        assert driver.chat.query_one(Composer).text == "typed on "
        engine.go_on.set()
        await driver.until(lambda: turn.assessment is not None)
        await driver.until(lambda: "▾ thought for 3 s, 12 words · ctrl+space folds it" in driver.text())
        assert "│ Then it is the Danube." in driver.text() and "It is the Danube." in driver.text()
        await driver.pilot.press(OPEN)
        await driver.until(lambda: "▸ thought for 3 s, 12 words · ctrl+space opens" in driver.text())
        assert "Rhine" not in driver.text() and "▰▰▰▰▰▰▰▰▰▱ sounds sure" in driver.text()


async def test_a_click_on_the_line_opens_and_folds(driven) -> None:
    async with driven(thinker()) as driver:
        await driver.ask("Which river?")
        line = thought_of(driver).line
        await driver.pilot.click(line, offset=(2, 0))
        await driver.until(lambda: "│ Perhaps the Rhine? No:" in driver.text())
        assert driver.chat.transcript.selected is None
        await driver.pilot.click(line, offset=(2, 0))
        await driver.until(lambda: "Rhine" not in driver.text())


async def test_the_key_is_told_for_the_answer_it_acts_on_and_for_none_without_a_thought(driven) -> None:
    async with driven(thinker(Answer(["Plain."]))) as driver:
        first = await driver.ask("Which river?")
        await driver.ask("And?")
        await driver.until(lambda: "^space Thought" not in driver.text() and "ctrl+space" not in driver.text())
        await driver.pilot.press(OPEN)
        assert "Rhine" not in driver.text()
        await driver.pilot.press("alt+up", "alt+up")
        await driver.until(lambda: driver.chat.transcript.selected is first)
        await driver.until(lambda: "ctrl+space opens" in driver.text())
        await driver.pilot.press("tab", OPEN)
        await driver.until(lambda: "│ Perhaps the Rhine? No:" in driver.text())


async def test_escape_goes_to_the_answer_and_once_more_stops(driven) -> None:
    engine = thinker(hold_thought_after=1, hold_after=1)
    async with driven(engine) as driver:
        turn = await begin(driver, engine)
        await driver.until(lambda: "esc Answer" in driver.text())
        await driver.pilot.press("escape")
        await driver.until(lambda: engine.held.is_set() and turn.phase == "answering")
        await driver.until(lambda: "Answering… escape stops" in driver.text() and "esc Stop" in driver.text())
        assert (turn.reasoning, turn.text, engine.hurried) == (THOUGHT[0], ANSWER[0], 1)
        await driver.pilot.press("escape")
        await driver.until(lambda: turn.phase == "done")
        assert (turn.status, engine.hurried) == ("cancelled", 1)


class Deaf(ScriptedEngine):
    """Goes on thinking, whatever it is asked."""

    def answer_now(self) -> None:
        self.hurried += 1


async def test_a_second_escape_stops_a_thought_that_does_not_end(driven) -> None:
    engine = Deaf([Answer(ANSWER, thought=THOUGHT, hold_thought_after=1), Answer(["Again."])], ScriptedReader("Again"))
    async with driven(engine) as driver:
        turn = await begin(driver, engine)
        await driver.pilot.press("escape")
        await driver.until(lambda: "esc Stop" in driver.text() and "Ending the thought… escape stops" in driver.text())
        await driver.pilot.press("escape")
        await driver.until(lambda: turn.phase == "done")
        await driver.until(lambda: "■ stopped while thinking: no answer yet" in driver.text())
        assert turn.status == "cancelled" and turn.assessment is None
        assert not any("Rhine" in asked for asked in engine.scripted_reader.asked)
        await driver.pilot.press("ctrl+y")
        assert driver.app.clipboard == ""
        await driver.pilot.press("ctrl+r")
        await driver.until(lambda: driver.session.tree.path()[-1].text == "Again.")
        await driver.until(lambda: "◂ 2/2 ▸" in driver.text() and "Again." in driver.text())


async def test_answer_and_thought_are_copied_apart(driven) -> None:
    async with driven(thinker()) as driver:
        await driver.ask("Which river?")
        await driver.pilot.press("ctrl+y")
        assert driver.app.clipboard == "".join(ANSWER)
        await driver.pilot.press("tab", "alt+y")
        assert driver.app.clipboard == WHOLE
        await driver.until(lambda: any("the thought to" in line for line in driver.told))


async def test_the_thought_can_be_selected_with_its_own_line_ends(driven) -> None:
    async with driven(thinker(thought=["one two three " * 10, "\nnext"]), size=(40, 20)) as driver:
        await driver.ask("Which river?")
        await driver.pilot.press(OPEN)
        await driver.until(lambda: "│ next" in driver.text())
        text = driver.chat.transcript.query_one(ThoughtText)
        for y, start, line in ((0, 0, 0), (1, 32, 0), (5, 0, 1)):
            strip = text.render_line(y)
            offsets = [segment.style.meta["offset"] for segment in strip if segment.style and segment.style.meta]
            assert offsets[0] == (start, line), "what the mouse is over"
        driver.chat.selections = {text: Selection(Offset(8, 0), Offset(2, 1))}
        await driver.pilot.pause()
        assert driver.chat.get_selected_text() == ("one two three " * 10)[8:] + "\nne"
        marked = driver.chat.get_component_rich_style("screen--selection").bgcolor
        drawn = [[s.text for s in text.render_line(y) if s.style and s.style.bgcolor == marked] for y in (0, 1, 5)]
        assert drawn == [["three one two three one "], ["two three one two three one two "], ["ne"]]
        await driver.pilot.press("ctrl+c")
        assert driver.app.clipboard.endswith("three \nne")


async def test_opening_a_long_one_keeps_its_line_in_sight(driven) -> None:
    long = [f"Line {number}.\n" for number in range(300)]
    async with driven(thinker(thought=long)) as driver:
        await driver.ask("Which river?")
        row = thought_of(driver).line.region.y
        await driver.pilot.press(OPEN)
        await driver.until(lambda: "│ Line 5." in driver.text())
        assert thought_of(driver).line.region.y == row and "Line 299." not in driver.text()
        driver.chat.transcript.scroll_end(animate=False)
        await driver.until(lambda: "Line 299." in driver.text())
        await driver.pilot.press(OPEN)
        await driver.until(lambda: "▸ thought for" in driver.text() and "sounds sure" in driver.text())


async def test_who_follows_an_opened_thought_stays_at_its_end(driven) -> None:
    long = [f"Line {number}.\n" for number in range(60)]
    engine = thinker(thought=long, hold_thought_after=40)
    async with driven(engine) as driver:
        await begin(driver, engine)
        await driver.pilot.press(OPEN)
        await driver.until(lambda: "│ Line 39." in driver.text())
        engine.go_on.set()
        await driver.until(lambda: "│ Line 59." in driver.text() and "sounds sure" in driver.text())


async def test_a_reopened_conversation_has_its_thoughts(driven) -> None:
    with Store.open() as store:
        async with driven(thinker(hold_thought_after=2, dies=True), ScriptedEngine(), store=store) as driver:
            await driver.type("Which river?")
            await driver.pilot.press("enter")
            await driver.until(lambda: driver.session.tree.path()[1:] and driver.session.tree.path()[1].reasoning)
            conversation = driver.session.tree.conversation_id
            driver.session.cancel()
            await driver.until(lambda: driver.session.tree.path()[1].phase == "done")
        async with driven(ScriptedEngine(), store=store, resume=conversation) as driver:
            await driver.until(lambda: "▸ thought" in driver.text())
            assert "■ stopped while thinking: no answer yet" in driver.text()
            await driver.pilot.press(OPEN)
            await driver.until(lambda: "│ Perhaps the Rhine?" in driver.text())


async def test_the_details_tell_time_length_and_tokens(driven) -> None:
    async with driven(thinker()) as driver:
        turn = await driver.ask("Which river?")
        told = details_content(turn, 60).plain
        assert "thought     3 s, 12 words, 3 tokens" in told and "answer      2 tokens" in told
    only = Turn("assistant", "", None, status="cancelled", reasoning="hm", usage={"reasoning_tokens": 1})
    told = details_content(only, 100).plain
    assert "Not assessed: it stopped while thinking, so there is no answer yet." in told
    assert "status      cut off by you, while thinking" in told and "thought     1 word, 1 tokens" in told
    silent = Turn("assistant", "", None, reasoning="hm", usage={"finish_reason": "stop"})
    told = details_content(silent, 100).plain
    assert "Not assessed: it said nothing after its thought." in told
    assert "status      said nothing after its thought" in told
    assert line_content(silent).plain == "■ said nothing after its thought"
    cut = Turn(
        "assistant",
        "half",
        None,
        params={"sampling": {"max_tokens": 9}},
        usage={"finish_reason": "length", "completion_tokens": 9},
    )
    assert "status      stopped at 9 tokens" in details_content(cut, 60).plain
    assert "thought" not in details_content(cut, 60).plain


async def test_thinking_is_switched_for_the_next_answers_where_the_model_can(driven) -> None:
    async with driven(thinker()) as driver:
        await driver.ask("Which river?")
        assert not is_possible(driver.chat, "chat.thinking")
    engine = thinker(Answer(["Two."]), Answer(["Three."]), thinks=True)
    async with driven(engine, sampling=Sampling(reasoning=200)) as driver:
        await driver.ask("Which river?")
        assert "thinks up to 200 tokens" in driver.text()
        await driver.pilot.press("tab", "alt+t")
        await driver.until(lambda: "thinking off" in driver.text())
        assert driver.told[-1] == "From the next answer on the model answers without thinking first."
        await driver.ask("And?")
        await driver.pilot.press("alt+t", "alt+t")
        await driver.ask("And now?")
        assert [sampling.reasoning for sampling in engine.samplings] == [200, "off", 200]


async def test_both_sides_of_a_comparison_show_theirs(driven) -> None:
    left = [Answer(["It is Tokyo."], thought=["The left one thinks."], hold_thought_after=1)]
    right = [Answer(["First."]), Answer(["It is Kyoto."], thought=["The right one does."], hold_after=0)]
    engine = TwoSided(left, right)
    async with driven(engine, adapter_name="a", size=(160, 40)) as driver:
        await driver.ask("Which city?")
        await driver.pilot.press("f2")
        await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
        screen = driver.app.screen
        assert isinstance(screen, CompareScreen)
        await driver.until(lambda: all(side.held.is_set() for side in engine.sides.values()))
        await driver.until(lambda: driver.text().count("▸ thinking… ") == 2 and "both sides think" in driver.text())
        assert "one thinks." not in driver.text()
        await driver.pilot.press("o")
        await driver.until(lambda: "│ The left one thinks." in driver.text() and "│ The right one" in driver.text())
        assert "escape goes to the answer" in driver.text()
        await driver.pilot.press("escape")
        await driver.until(lambda: "escape stops" in driver.text() or "≠" in driver.text())
        engine.sides["right"].go_on.set()
        turns = [screen.comparison.samples[side][0] for side in SIDES]
        await driver.until(lambda: all(turn.assessment is not None for turn in turns))
        await driver.until(lambda: "It is Tokyo." in driver.text() and "It is Kyoto." in driver.text())
        await driver.pilot.press("y")
        assert driver.app.clipboard == "It is Kyoto."
        await driver.pilot.press("Y")
        assert driver.app.clipboard == "The right one does."
        await driver.pilot.click(screen.query(ThoughtLine).first())
        await driver.until(lambda: "The left one thinks." not in driver.text())
        assert driver.text().count("▸ thought for 1 s, ") == 2


@pytest.mark.parametrize("width", [40, 80, 160])
async def test_without_colours_all_is_told(driven, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(thinker(), size=(width, 24)) as driver:
        await driver.ask("Which river?")
        assert "▸ thought for 3 s, 12 words" in driver.text()
        await driver.pilot.press(OPEN)
        await driver.until(lambda: "│ Perhaps the Rhine? No:" in driver.text())
        assert "  It is the Danube." in driver.text(), "the answer has no frame"


async def test_sides_that_only_thought_are_not_compared_and_it_says_why(driven) -> None:
    engine = TwoSided([Answer([], thought=["Hm."])], [Answer(["First."]), Answer(["It is Kyoto."])])
    async with driven(engine, adapter_name="a", size=(160, 40)) as driver:
        await driver.ask("Which city?")
        await driver.pilot.press("f2")
        await driver.until(lambda: "Not compared: no answer came of a thought · r asks anew" in driver.text())
        await driver.pilot.press("left", "enter")
        assert driver.told[-1] == "There is no answer to go on from."


def test_the_line_says_the_key_only_where_there_is_room() -> None:
    turn = Turn("assistant", "", None, reasoning="one two", timings={"reasoning_seconds": 75.0})
    whole = "▸ thought for 1 min 15 s, 2 words · ctrl+space opens"
    assert thought_line(turn, opened=False, key="ctrl+space").plain == whole
    assert thought_line(turn, opened=False, key="ctrl+space", width=len(whole)).plain == whole
    narrow = thought_line(turn, opened=True, key="ctrl+space", width=len(whole) - 1).plain
    assert narrow == "▾ thought for 1 min 15 s, 2 words"


def test_no_two_actions_want_one_key_but_those_that_take_turns() -> None:
    turns = {
        "escape": {"answer.now", "answer.stop", "chat.stop_loading", "view.back"},
        "enter": {"answer.unfold", "answer.details"},
    }
    for actions in (ACTIONS, COMPARE_ACTIONS):
        wanted: dict[str, set[str]] = {}
        for action in actions:
            for key in action.keys.split(","):
                wanted.setdefault(key.strip(), set()).add(action.name)
        shared = {key: names for key, names in wanted.items() if len(names) > 1}
        assert shared in (turns, {"escape": {"compare.now", "compare.back"}})


def test_the_help_names_every_key_of_thoughts_once_and_with_room() -> None:
    lines = [line.rstrip() for line in help_content({}, 200).plain.splitlines()]
    assert "ctrl+space          Show what the model thought before it answered; once more folds it" in lines
    assert "o  ctrl+space       Show what was thought before both answers; once more folds it" in lines
    assert any(line.startswith("▸ thought for 12 s") for line in lines)
