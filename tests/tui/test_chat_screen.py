"""What people do in the chat, through keys, mouse and what is on the screen."""

from threading import Event

import pytest
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import Cut, PromptProgress
from lacie_chat.tui.screens.history import HistoryScreen
from lacie_chat.tui.widgets.composer import Composer
from lacie_chat.tui.widgets.message import AnswerView
from lacie_chat.tui.widgets.transcript import Transcript


async def test_an_answer_and_its_confidence_are_on_the_screen(driven, danube) -> None:
    async with driven(danube) as driver:
        await driver.ask("Which river flows through Vienna?")
        screen = driver.text()
        assert "▌ Which river flows through Vienna?" in screen
        assert "It is the Danube." in screen, "Markdown is rendered"
        assert "▰▰▰▰▰▰▰▰▰▱ sounds sure · how often right? lacie calibrate" in screen


async def test_user_text_is_never_markup(driven) -> None:
    text = "[bold]x[/bold] [/tmp/x] [@click=app.quit]y[/] [red"
    engine = ScriptedEngine([Answer([text])], ScriptedReader(error=ValueError(text)))
    async with driven(engine, size=(120, 30)) as driver:
        await driver.ask(text)
        assert driver.text().count(text) >= 3, "in the title, the question and the answer"
        assert f"not assessed: {text}" in driver.text()
        await driver.pilot.press("ctrl+t")
        await driver.pilot.press("ctrl+o")
        await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
        assert text[:40] in driver.text()


async def test_typing_works_while_the_model_loads(driven) -> None:
    gate = Event()
    engine = ScriptedEngine([Answer(["At last."])], load_gate=gate)
    async with driven(engine) as driver:
        await driver.until(lambda: "▰▰▰▰▱▱▱▱▱▱  40%" in driver.text())
        assert "Loading SmolLM2-135M-Instruct" in driver.text()
        await driver.type("An early question")
        await driver.pilot.press("enter")
        await driver.until(lambda: "… waiting" in driver.text())
        gate.set()
        await driver.until(lambda: "At last." in driver.text())


async def test_a_model_that_cannot_be_loaded(driven) -> None:
    engine = ScriptedEngine(load_error=EngineError("broken.gguf is cut short: download it again"))
    async with driven(engine, ScriptedEngine()) as driver:
        await driver.until(lambda: "✗ broken.gguf is cut short" in driver.text())
        await driver.pilot.press("ctrl+o")
        await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
        await driver.pilot.press("escape")
        await driver.pilot.press("alt+r")
        await driver.until(lambda: "Ready" in driver.text())


async def test_an_engine_that_gives_no_sign_of_life(driven) -> None:
    engine = ScriptedEngine([Answer(["never"], hold_after=0)])
    async with driven(engine, ScriptedEngine([Answer(["From the new one."])])) as driver:
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        engine.silent = True
        await driver.until(lambda: "✗ The engine doesn't answer" in driver.text())
        await driver.until(lambda: "alt+r starts a new one" in driver.text() and "escape stops" in driver.text())
        await driver.pilot.press("alt+r")
        await driver.until(lambda: "From the new one." in driver.text())
        await driver.until(lambda: "doesn't answer" not in driver.text())


async def test_escape_stops_and_keeps_the_answer(driven) -> None:
    engine = ScriptedEngine([Answer(["Kept text ", "never"], hold_after=1)])
    async with driven(engine) as driver:
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: "Kept text" in driver.text())
        assert "Answering… escape stops" in driver.text()
        await driver.pilot.press("escape")  # nothing else lets the engine go on
        await driver.until(lambda: "■ cut off by you" in driver.text())
        assert "Kept text" in driver.text()
        assert "never" not in driver.text()


async def test_the_chat_survives_its_engine(driven) -> None:
    dying = ScriptedEngine([Answer(["Half of "], dies=True)])
    async with driven(dying, ScriptedEngine([Answer(["Whole."])])) as driver:
        await driver.ask("Question")
        await driver.until(lambda: "cut off: the engine stopped" in driver.text())
        assert "Half of" in driver.text()
        await driver.ask("Again")
        await driver.until(lambda: "Whole." in driver.text())


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_several_lines(driven, key: str) -> None:
    engine = ScriptedEngine([Answer(["ok"])])
    async with driven(engine) as driver:
        await driver.pilot.press("a", key, "b", key, "c", "enter")
        await driver.until(lambda: engine.prompts)
        assert engine.prompts[0][0].content == "a\nb\nc"


async def test_keys_typed_before_enter_are_part_of_the_message(driven) -> None:
    engine = ScriptedEngine([Answer(["ok"])])
    async with driven(engine) as driver:
        for key in "fast":
            driver.app.simulate_key(key)
        driver.app.simulate_key("enter")
        await driver.until(lambda: engine.prompts)
        assert engine.prompts[0][0].content == "fast"


async def test_a_paste_is_not_sent_and_the_composer_grows(driven) -> None:
    from textual.events import Paste

    async with driven() as driver:
        composer = driver.chat.query_one(Composer)
        driver.app.post_message(Paste("line\n" * 10))
        await driver.until(lambda: composer.text)
        assert composer.text == "line\n" * 10
        assert driver.session.tree.roots == []
        assert composer.size.height == 8
        assert "enter sends" in driver.text()


async def test_earlier_questions_come_back_with_the_up_key(driven, danube) -> None:
    async with driven(danube) as driver:
        await driver.ask("first")
        await driver.ask("second")
        composer = driver.chat.query_one(Composer)
        await driver.type("draft")
        await driver.pilot.press("up")
        assert composer.text == "second"
        await driver.pilot.press("up", "up")
        assert composer.text == "first"
        await driver.pilot.press("down", "down")
        assert composer.text == "draft"


async def test_branches_by_key_and_by_mouse(driven) -> None:
    engine = ScriptedEngine([Answer([text]) for text in ("Version one.", "Version two.")])
    async with driven(engine) as driver:
        await driver.ask("Question")
        await driver.pilot.press("ctrl+r")
        await driver.until(lambda: "Version two." in driver.text() and not driver.session.busy)
        assert "◂ 2/2 ▸" in driver.text()
        await driver.pilot.press("tab", "left")
        await driver.until(lambda: "Version one." in driver.text())
        assert "◂ 1/2 ▸" in driver.text()
        row = next(y for y, line in enumerate(driver.text().splitlines()) if "◂ 1/2 ▸" in line)
        column = driver.text().splitlines()[row].index("▸")
        await driver.pilot.click(offset=(column, row))
        await driver.until(lambda: "Version two." in driver.text())


async def test_editing_makes_a_branch(driven) -> None:
    engine = ScriptedEngine([Answer(["One."]), Answer(["Two."])])
    async with driven(engine) as driver:
        await driver.ask("First wording")
        await driver.pilot.press("ctrl+g")
        assert driver.chat.query_one(Composer).text == "First wording"
        assert "editing your question" in driver.text()
        await driver.pilot.press("!", "enter")
        await driver.until(lambda: "Two." in driver.text() and not driver.session.busy)
        assert "First wording!" in driver.text()
        assert [turn.content for turn in engine.prompts[1]] == ["First wording!"]
        assert len(driver.session.tree.roots) == 2
        await driver.pilot.press("ctrl+g", "escape")
        assert driver.chat.query_one(Composer).text == ""


async def test_ctrl_c_stops_then_clears_then_quits(driven) -> None:
    engine = ScriptedEngine([Answer(["a", "b"], hold_after=1)])
    async with driven(engine) as driver:
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.type("next draft")
        await driver.pilot.press("ctrl+c")
        await driver.until(lambda: "cut off by you" in driver.text())
        composer = driver.chat.query_one(Composer)
        assert composer.text == "next draft"
        await driver.pilot.press("ctrl+c")
        assert composer.text == ""
        await driver.pilot.press("up")
        assert composer.text == "next draft"
        await driver.pilot.press("ctrl+c", "ctrl+c")
        assert driver.app.is_running
        await driver.pilot.press("ctrl+c")
        await driver.until(lambda: not driver.app.is_running)


async def test_a_half_streamed_code_fence(driven) -> None:
    source = "Look:\n\n```python\nfor x in y:\n    print(x)\n```\n\nand *then* more.\n"
    engine = ScriptedEngine([Answer(list(source), hold_after=30)])
    async with driven(engine) as driver:
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: "for x in y" in driver.text())
        engine.go_on.set()
        await driver.until(lambda: not driver.session.busy and "and then more." in driver.text())
        assert "print(x)" in driver.text()
        assert "```" not in driver.text()


TRICKY = """# Title

| a | b |
|---|---|
| 1 | 2 |
| 3 | 4 |

1. one
   - nested
2. two

> quote
> more

```
code
```

~~~
more
~~~

Setext
======

<div>html</div>

[link](http://example.org) ![image](x.png) `code` **bold *both*** ~~gone~~

- [ ] task

***
end"""


@pytest.mark.parametrize("step", [1, 2, 3, 7])
async def test_streaming_ends_as_if_drawn_at_once(driven, step: int) -> None:
    pieces = [TRICKY[start : start + step] for start in range(0, len(TRICKY), step)]
    async with driven(ScriptedEngine([Answer(pieces)]), size=(80, 60)) as driver:
        driver.chat.state.help_opened()  # no explanation of the figures, which goes when all is drawn anew
        turn = await driver.ask("Question")
        view = driver.chat.query_one(Transcript).answer_view(turn)
        assert isinstance(view, AnswerView)
        await driver.until(lambda: "end" in driver.text())
        streamed = driver.text().splitlines()[1:45]
        await driver.chat.show_conversation()
        await driver.pilot.pause()
        assert driver.text().splitlines()[1:45] == streamed


async def test_a_long_prompt_shows_its_progress(driven) -> None:
    engine = ScriptedEngine([Answer(["x"], events=[Cut(2, 500, 1500), PromptProgress(600, 1500)], hold_after=0)])
    async with driven(engine) as driver:
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(lambda: "▰▰▰▰▱▱▱▱▱▱ 600 of 1500 tokens" in driver.text())
        assert "The oldest 2 turns (500 tokens) no longer fit the model's" in driver.text()
        engine.go_on.set()
        await driver.until(lambda: not driver.session.busy)
