"""The context's room on the screen: what doesn't fit is said before it is sent, and the user decides."""

from typing import Any

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.conversations import Store
from lacie_chat.engine.events import Cut, PromptSize
from lacie_chat.tui.widgets.composer import Composer

LONG = PromptSize(12_300, 12_300, 7_680, 8_192, Cut(0, 4_620, 7_680, question=(100, 9_000), question_tokens=4_620))
FITS = PromptSize(41, 12, 7_680, 8_192)
BEHIND = PromptSize(8_300, 30, 8_176, 8_192, Cut(2, 900, 7_000), said=512)
OLD = PromptSize(9_400, 30, 7_680, 8_192, Cut(4, 1_800, 7_600))


async def undecided(driver: Driver, text: str) -> Any:
    await driver.type(text)
    await driver.pilot.press("enter")
    await driver.until(lambda: driver.session.undecided is not None)
    return driver.session.undecided


async def test_it_is_said_before_it_is_sent_and_a_key_sends_it(driven) -> None:
    engine = ScriptedEngine([Answer(["Fine."], events=[LONG.cut])], sizes=[LONG])
    async with driven(engine, size=(100, 30)) as driver:
        turn = await undecided(driver, "a long question")
        screen = driver.text()
        assert "This question is 12,300 tokens; the model's context holds 8,192, of which 512 are kept" in screen
        assert "… not sent yet" in screen
        assert "It doesn't fit · f5 sends it without its middle (4,620 tokens) · ctrl+g edits it\n" in screen
        assert "\n  escape doesn't send it" in screen, "no way on is broken across lines"
        for key in "more":  # the composer still takes all that is typed
            await driver.pilot.press(key)
        assert driver.chat.query_one(Composer).text == "more" and not engine.prompts
        await driver.pilot.press("f5")
        await driver.until(lambda: turn.phase == "done")
        assert "4,620 tokens of its middle were left out, from" in driver.text()
        assert driver.chat.query_one(Composer).text == "more"


async def test_old_turns_are_told_by_their_number(driven) -> None:
    async with driven(ScriptedEngine([Answer(["Fine."])], sizes=[OLD]), size=(100, 30)) as driver:
        await undecided(driver, "one question too many")
        assert "f5 sends it without the oldest 4 turns" in driver.text()
        assert "With this question the conversation is 9,400 tokens" in driver.text()


async def test_editing_it_asks_another_in_its_place(driven) -> None:
    engine = ScriptedEngine([Answer(["Fine."])], sizes=[LONG])
    async with driven(engine) as driver:
        turn = await undecided(driver, "a long question")
        await driver.pilot.press("ctrl+g")
        composer = driver.chat.query_one(Composer)
        assert composer.text == "a long question"
        assert turn.status == "cancelled" and not driver.session.busy
        composer.fill("a short one")
        await driver.pilot.press("enter")
        await driver.until(lambda: engine.prompts and not driver.session.busy)
        assert [each.content for each in engine.prompts[0]] == ["a short one"]
        assert [each.text for each in driver.session.tree.roots] == ["a short one"], "what was never sent is no branch"
        assert "a long question" not in driver.text() and driver.session.tree.title == "a short one"
        stored = driver.session.store.messages(str(driver.session.tree.conversation_id))
        assert [each.text for each in stored if each.role == "user"] == ["a short one"]
        assert driver.session.store.list_conversations()[0].title == "a short one"
        await driver.pilot.press("up", "up")
        assert composer.text == "a long question", "the up key still finds it"


async def test_an_unsent_question_that_was_edited_later_leaves_no_branch(driven) -> None:
    engine = ScriptedEngine([Answer(["Fine."]), Answer(["Yes."])], sizes=[FITS, LONG])
    async with driven(engine) as driver:
        await driver.ask("first")
        await undecided(driver, "a long question")
        await driver.pilot.press("escape", "ctrl+g")
        await driver.until(lambda: driver.chat.edited is not None)
        await driver.pilot.press("escape")
        assert [turn.text for turn in driver.session.tree.path() if turn.role == "user"] == ["first", "a long question"]
        await driver.pilot.press("ctrl+g")
        driver.chat.query_one(Composer).fill("a short one")
        await driver.pilot.press("enter")
        await driver.until(lambda: len(engine.prompts) == 2 and not driver.session.busy)
        assert [turn.text for turn in driver.session.tree.path()] == ["first", "Fine.", "a short one", "Yes."]
        assert "◂" not in driver.text() and driver.session.tree.title == "first"


async def test_escape_does_not_send_it_and_says_so(driven) -> None:
    engine = ScriptedEngine(sizes=[LONG])
    async with driven(engine, size=(100, 30)) as driver:
        await undecided(driver, "a long question")
        await driver.pilot.press("escape")
        await driver.until(lambda: "■ not sent: 12,300 tokens, and there is room for 7,680" in driver.text())
        assert not engine.prompts and "Ready" in driver.text()


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 50)])
async def test_the_ways_on_can_be_clicked_at_every_size(driven, size: tuple[int, int]) -> None:
    engine = ScriptedEngine([Answer(["Fine."])], sizes=[LONG])
    async with driven(engine, size=size) as driver:
        await undecided(driver, "a long question")
        rows = driver.text().splitlines()
        y = next(number for number, row in enumerate(rows) if "f5 " in row and "fit" in row)
        await driver.pilot.click(offset=(rows[y].index("f5 "), y))
        await driver.until(lambda: engine.prompts and not driver.session.busy)


async def test_an_answer_that_stopped_goes_on_by_a_key(driven) -> None:
    first = Answer(["One, two.\n\n- three\n- ", "four"], reason="length")
    rest = Answer([" and more", " of it"], hold_after=1)
    engine = ScriptedEngine([first, rest], ScriptedReader("four"))
    async with driven(engine, size=(100, 30)) as driver:
        turn = await driver.ask("Count")
        await driver.until(lambda: "■ stopped at 2 tokens · f5 goes on" in driver.text())
        await driver.pilot.press("f5")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: "four and more" in driver.text())
        assert "… answering" in driver.text() and driver.text().count("One, two.") == 1
        engine.go_on.set()
        await driver.until(lambda: turn.phase == "done" and turn.status == "complete")
        await driver.until(lambda: "• four and more of it" in driver.text())
        assert turn.assessment.response == turn.text and "goes on" not in driver.text()
        assert len(driver.session.tree.path()) == 2


async def test_one_that_was_stopped_goes_on_by_a_click(driven) -> None:
    engine = ScriptedEngine([Answer(["Kept ", "never"], hold_after=1), Answer(["and gone on."])])
    async with driven(engine, size=(60, 24)) as driver:
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.pilot.press("escape")
        await driver.until(lambda: "f5 goes on" in driver.text())
        rows = driver.text().splitlines()
        y = next(number for number, row in enumerate(rows) if "f5 goes on" in row)
        await driver.pilot.click(offset=(rows[y].index("f5 goes on"), y))
        await driver.until(lambda: "Kept and gone on." in driver.text() and not driver.session.busy)


async def test_an_answer_of_an_earlier_day_goes_on_too(driven) -> None:
    with Store.open() as store:
        async with driven(ScriptedEngine([Answer(["It is **the"], reason="length")]), store=store) as driver:
            await driver.ask("Which river?")
        made = str(driver.session.tree.conversation_id)
        engine = ScriptedEngine([Answer([" Danube**."], hold_after=1)], ScriptedReader("the Danube"))
        async with driven(engine, store=store, resume=made) as driver:
            await driver.until(lambda: "goes on" in driver.text())
            await driver.pilot.press("f5")
            await driver.until(engine.held.is_set)
            await driver.until(lambda: "It is the Danube." in driver.text())
            engine.go_on.set()
            await driver.until(lambda: not driver.session.busy and driver.session.listened_to == 0)
            assert driver.text().count("It is the Danube.") == 1


async def test_a_full_context_is_said_and_the_answer_stays(driven) -> None:
    full = Answer([], fails="The context is full: there is no room left for this answer to go on.")
    async with driven(ScriptedEngine([Answer(["Long"], reason="context"), full])) as driver:
        turn = await driver.ask("Question")
        await driver.until(lambda: "stopped at 1 token: the context is full" in driver.text())
        await driver.pilot.press("f5")
        await driver.until(lambda: driver.told and not driver.session.busy)
        assert driver.told[-1] == "Not gone on: The context is full: there is no room left for this answer to go on."
        assert (turn.text, turn.status) == ("Long", "complete")


async def test_what_is_whole_has_no_such_key(driven, danube) -> None:
    async with driven(danube) as driver:
        await driver.ask("Which river?")
        assert "goes on" not in driver.text()
        await driver.pilot.press("f5")
        assert not driver.session.busy and len(danube.prompts) == 1


async def test_going_on_asks_before_old_turns_go(driven) -> None:
    first, rest = Answer(["One, two, "], reason="length"), Answer(["three."], events=[BEHIND.cut])
    engine = ScriptedEngine([first, rest], sizes=[FITS, BEHIND, BEHIND])
    async with driven(engine, size=(110, 30)) as driver:
        turn = await driver.ask("Count")
        await driver.pilot.press("f5")
        await driver.until(lambda: driver.session.undecided is turn)
        screen = driver.text()
        assert "It doesn't fit · f5 goes on without the oldest 2 turns · escape leaves it as it is" in screen
        assert "With this answer so far the conversation is 8,300 tokens" in screen and "… not gone on yet" in screen
        assert "One, two," in screen
        await driver.pilot.press("escape")
        await driver.until(lambda: "f5 goes on" in driver.text() and not driver.session.busy)
        assert len(engine.prompts) == 1 and "With this answer" not in driver.text()
        await driver.pilot.press("f5")
        await driver.until(lambda: driver.session.undecided is turn)
        await driver.pilot.press("f5")
        await driver.until(lambda: "One, two, three." in driver.text() and not driver.session.busy)
