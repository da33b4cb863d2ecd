"""Answers under the limit are folded: on the screen, by key and by mouse, and while one reads."""

import json
from threading import Event
from typing import Any

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Calibrator, Form, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.tui.interface_state import read_state, state_path
from lacie_chat.tui.widgets.details import Details
from lacie_chat.tui.widgets.message import FoldLine

SEVENTEEN = Calibrator(
    n=100, right=20, source="own", model_fingerprint="aa", assessment_version="1",
    sampling=WayOfDrawing.of(Sampling()), forms=(Form(-1.5856, {}),),
)  # fmt: skip
TEXT = "It is **the Danube**."
LONG = "It is the Danube.\n\n" + "\n\n".join(f"Paragraph {number}." for number in range(30))
FOLDED = "Folded: right about 1 in 6 (17\u00a0%), under your 50\u00a0%. ctrl+b or click opens"
OPENED = FOLDED.replace("Folded", "Opened").replace("opens", "folds")


def engine(*texts: str, acceptance: float = 0.9, hold_after: int | None = None) -> ScriptedEngine:
    answers = [Answer([text], hold_after=hold_after) for text in texts]
    return ScriptedEngine(answers, ScriptedReader("the Danube", acceptance))


def fold_line(driver: Driver, turn: Turn) -> FoldLine:
    view = driver.chat.transcript.answer_view(turn)
    assert view is not None
    return view.query_one(FoldLine)


def lines(driver: Driver, last: int) -> list[str]:
    """The upper lines of the conversation, without its scroll bar."""
    return [line[:78].rstrip() for line in driver.text().splitlines()[2:last]]


async def test_an_unlikely_answer_is_folded_and_opens_by_key_and_by_click(driven) -> None:
    async with driven(engine(TEXT), calibrator=SEVENTEEN, answer_from=0.5) as driver:
        turn = await driver.ask("Which river?")
        await driver.until(lambda: FOLDED in driver.text())
        assert "It is the Danube." not in driver.text()
        assert "▰" in driver.text(), "the confidence line stays"
        assert "Ready · 42 of 2,048 tokens · folds under 50\u00a0%" in driver.text()
        await driver.pilot.press("ctrl+y")
        assert driver.app.clipboard == TEXT
        await driver.pilot.press("ctrl+b")
        await driver.until(lambda: OPENED in driver.text() and "It is the Danube." in driver.text())
        await driver.pilot.click(fold_line(driver, turn))
        await driver.until(lambda: FOLDED in driver.text())
        driver.chat.transcript.focus()
        await driver.pilot.press("enter")
        await driver.until(lambda: OPENED in driver.text())
        assert not driver.chat.query_one(Details).display, "enter belongs to the fold here"
        await driver.pilot.press("ctrl+b")
        await driver.until(lambda: FOLDED in driver.text())
        await driver.pilot.press("ctrl+t")
        assert driver.chat.query_one(Details).display
        await driver.pilot.press("escape", "f6")
        await driver.until(lambda: "It is the Danube." in driver.text() and "Folded" not in driver.text())
        assert turn.correct


async def test_it_streams_as_usual_and_folds_when_it_is_assessed(driven) -> None:
    scripted = engine(TEXT, hold_after=1)
    async with driven(scripted, calibrator=SEVENTEEN, answer_from=0.5) as driver:
        await driver.type("Which river?")
        await driver.pilot.press("enter")
        await driver.until(scripted.held.is_set)
        await driver.until(lambda: "It is the Danube." in driver.text())
        scripted.go_on.set()
        await driver.until(lambda: FOLDED in driver.text())


async def test_what_the_user_has_scrolled_up_to_read_is_not_taken_away(driven) -> None:
    scripted = engine(LONG, hold_after=1)
    async with driven(scripted, calibrator=SEVENTEEN, answer_from=0.5) as driver:
        await driver.type("Which river?")
        await driver.pilot.press("enter")
        await driver.until(scripted.held.is_set)
        await driver.until(lambda: "Paragraph 29." in driver.text())
        await driver.pilot.press("pageup")
        await driver.until(lambda: "Paragraph 29." not in driver.text())
        reading = lines(driver, 12)
        scripted.go_on.set()
        turn = driver.session.tree.leaf
        await driver.until(lambda: turn.assessment is not None and fold_line(driver, turn).display)
        await driver.until(lambda: lines(driver, 12) == reading)
        await driver.pilot.press("ctrl+b")
        await driver.until(lambda: FOLDED in driver.text())


async def test_what_is_read_above_keeps_its_place_when_the_last_answer_folds(driven) -> None:
    scripted = ScriptedEngine([Answer([LONG]), Answer([LONG], hold_after=1)], ScriptedReader("the Danube", 0.9))
    async with driven(scripted, calibrator=SEVENTEEN) as driver:
        await driver.ask("Which river?")
        await driver.type("Once more?")
        await driver.pilot.press("enter")
        await driver.until(scripted.held.is_set)
        await driver.until(lambda: "Paragraph 29." in driver.text())
        driver.chat.transcript.scroll_home(animate=False)
        await driver.until(lambda: "▌ Which river?" in driver.text())
        reading = lines(driver, 18)
        driver.session.folds.answer_from = 0.5
        scripted.go_on.set()
        turn = driver.session.tree.leaf
        await driver.until(lambda: turn.phase == "done" and fold_line(driver, turn).display)
        assert driver.session.folds.folded(turn)
        await driver.until(lambda: lines(driver, 18) == reading)


async def test_the_key_goes_round_and_is_remembered(driven) -> None:
    async with driven(engine(TEXT, TEXT), calibrator=SEVENTEEN) as driver:
        first = await driver.ask("Which river?")
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: "folds under 50" not in driver.text() and "folds under 25" in driver.text())
        await driver.until(lambda: fold_line(driver, first).display)
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: FOLDED in driver.text())
        assert read_state().answer_from == 0.5
        await driver.pilot.press("tab", "ctrl+s", "ctrl+s")
        await driver.until(lambda: "It is the Danube." in driver.text() and "folds under" not in driver.text())
        assert (read_state().answer_from, driver.session.folds.answer_from) == (0.0, 0.0)


async def test_what_was_opened_stays_open_in_another_visit_and_the_history_has_the_text(driven) -> None:
    with Store.open() as store:
        async with driven(engine(TEXT), store=store, calibrator=SEVENTEEN, answer_from=0.5) as driver:
            await driver.ask("Which river?")
            conversation = str(driver.session.tree.conversation_id)
            assert TEXT in store.export(conversation, "markdown")
            await driver.pilot.press("ctrl+b")
            await driver.until(lambda: OPENED in driver.text())
            driver.session.new_chat()
            driver.session.open(conversation)
            await driver.chat.show_conversation()
            await driver.until(lambda: OPENED in driver.text())


async def test_without_a_calibrator_the_wording_decides_and_the_line_says_so(driven) -> None:
    async with driven(engine(TEXT, acceptance=0.2), answer_from=0.5) as driver:
        await driver.ask("Which river?")
        await driver.until(lambda: "Folded: sounds unsure, by its wording alone (no calibrator)." in driver.text())


@pytest.mark.parametrize(("kept", "read"), [(0.5, 0.5), (1, 1.0), (0, 0.0), (1.5, 0.0), (True, 0.0), ("0.5", 0.0)])
def test_the_limit_that_is_kept_is_a_probability_or_nothing(kept: object, read: float) -> None:
    state_path().parent.mkdir(parents=True, exist_ok=True)
    state_path().write_text(json.dumps({"answer_from": kept}))
    assert read_state().answer_from == read


async def test_an_old_answer_that_was_never_assessed_is_heard_and_folded(driven) -> None:
    with Store.open() as store:
        made = store.create_conversation("model")
        asked = store.add_message(made.id, None, "user", "Which river?")
        params: dict[str, Any] = {"model": "SmolLM2-135M-Instruct", "adapter": None}
        store.add_message(made.id, asked.id, "assistant", TEXT, params=params)
        scripted = engine()
        gate = scripted.load_gate = Event()
        async with driven(scripted, store=store, resume=made.id, calibrator=SEVENTEEN, answer_from=0.5) as driver:
            await driver.until(lambda: "∿ listening…" in driver.text())
            assert "It is the Danube." in driver.text()
            gate.set()
            await driver.until(lambda: FOLDED in driver.text())
