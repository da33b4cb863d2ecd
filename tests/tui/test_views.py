"""What people see beside the conversation: history, details, help, keys, sizes, colours."""

import asyncio
import time
from dataclasses import replace

from scripted import INFO, Answer, ScriptedEngine
from textual.widgets import Input, OptionList

from lacie_chat.confidence.tuned import heard_text
from lacie_chat.conversations import Store
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.handlers import is_possible, names
from lacie_chat.tui.interface_state import read_state
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.screens.history import HistoryScreen
from lacie_chat.tui.widgets import transcript
from lacie_chat.tui.widgets.composer import Composer
from lacie_chat.tui.widgets.details import Details
from lacie_chat.tui.widgets.message import MessageView
from lacie_chat.tui.widgets.transcript import Earlier, Transcript
from lacie_chat.tui.widgets.welcome import Sample


async def test_history_finds_renames_resumes_and_deletes(driven) -> None:
    with Store.open() as store:
        for title in ("About rivers", "About mountains"):
            made = store.create_conversation("model", title=title)
            asked = store.add_message(made.id, None, "user", f"{title}?")
            store.add_message(made.id, asked.id, "assistant", f"The answer {title.lower()}.")
        async with driven(store=store) as driver:
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            assert driver.app.screen.query_one(OptionList).option_count == 3, "under a day"
            await driver.pilot.press(*"rivers")
            assert driver.app.screen.query_one(OptionList).option_count == 1
            await driver.pilot.press("ctrl+r")
            driver.app.screen.query_one(Input).value = "Renamed"
            await driver.pilot.press("enter")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            assert "Renamed" in driver.text()
            await driver.pilot.press("enter")
            await driver.until(lambda: "The answer about rivers." in driver.text())
            assert "Renamed" in driver.text().splitlines()[0]
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            await driver.pilot.press("down", "ctrl+x", "alt+z")  # a rename is no use: it is where it was
            assert len(store.list_conversations()) == 2, "a deletion can be taken back"
            await driver.pilot.press("ctrl+x", "escape")
            await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
            assert [summary.title for summary in store.list_conversations()] == ["About mountains"]
            await driver.until(lambda: "Every answer shows" in driver.text())


async def test_details_open_by_key_and_by_a_click_on_the_line(driven, danube) -> None:
    async with driven(danube) as driver:
        turn = await driver.ask("Which river?")
        panel = driver.chat.query_one(Details)
        await driver.pilot.click(".confidence-line")
        assert panel.display
        assert driver.chat.query_one(Transcript).selected is turn
        text = panel.query_one("#details-text").content.plain
        for part in (
            f"What the listener read\n{heard_text(turn.assessment.masked_response)}\n",
            "0.880",
            "“the Danube”",
            "40.0 tokens/s",
            "0.21 s",
            "12 of them cached",
        ):
            assert part in text
        await driver.pilot.press("escape")
        assert not panel.display
        await driver.pilot.press("ctrl+t")
        assert panel.display


async def test_selection_by_keys_and_copy(driven, danube) -> None:
    async with driven(danube) as driver:
        await driver.ask("First?")
        await driver.ask("Second?")
        await driver.pilot.press("ctrl+y")
        assert driver.app.clipboard == "It is **the Danube**."
        await driver.pilot.press("shift+tab", "up", "up")
        assert driver.chat.query_one(Transcript).selected.text == "Second?"
        await driver.pilot.press("ctrl+y")
        assert driver.app.clipboard == "Second?"
        views = list(driver.chat.query(MessageView))
        await driver.pilot.click(views[0])
        assert driver.chat.query_one(Transcript).selected is views[0].turn


async def test_a_draft_and_the_theme_outlive_the_program(driven) -> None:
    async with driven() as driver:
        await driver.type("not yet sent")
        driver.app.theme = "textual-light"
        await driver.pilot.press("ctrl+q")
    assert read_state().draft == "not yet sent"
    async with driven() as driver:
        assert driver.chat.query_one(Composer).text == "not yet sent"
        assert driver.app.theme == "textual-light"


async def test_keys_can_be_remapped(driven) -> None:
    from lacie_chat.tui.interface_state import InterfaceState, write_state

    write_state(InterfaceState(unmoved={"view.help": "f4"}))
    async with driven() as driver:
        await driver.pilot.press("f1")
        assert isinstance(driver.app.screen, ChatScreen)
        await driver.pilot.press("f4")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))


async def test_footer_help_and_palette_list_the_same_actions(driven, danube) -> None:
    async with driven(danube, size=(120, 60)) as driver:
        await driver.ask("Which river?")
        offered = {command.title.partition(": ")[2] for command in driver.app.get_system_commands(driver.chat)}
        possible = {action.help for action in ACTIONS if is_possible(driver.chat, action.name)}
        assert offered == possible
        footer = {
            active.binding.id
            for active in driver.chat.active_bindings.values()
            if active.binding.show and active.enabled
        }
        assert {action.name for action in ACTIONS if action.footer and action.help in possible} == footer - {None}
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        helped = driver.app.screen.query_one("#help-text").content.plain
        assert all(action.help in helped for action in ACTIONS)
        assert {action.name for action in ACTIONS} == names()


async def test_a_long_history_opens_fast_and_shows_more_on_demand(driven) -> None:
    with Store.open() as store:
        made = store.create_conversation("model", title="Long")
        parent = None
        for number in range(100):
            parent = store.add_message(made.id, parent, "user", f"question {number}").id
            parent = store.add_message(made.id, parent, "assistant", f"answer **{number}**\n\n- a\n- b").id
        started = time.process_time()  # its own work, however busy the machine
        async with driven(store=store, resume=made.id) as driver:
            await driver.until(lambda: "answer 99" in driver.text())
            assert time.process_time() - started < 5
            assert driver.chat.query_one(Earlier).content == "▲ 188 earlier messages · click or f3"
            shown = len(driver.chat.query(MessageView))
            await driver.pilot.press("f3")
            await driver.until(lambda: len(driver.chat.query(MessageView)) == 2 * shown)
            views = list(driver.chat.query(MessageView))
            assert [view.turn for view in views] == driver.session.tree.path()[-len(views) :]


async def test_old_widgets_are_dropped_while_a_conversation_grows(driven, monkeypatch) -> None:
    monkeypatch.setattr(transcript, "LIMIT", 8)
    count = 6
    engine = ScriptedEngine([Answer([f"answer {number}"]) for number in range(count)])
    async with driven(engine) as driver:
        for number in range(count):
            await driver.ask(f"question {number}")
        assert len(driver.chat.query(MessageView)) < 2 * count
        await driver.until(lambda: f"answer {count - 1}" in driver.text())
        assert "earlier messages" in driver.chat.query_one(Earlier).content


async def test_too_small_and_back(driven, danube) -> None:
    async with driven(danube) as driver:
        await driver.ask("Which river?")
        for size in ((39, 24), (80, 9)):
            await driver.pilot.resize_terminal(*size)
            await driver.until(lambda: "too small" in driver.text())
            assert "Which river?" not in driver.text()
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            assert driver.text().split() == "This terminal is too small: at least 40x10 is needed.".split()
            await driver.pilot.press("escape")
        await driver.pilot.resize_terminal(40, 10)
        await driver.until(lambda: "too small" not in driver.text())
        await driver.pilot.resize_terminal(160, 50)
        await driver.until(lambda: "Which river?" in driver.text())


async def test_a_sample_can_be_picked(driven) -> None:
    engine = ScriptedEngine([Answer(["ok"])])
    async with driven(engine) as driver:
        sample = driver.chat.query(Sample).first()
        sample.focus()
        await driver.pilot.press("enter")
        await driver.until(lambda: engine.prompts)
        assert engine.prompts[0][0].content == sample.question


async def test_the_baseline_is_offered_only_beside_an_adapter(driven) -> None:
    async with driven(ScriptedEngine([Answer(["x"])])) as driver:
        await driver.pilot.press("ctrl+l")
        assert not driver.session.baseline
    engine = ScriptedEngine([Answer(["x"]), Answer(["y"])])
    async with driven(engine, adapter_name="lacie-v1") as driver:
        await driver.pilot.press("ctrl+l")
        await driver.ask("Question")
        assert engine.baselines == [True]
        assert "(baseline)" in driver.text()
        assert any(line.rstrip().endswith("baseline") for line in driver.text().splitlines())


async def test_a_new_chat_starts_empty(driven, danube) -> None:
    async with driven(danube) as driver:
        await driver.ask("Which river?")
        await driver.pilot.press("ctrl+n")
        await driver.until(lambda: "Every answer shows" in driver.text())
        await driver.ask("And now?")
        assert [turn.content for turn in danube.prompts[1]] == ["And now?"]


async def test_without_colour_nothing_is_lost(driven, danube, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(danube) as driver:
        await driver.ask("Which river?")
        assert driver.app.no_color
        assert "▰▰▰▰▰▰▰▰▰▱ sounds sure · how often right? lacie calibrate" in driver.text()


async def test_the_parent_process_loads_no_native_code() -> None:
    import subprocess
    import sys

    heavy = "('llama_cpp', 'huggingface_hub', 'numpy', 'torch', 'gguf')"
    code = f"import sys, lacie_chat.tui.app; print([name for name in {heavy} if name in sys.modules])"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert output.decode().strip() == "[]"


async def test_a_model_that_our_export_made_shows_up_as_one(driven, monkeypatch) -> None:
    info = replace(INFO, metadata={"lacie.method": "LACIE"})
    monkeypatch.setattr(ScriptedEngine, "load", lambda self, on_progress=None: info)
    async with driven(ScriptedEngine()) as driver:
        await driver.until(lambda: "· LACIE-trained" in driver.text())
