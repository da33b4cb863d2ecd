"""Marking answers right or wrong in the chat, and the screen that draws what the marks say."""

from pathlib import Path

import pytest
from scripted import Answer, ScriptedEngine

from lacie_chat.chat.speaker import Origin
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, Form, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.tui.screens.calibration import CalibrationScreen
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.widgets.composer import Composer

WAY = WayOfDrawing.of(Sampling())

FORMS = (Form(-1.5, {"acceptance": 0.8}),)
SHIPPED = Calibrator(500, 200, "the maker's questions", "aa", ASSESSMENT_VERSION, WAY, FORMS)
ORIGINS = {
    "origin": Origin("embedded", "owner/lacie", "aa-bb"),
    "baseline_origin": Origin("embedded", None, "aa", SHIPPED),
}


def mark_some(store: Store, n: int, *, fingerprint: str = "aa", listener: str = ASSESSMENT_VERSION) -> None:
    """n marked answers, every third one right."""
    conversation = store.create_conversation("SmolLM2-135M-Instruct")
    for index in range(n):
        params = {"model": "SmolLM2-135M-Instruct", "fingerprint": fingerprint}
        made = store.add_message(conversation.id, None, "assistant", "So it is.", params=params)
        acceptance = 0.15 + 0.7 * index / n
        read = {"state": "answered", "acceptance": acceptance, "answer_span": "So", "assessment_version": listener}
        store.attach_assessment(made.id, read)
        store.mark(made.id, index % 3 == 0)


async def test_a_key_marks_an_answer_and_takes_it_back(driven, danube) -> None:
    async with driven(danube) as driver:
        turn = await driver.ask("Which river?")
        for key, word, correct in (
            ("f6", "✓ marked right", True),
            ("f7", "✗ marked wrong", False),
            ("f7", "", None),
            ("f6", "✓ marked right", True),
            ("f6", "", None),
        ):
            await driver.pilot.press(key)
            await driver.pilot.pause()
            assert turn.correct is correct
            assert ("marked" in driver.text()) is bool(word)
            assert word in driver.text()
            with Store.open() as store:
                assert store.message(turn.stored_id).correct is correct


async def test_figures_that_are_typed_mark_nothing(driven, danube) -> None:
    async with driven(danube) as driver:
        turn = await driver.ask("Which river?")
        await driver.pilot.press("1", "plus", "0", "minus")
        assert driver.chat.query_one(Composer).text == "1+0-"
        assert turn.correct is None


async def test_the_selected_answer_is_marked_and_the_mark_is_there_again(driven, danube) -> None:
    async with driven(danube, **ORIGINS) as driver:
        first = await driver.ask("Which river?")
        last = await driver.ask("And which one in Vienna?")
        await driver.pilot.press("alt+up", "alt+up")
        await driver.pilot.press("f7")
        await driver.pilot.press("escape", "tab", "f6")
        await driver.until(lambda: last.correct is True)
        assert first.correct is False
        conversation_id = driver.session.tree.conversation_id
        assert driver.session.store.marks()[0].fingerprint == "aa-bb"
        assert driver.session.store.marks()[0].assessment_version == ASSESSMENT_VERSION
    async with driven(ScriptedEngine(), resume=conversation_id) as driver:
        await driver.until(lambda: "✗ marked wrong" in driver.text())
        assert "✓ marked right" in driver.text()


async def test_an_answer_that_declines_or_is_not_finished_cannot_be_marked(driven) -> None:
    engine = ScriptedEngine([Answer(["I don't know."]), Answer(["It is ", "long."], hold_after=1)])
    async with driven(engine, size=(100, 30)) as driver:
        await driver.pilot.press("f6")  # nothing is there yet: nothing happens
        turn = await driver.ask("Which river?")
        await driver.pilot.press("f6")
        await driver.until(lambda: "This answer declines to answer: it is neither right nor wrong." in driver.told)
        assert turn.correct is None
        await driver.type("Another?")
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.pilot.press("f7")
        await driver.until(lambda: "Not yet: the answer is not finished." in driver.told)
        engine.go_on.set()
        await driver.until(lambda: not driver.session.busy)
        assert driver.session.store.marks() == []


async def test_a_mark_survives_a_store_that_fails(driven, danube, monkeypatch: pytest.MonkeyPatch) -> None:
    from lacie_chat.conversations import StoreError

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    async with driven(danube) as driver:
        turn = await driver.ask("Which river?")
        with monkeypatch.context() as broken:
            broken.setattr(driver.session.store, "mark", full)
            await driver.pilot.press("f6")
            await driver.until(lambda: "Not saved: the disk is full. The chat goes on in memory." in driver.told)
        assert turn.correct is True
        assert driver.session.tree.unsaved_turns() == 1
        await driver.ask("And another?")
        assert driver.session.store.message(turn.stored_id).correct is True


async def test_the_screen_draws_the_marks_of_the_model_at_hand(driven, danube) -> None:
    with Store.in_memory() as store:
        mark_some(store, 12)
        mark_some(store, 5, fingerprint="another file of that name")
        mark_some(store, 2, listener="an earlier one")
        arguments = {"store": store, "adapter_name": "lacie", "baseline_calibrator": SHIPPED, **ORIGINS}
        async with driven(danube, **arguments) as driver:
            await driver.pilot.press("f9")
            await driver.until(lambda: isinstance(driver.app.screen, CalibrationScreen))
            assert "No answer of this model is marked yet" in driver.text(), "with the adapter it is another speaker"
            assert "f6 right, f7 wrong" in driver.text()
            await driver.pilot.press("ctrl+l")
            await driver.until(
                lambda: "4 of 12 answers that you marked are right: 33\u00a0% (14-61\u00a0%)" in driver.text()
            )
            assert "(baseline)" in driver.text()
            assert "○ sounds" in driver.text() and "◆ shipped" in driver.text()
            await driver.pilot.press("end")
            await driver.until(lambda: "P(right), shipped (n = 500)" in driver.text())
            assert "lacie calibrate counts your marks too" in driver.text()
            assert "2 more: drawn or heard otherwise" in driver.text()
            await driver.pilot.press("escape")
            await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
            assert not driver.session.baseline, "looking changes nothing"


async def test_marks_that_cannot_be_read_are_a_line(driven, danube, monkeypatch: pytest.MonkeyPatch) -> None:
    from lacie_chat.conversations import StoreError

    def gone(_: Store) -> None:
        raise StoreError("can't read the file")

    monkeypatch.setattr(Store, "marks", gone)
    async with driven(danube) as driver:
        await driver.pilot.press("f9")
        await driver.until(lambda: "✗ can't read the file" in driver.text())


@pytest.mark.parametrize("size", [(40, 10), (60, 20), (300, 90)])
async def test_any_size_shows_it(driven, danube, size: tuple[int, int]) -> None:
    with Store.in_memory() as store:
        mark_some(store, 120)
        async with driven(danube, store=store, size=size, calibrator=SHIPPED) as driver:
            await driver.pilot.press("f9")
            await driver.until(lambda: "40 of 120 answers" in driver.text())
            await driver.pilot.press("end")
            await driver.until(lambda: "lacie calibrate" in driver.text())


async def test_marking_uses_a_remapped_key(driven, danube, data_dir: Path) -> None:
    (data_dir / "interface.json").write_text('{"keys": {"answer.right": "f4"}}')
    with Store.in_memory() as store:
        async with driven(danube, store=store) as driver:
            turn = await driver.ask("Which river?")
            await driver.pilot.press("f6")
            assert turn.correct is None
            await driver.pilot.press("f4")
            await driver.until(lambda: turn.correct is True)
            await driver.pilot.press("f4", "f9")
            await driver.until(lambda: "f4 right, f7 wrong" in driver.text())
