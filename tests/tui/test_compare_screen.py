"""The compare screen: what is seen and what keys do, on a scripted engine; and once on the embedded model."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from driver import Driver
from random_adapter import write_random_adapter
from scripted import Answer, ScriptedEngine
from textual.widgets import Static
from two_sided import TwoSided

from lacie_chat.chat.compared import SIDES
from lacie_chat.chat.comparing import NOTHING_TO_COMPARE
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings
from lacie_chat.engine.settings import Sampling
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.widgets.compare_column import CompareColumn, SampleView

SURE = "It is certainly **Tokyo**, by the sea."
UNSURE = "I think it is **Tokyo**, by the sea."
WIDE = (160, 50)
BAR = "▰▰▰▰▰▰▰▰▰▱"


def engine(baseline: list[str] | None = None, speaker: list[str] | None = None) -> TwoSided:
    return TwoSided(
        [Answer([text]) for text in baseline or [SURE]], [Answer([text]) for text in ("First.", *(speaker or [UNSURE]))]
    )


async def compare(
    driver: Driver, question: str = "What is the capital of Japan?", *, answered: bool = True
) -> CompareScreen:
    """Ask, and compare the answers to the question."""
    await driver.ask(question)
    await driver.pilot.press("f2")
    await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
    screen = driver.app.screen
    assert isinstance(screen, CompareScreen)
    if answered:
        await done(driver, screen)
    return screen


async def done(driver: Driver, screen: CompareScreen) -> None:
    turns = [turn for side in SIDES for turn in screen.comparison.samples[side]]
    await driver.until(lambda: all(turn.assessment is not None for turn in turns), 60)
    await driver.pilot.pause(0.05)


async def test_both_stream_and_then_differ(driven) -> None:
    streaming = TwoSided(
        [Answer(["It is certainly", " Tokyo."], hold_after=1)],
        [Answer(["First."]), Answer(["I think", " it is Tokyo."], hold_after=1)],
    )
    async with driven(streaming, adapter_name="lacie-v1 [b]", size=WIDE, seed=lambda: 77) as driver:
        screen = await compare(driver, answered=False)
        await driver.until(lambda: "It is certainly" in driver.text() and "I think" in driver.text())
        row = next(line for line in driver.text().splitlines() if "It is certainly" in line)
        assert row.index("It is certainly") < row.index("I think"), "side by side"
        assert "both sides answer · escape stops" in driver.text()
        for side in streaming.sides.values():
            side.go_on.set()
        await done(driver, screen)
        text = driver.text()
        assert "≠ The adapter sounds less sure than the baseline (acceptance 0.88 → 0.31); same answer: Tokyo" in text
        assert "both: seed 77 · temperature 0.2, top-p 0.95, top-k 40, repeat 1.05" in text
        assert f"{BAR} sounds sure · right: not calibrated" in text
        assert "▰▰▰▱▱▱▱▱▱▱ hedges · right: not calibrated" in text
        assert "baseline: SmolLM2-135M-Instruct" in text and "with lacie-v1 [b]" in text


async def test_a_narrow_screen_opens_one_side_and_shows_both_figures(driven) -> None:
    async with driven(engine(), adapter_name="a") as driver:
        await compare(driver)

        def seen() -> tuple[bool, ...]:
            parts = ("certainly", "I think", f"{BAR} sounds sure", "▰▰▰▱▱▱▱▱▱▱ hedges")
            return tuple(part in driver.text() for part in parts)

        assert seen() == (False, True, True, True)
        for key in ("tab", "right", "left"):
            await driver.pilot.press(key)
            assert seen() == ((True, False) if key in ("tab", "left") else (False, True)) + (True, True)
        assert "≠ The adapter sounds less sure" in driver.text()
        await driver.pilot.resize_terminal(*WIDE)
        await driver.until(lambda: all(seen()))


async def test_picking_one_goes_on_from_it_and_keeps_the_other(driven) -> None:
    async with driven(engine(speaker=[UNSURE, "And so on."]), adapter_name="a") as driver:
        screen = await compare(driver)
        await driver.pilot.press("left", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
        await driver.until(lambda: "◂ " in driver.text())
        assert "It is certainly Tokyo" in driver.text()
        picked = screen.comparison.samples["left"][0]
        assert driver.session.tree.leaf is picked
        await driver.ask("Why?")
        assert [turn.text for turn in driver.session.tree.path()] == [
            "What is the capital of Japan?", SURE, "Why?", "And so on.",
        ]  # fmt: skip
        assert {"First.", SURE, UNSURE} == {turn.text for turn in driver.session.tree.siblings(picked)}


async def test_escape_stops_and_then_leaves_with_all_as_it_was(driven) -> None:
    held = TwoSided(
        [Answer(["It is", " Tokyo."], hold_after=1)], [Answer(["First."]), Answer(["I think", " so."], hold_after=1)]
    )
    async with driven(held, adapter_name="a") as driver:
        screen = await compare(driver, answered=False)
        before = driver.session.tree.leaf
        await driver.until(lambda: all(side.held.is_set() for side in held.sides.values()))
        await driver.pilot.press("enter")
        await driver.until(lambda: any("still being answered" in line for line in driver.told))
        await driver.pilot.press("escape")
        await driver.until(lambda: not screen.comparison.busy)
        assert [turn.status for side in SIDES for turn in screen.comparison.samples[side]] == ["cancelled"] * 2
        await driver.until(lambda: driver.text().count("■ cut off by you") == 2)
        await driver.until(lambda: "r answers it again" in driver.text() or "≠" in driver.text())
        assert isinstance(driver.app.screen, CompareScreen)
        await driver.pilot.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
        assert driver.session.tree.leaf is before
        await driver.until(lambda: "First." in driver.text() and "/3" in driver.text())


@pytest.mark.parametrize("key", ["escape", "ctrl+q", "enter"])
async def test_leaving_while_words_pour_in(driven, key) -> None:
    pour = [f"word {number} " for number in range(400)]
    two = TwoSided([Answer(pour)], [Answer(["First."]), Answer(pour)])
    with Store.open() as store:
        async with driven(two, adapter_name="a", size=WIDE, store=store) as driver:
            screen = await compare(driver, answered=False)
            await driver.until(lambda: all(screen.comparison.samples[side][0].text for side in SIDES))
            if key == "enter":
                screen.stop()
            await driver.pilot.press(key, key)
            if key != "ctrl+q":
                await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
                await driver.until(lambda: not screen.comparison.busy)
        rows = store.messages(store.list_conversations()[0].id)
        answers = [row for row in rows if row.role == "assistant"]
        assert len(answers) == 3 and answers[0].text == "First."
        for turn in (screen.comparison.samples[side][0] for side in SIDES):
            assert turn.text in [row.text for row in answers], "not a word is lost"


@pytest.mark.parametrize("gone", [".note", "HighlightedMarkdown", "ConfidenceLine"])
async def test_what_comes_while_a_sample_is_taken_out_ends_nothing(driven, gone) -> None:
    two = TwoSided([Answer(["First."])], [Answer(["First."]), Answer(["Second."])])
    async with driven(two, adapter_name="a", size=WIDE) as driver:
        screen = await compare(driver)
        for column in screen.query(CompareColumn):
            sample = column.sample
            assert sample is not None
            await sample.query(gone).remove()
            sample.fit()
            sample.show()
            await sample.follow()
            await sample.settle()
        await driver.pilot.pause()
        assert driver.app.is_running


async def test_ctrl_c_stops_the_comparison_before_it_quits(driven) -> None:
    held = TwoSided([Answer([SURE], hold_after=0)], [Answer(["First."]), Answer([UNSURE], hold_after=0)])
    async with driven(held, adapter_name="a") as driver:
        screen = await compare(driver, answered=False)
        await driver.until(lambda: all(side.held.is_set() for side in held.sides.values()))
        await driver.pilot.press("ctrl+c")
        await driver.until(lambda: not screen.comparison.busy)
        assert driver.app.is_running and isinstance(driver.app.screen, CompareScreen)


async def test_samples_words_and_copy(driven) -> None:
    two = engine([SURE, "It is Kyoto."], [UNSURE, SURE])
    async with driven(two, adapter_name="a", size=WIDE) as driver:
        screen = await compare(driver)
        assert "samples:" not in driver.text()
        await driver.pilot.press("plus")
        await done(driver, screen)
        text = driver.text().replace("\u00a0", " ")
        assert text.count("sample 2 of 2") == 2
        assert f"on average of 2 samples: how sure they sound {BAR} → ▰▰▰▰▰▰▱▱▱▱ · another answer in 1 of 2" in text
        assert "2 samples: “Tokyo” in 1 of 2 (2 different answers) · sounds ▰▰▰▰▱ ·" in text
        assert "2 samples: “Tokyo” in all · sounds ▰▰▱▱▱ to ▰▰▰▰▱" in text
        assert "changed answer: Kyoto → Tokyo" in text
        await driver.pilot.press("y")
        assert driver.app.clipboard == SURE
        await driver.pilot.press("p")
        await driver.until(lambda: driver.text().count("sample 1 of 2") == 2)
        assert "I think" in driver.text()

        def marked() -> list[str]:
            column = screen.query_one("#right", CompareColumn)
            assert column.sample is not None
            return [UNSURE[mark.start : mark.end] for mark in column.sample.highlights() if "differs" in mark.kind]

        assert marked() == []
        await driver.pilot.press("w")
        assert marked() == ["I think", " it"]
        await driver.pilot.press("w", "minus")
        assert marked() == []
        await driver.until(lambda: "samples:" not in driver.text())


async def test_an_answer_that_is_not_built_yet_is_drawn_when_it_is(driven) -> None:
    async with driven(size=(100, 30)) as driver:
        question = Turn("user", "What is the capital of Japan?", None)
        answer = Turn("assistant", "It is", question, status="streaming", phase="answering")
        view = SampleView(answer)
        answer.note, answer.reasoning = "Not before this note.", "The seat of the government?"
        view.show()  # what a change of the turn calls, as soon as the column holds the view
        view.open_thought(True, "o")  # and what a key and a new difference call
        assert view.scrolled is None
        await driver.chat.mount(view)
        await driver.until(lambda: view.query(".note"))
        note = view.query_one(".note", Static)
        await driver.until(lambda: note.display and "Not before" in str(note.content))
        await driver.until(lambda: view.thought.opened and view.scrolled is view.thought.body)


async def test_without_an_adapter_one_line_says_what_is_missing(driven) -> None:
    async with driven(ScriptedEngine([Answer(["x"])]), size=(100, 30)) as driver:
        await driver.pilot.press("f2")
        assert isinstance(driver.app.screen, ChatScreen), "no question, nothing to compare"
        await driver.ask("Question")
        await driver.pilot.press("f2")
        await driver.until(lambda: NOTHING_TO_COMPARE in driver.told)
        assert isinstance(driver.app.screen, ChatScreen)


async def test_any_question_of_the_branch_can_be_compared(driven) -> None:
    two = engine(speaker=["Second.", UNSURE])
    async with driven(two, adapter_name="a") as driver:
        await driver.ask("One?")
        await driver.ask("Two?")
        await driver.pilot.press("shift+tab", "up", "up", "up", "up", "f2")
        await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
        screen = driver.app.screen
        assert isinstance(screen, CompareScreen)
        await done(driver, screen)
        assert screen.comparison.question.text == "One?"
        assert [turn.content for turn in two.sides["left"].prompts[0]] == ["One?"]
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        await driver.until(lambda: "Comparing two answers" in str(driver.app.screen.query_one("#help-text").content))


async def test_a_long_answer_scrolls_while_its_figure_stays(driven) -> None:
    long = "\n\n".join(f"Paragraph {number}." for number in range(60))
    async with driven(engine(speaker=[long]), adapter_name="a") as driver:
        screen = await compare(driver)
        await driver.until(lambda: f"{BAR} sounds sure" in driver.text().split("with a")[1])
        # more pages than there are: how far the view had followed the answer hangs on when it was laid out
        await driver.pilot.press(*["pageup"] * 14)
        await driver.until(lambda: "Paragraph 0." in driver.text())
        assert "Paragraph 59." not in driver.text()
        await driver.pilot.press(*["pagedown"] * 14)
        await driver.until(lambda: "Paragraph 59." in driver.text())
        assert f"{BAR} sounds sure" in driver.text().split("with a")[1]
        await driver.pilot.resize_terminal(60, 14)
        await driver.until(lambda: driver.text().count(f"{BAR} sounds sure") == 2)
        assert isinstance(screen.comparison.samples["right"][0], Turn)


@pytest.fixture
def adapted(embedded_model: Path, tmp_path: Path) -> tuple[Any, list[EngineProcess]]:
    adapter = write_random_adapter(tmp_path / "random-LoRA.gguf")
    made: list[EngineProcess] = []

    def make() -> EngineProcess:
        made.append(EngineProcess(EngineSettings(embedded_model, adapter_path=adapter, n_ctx=1024, threads=1)))
        return made[-1]

    return make, made


async def test_on_the_embedded_model_with_an_adapter(adapted) -> None:
    make, made = adapted
    with Store.open() as store:
        app = LacieApp(ChatSpeaker(make, "SmolLM2-135M-Instruct", "random"), store, seed=lambda: 5)
        app.session.sampling = Sampling(max_tokens=12)
        async with app.run_test(size=WIDE) as pilot:
            driver = Driver(app, pilot)
            screen = await compare(driver, "Explain in detail how a steam engine works, step by step.")
            comparison = screen.comparison
            left, right = (comparison.samples[side][0] for side in SIDES)
            assert left.text and right.text and left.text != right.text
            assert right.text == driver.session.tree.leaf.text, "the adapter's answer with the same seed as in the chat"
            difference = comparison.difference(0)
            assert difference is not None
            assert difference.summary("the baseline", "the adapter")[1:20] in driver.text()

            # The engine is killed while both sides answer: what they had stays, and r brings the rest.
            app.session.sampling = Sampling(max_tokens=400, temperature=0.9)
            comparison.seed = 6
            comparison.more()
            pair = [comparison.samples[side][1] for side in SIDES]
            await driver.until(lambda: all(turn.phase == "answering" for turn in pair), 60)  # both at once
            assert made[0].pid is not None
            os.kill(made[0].pid, signal.SIGKILL)
            await driver.until(lambda: all(turn.status == "cut_off" for turn in pair), 20)
            app.session.sampling = Sampling(max_tokens=8)
            await pilot.press("r")
            await driver.until(lambda: not comparison.busy, 60)
            assert comparison.samples["right"][1].text and len(made) == 2
            await pilot.press("left", "p", "enter")
            await driver.until(lambda: isinstance(app.screen, ChatScreen))
        conversation = store.list_conversations()[0]
        assert [message.text for message in store.thread(conversation.leaf_id)][-1] == left.text
        kept = [message.text for message in store.messages(conversation.id)]
        assert all(turn.text in kept for turn in (left, right, *pair))
    for one in made:
        assert one.pid is None or not Path(f"/proc/{one.pid}").exists(), "no process is left behind"
