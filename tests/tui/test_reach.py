"""Getting to the newest text and to the first, and hearing of what comes below; and the meter of the context."""

from typing import Any

import pytest
from driver import Driver
from scripted import INFO, Answer, ScriptedEngine

from lacie_chat.chat.meter import context_used
from lacie_chat.conversations import Store
from lacie_chat.engine.events import Delta, PromptProgress
from lacie_chat.tui.widgets.composer import Composer

LINES = [f"line {number}\n\n" for number in range(60)]


async def in_the_middle(driver: Driver, engine: ScriptedEngine) -> Any:
    """An answer half written, and scrolled up in it."""
    await driver.type("Count")
    await driver.pilot.press("enter")
    await driver.until(engine.held.is_set)
    await driver.until(lambda: "line 39" in driver.text())
    for _ in range(2):
        await driver.pilot.press("pageup")
    await driver.until(lambda: "line 39" not in driver.text())
    return driver.session.tree.leaf


def rows_of(driver: Driver) -> list[str]:
    """The lines of the answer that are in sight, without the strip of the scrollbar."""
    return [row.strip() for row in driver.text().splitlines() if row.strip().startswith("line ")]


async def test_new_text_below_is_said_and_the_view_stays(driven) -> None:
    engine = ScriptedEngine([Answer(LINES, hold_after=40)])
    async with driven(engine) as driver:
        turn = await in_the_middle(driver, engine)
        seen, width = rows_of(driver), driver.chat.transcript.size.width
        assert "new text below" not in driver.text()
        engine.go_on.set()
        await driver.until(lambda: turn.phase == "done")
        await driver.until(lambda: "↓ new text below · click or ctrl+end" in driver.text())
        assert [row for row in rows_of(driver) if row in seen][:3] == seen[:3], "what was read stays where it was"
        assert driver.chat.transcript.size.width == width, "and nothing is broken anew"
        await driver.pilot.press("ctrl+end")
        await driver.until(lambda: "line 59" in driver.text() and "new text below" not in driver.text())


async def test_a_click_leads_there_and_it_follows_again(driven) -> None:
    engine = ScriptedEngine([Answer(LINES, hold_after=40), Answer(["x"])])
    async with driven(engine) as driver:
        turn = await in_the_middle(driver, engine)
        engine.go_on.set()
        await driver.until(lambda: "↓ new text below" in driver.text() and turn.phase == "done")
        rows = driver.text().splitlines()
        y = next(number for number, row in enumerate(rows) if "new text below" in row)
        await driver.pilot.click(offset=(rows[y].index("new"), y))
        await driver.until(lambda: "line 59" in driver.text() and "new text below" not in driver.text())
        assert driver.chat.transcript.sees_end


async def test_scrolling_down_by_hand_takes_the_line_away(driven) -> None:
    engine = ScriptedEngine([Answer(LINES, hold_after=40)])
    async with driven(engine) as driver:
        turn = await in_the_middle(driver, engine)
        engine.go_on.set()
        await driver.until(lambda: "↓ new text below" in driver.text() and turn.phase == "done")
        for _ in range(12):
            await driver.pilot.press("pagedown")
        await driver.until(lambda: "line 59" in driver.text() and "new text below" not in driver.text())


async def test_it_is_not_said_to_who_follows(driven) -> None:
    engine = ScriptedEngine([Answer(LINES, hold_after=40)])
    async with driven(engine) as driver:
        await driver.type("Count")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: "line 39" in driver.text())
        engine.go_on.set()
        await driver.until(lambda: "line 59" in driver.text() and not driver.session.busy)
        assert not driver.chat.below.display


async def test_the_first_message_and_the_newest_of_a_long_conversation(driven) -> None:
    with Store.open() as store:
        made, parent = store.create_conversation("model", title="Long"), None
        for number in range(60):
            parent = store.add_message(made.id, parent, "user", f"question {number}.").id
            parent = store.add_message(made.id, parent, "assistant", f"answer {number}.", status="failed").id
        async with driven(ScriptedEngine(), store=store, resume=made.id) as driver:
            await driver.until(lambda: "answer 59." in driver.text())
            driver.chat.query_one(Composer).insert("kept")
            await driver.pilot.press("ctrl+home")
            await driver.until(lambda: "question 0." in driver.text() and "answer 59." not in driver.text())
            await driver.pilot.press("ctrl+end")
            await driver.until(lambda: "answer 59." in driver.text())
            assert driver.chat.query_one(Composer).text == "kept"


class Metered(ScriptedEngine):
    """Its prompts take 1000 tokens."""

    def generate(self, *arguments: Any, **named: Any) -> Any:
        yield PromptProgress(0, 1000)
        yield PromptProgress(1000, 1000)
        drawn = 0
        for event in super().generate(*arguments, **named):
            if isinstance(event, Delta):
                drawn += 1
                yield Delta(event.text, drawn)
            else:
                yield event


@pytest.mark.parametrize(
    ("width", "live", "ready"),
    [(100, "Answering… escape stops · 2 tokens · 1,002/2,048", "Ready · 43 of 2,048 tokens"), (50, "· 2", "43/2,048")],
)
async def test_the_meter_goes_on_while_it_answers_and_shows_what_is_used(
    driven, width: int, live: str, ready: str
) -> None:
    engine = Metered([Answer(["one ", "two"], hold_after=2)])
    async with driven(engine, size=(width, 24)) as driver:
        await driver.until(lambda: "room for 2,048" in driver.text())
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: live in driver.text())
        engine.go_on.set()
        await driver.until(lambda: ready in driver.text())


async def test_the_speed_is_shown_once_it_says_something(driven) -> None:
    engine = Metered([Answer(["one ", "two"], hold_after=2)])
    async with driven(engine, size=(100, 24)) as driver:
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: "· 2 tokens" in driver.text())
        assert "/s" not in driver.text()
        turn = driver.session.tree.leaf
        turn.drawn_since -= 1.0
        await driver.chat.redraw_turn(turn)
        await driver.until(lambda: "/s · 1,002/2,048" in driver.text())
        engine.go_on.set()
        await driver.until(lambda: not driver.session.busy)


async def test_what_is_used_is_known_again_when_a_conversation_is_opened(driven) -> None:
    with Store.open() as store:
        async with driven(ScriptedEngine([Answer(["one ", "two"])]), store=store) as driver:
            await driver.ask("Question")
            assert context_used(driver.session.tree) == 43
        async with driven(
            ScriptedEngine(), store=store, resume=str(driver.session.tree.conversation_id), size=(100, 24)
        ) as driver:
            await driver.until(lambda: f"Ready · 43 of {INFO.n_ctx:,} tokens" in driver.text())
            await driver.pilot.press("ctrl+n")
            await driver.until(lambda: "Ready · room for 2,048 tokens" in driver.text())
