"""Keys in one burst, over every change of screen: all arrive, in their order, where they were meant."""

import random
from collections.abc import Callable

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.events import Key, Paste
from textual.widget import Widget
from textual.widgets import Input

from lacie_chat.conversations import Store
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.screens.history import HistoryScreen
from lacie_chat.tui.terminal_keys import EscapeAnd
from lacie_chat.tui.widgets.message import AnswerView

FOCUSED: dict[str, Callable[[ChatScreen], Widget | None]] = {
    "composer": lambda chat: chat.composer,
    "transcript": lambda chat: chat.transcript,
    "details": lambda chat: chat.details,
    "nothing": lambda chat: None,
}
JOURNEYS = [
    ("ctrl+o", "escape"),
    ("f1", "escape"),
    ("f1", "f1"),
    ("f9", "escape"),
    ("f12", "f12"),
    ("f12", "f1", "escape", "escape"),
    ("f8", "escape"),
    ("ctrl+p", "escape"),
    ("ctrl+x", "escape"),
    ("alt+m", "escape"),
    ("ctrl+o", "ctrl+r", "escape", "escape"),
    ("ctrl+t", "tab", "escape"),
    ("ctrl+o", "escape", "f12", "escape", "f1", "escape", "f9", "escape"),
]
"""To another screen and back."""


def engine(count: int = 6) -> ScriptedEngine:
    return ScriptedEngine([Answer([f"answer {n}"]) for n in range(count)], ScriptedReader("answer"))


def burst(driver: Driver, *keys: str) -> None:
    """All at once, as a terminal hands on what was typed ahead: a name of a key, or a text after a blank."""
    for key in keys:
        if key.startswith(" "):
            for character in key[1:]:
                driver.app.post_message(Key("space" if character == " " else character, character))
        else:
            driver.app.post_message(Key(key, None))


def asked(driver: Driver) -> list[str]:
    return [turn.text for turn in driver.session.tree.path() if turn.role == "user"]


async def idle(driver: Driver) -> None:
    await driver.app.keys_done()
    await driver.until(lambda: not driver.session.busy)


async def focus(driver: Driver, where: str) -> None:
    driver.chat.details.display = True
    driver.chat.show_details(driver.chat.subject)
    await driver.pilot.pause()
    driver.chat.set_focus(FOCUSED[where](driver.chat))


@pytest.mark.parametrize("where", FOCUSED)
async def test_a_question_typed_right_after_a_new_conversation_is_asked_in_it(driven, where: str) -> None:
    async with driven(engine(), size=(120, 40)) as driver:
        await driver.ask("before")
        old = driver.session.tree.conversation_id
        await focus(driver, where)
        burst(driver, "ctrl+n", " 2 new ones", "enter")
        await driver.until(lambda: asked(driver) == ["2 new ones"])
        await idle(driver)
        assert driver.session.tree.conversation_id != old and driver.chat.composer.text == ""
        assert len(driver.chat.query(AnswerView)) == 1


async def test_questions_before_and_after_it_are_asked_where_they_were_typed(driven) -> None:
    with Store.open() as store:
        async with driven(engine(), store=store) as driver:
            burst(driver, " one", "enter", "ctrl+n", " two", "enter", "ctrl+n", " three", "ctrl+j", " lines", "enter")
            await driver.until(lambda: asked(driver) == ["three\nlines"])
            await idle(driver)
            await driver.until(lambda: len(store.list_conversations()) == 3)
            assert {summary.messages for summary in store.list_conversations()} == {2}


@pytest.mark.parametrize("where", ["composer", "transcript"])
@pytest.mark.parametrize(
    "there_and_back",
    JOURNEYS,
    ids=" ".join,
)
async def test_there_and_back_and_on_typing(driven, where: str, there_and_back: tuple[str, ...]) -> None:
    async with driven(engine(), size=(120, 40)) as driver:
        await driver.ask("before")
        driver.chat.set_focus(FOCUSED[where](driver.chat))
        burst(driver, " so ", *there_and_back, " what is 1 + 1?", "enter")
        await driver.until(lambda: asked(driver) == ["before", "so what is 1 + 1?"])
        await idle(driver)
        assert driver.app.screen is driver.chat and driver.chat.composer.text == ""
        assert all(turn.correct is None for turn in driver.session.tree.path())


@pytest.mark.parametrize("seed", range(3))
async def test_words_between_random_journeys_come_out_in_their_order(driven, seed: int) -> None:
    source = random.Random(seed)
    async with driven(engine(), size=(120, 40)) as driver:
        await driver.ask("before")
        words = [f"{number}{source.choice(('where', '10 ducks', 'ycrt?', '/x Y0'))}." for number in range(25)]
        for word in words:
            burst(driver, f" {word}", *source.choice(JOURNEYS))
            if source.random() < 0.3:
                await driver.pilot.pause()
        await driver.app.keys_done()
        await driver.until(lambda: driver.chat.composer.text == "".join(words))
        assert asked(driver) == ["before"] and driver.session.tree.leaf.correct is None


async def test_comparing_and_back(driven) -> None:
    two = ScriptedEngine([Answer(["x"]) for _ in range(6)], ScriptedReader("x"))
    async with driven(two, size=(120, 40), adapter_name="a") as driver:
        await driver.ask("before")
        burst(driver, "f2", "f1", "escape", "escape", "escape", " after", "enter")
        await driver.until(lambda: "after" in asked(driver))
        await idle(driver)
        assert driver.app.screen is driver.chat


async def test_a_search_typed_ahead_and_the_question_after_it(driven) -> None:
    with Store.open() as store:
        async with driven(engine(), store=store) as driver:
            await driver.ask("rivers")
            first = driver.session.tree.conversation_id
            burst(driver, "ctrl+n", " mountains", "enter")
            await driver.until(lambda: asked(driver) == ["mountains"])
            await idle(driver)
            burst(driver, "ctrl+o", " rivers", "enter", " and more", "enter")
            await driver.until(lambda: asked(driver) == ["rivers", "and more"])
            await idle(driver)
            assert driver.session.tree.conversation_id == first
            burst(driver, "ctrl+o", " moun")
            await driver.app.keys_done()
            assert isinstance(driver.app.screen, HistoryScreen)
            await driver.until(lambda: driver.app.screen.query_one(Input).value == "moun")


async def test_keys_after_another_branch_an_edit_and_a_selection(driven) -> None:
    async with driven(engine(), size=(120, 40)) as driver:
        await driver.ask("one")
        await driver.ask("two")
        burst(driver, "alt+up", "alt+up", "f6", "alt+down", "f7", "ctrl+g", " !", "enter", " more", "enter")
        await driver.until(lambda: asked(driver) == ["one", "two!", "more"])
        await idle(driver)
        answers = [turn for turn in driver.session.tree.path() if turn.role == "assistant"]
        assert answers[0].correct is True


async def test_an_escape_that_comes_with_a_letter_is_both_where_they_are_no_command(driven) -> None:
    async with driven(engine()) as driver:
        burst(driver, "ctrl+o", EscapeAnd("t"), " his, f1: ", "f1", EscapeAnd("M"), " y ", EscapeAnd("y"), " end")
        await driver.until(lambda: driver.chat.composer.text == "this, f1: My yend")
        assert driver.app.screen is driver.chat, "alt+y is a command there, for which there is no thought"


async def test_an_escape_and_a_letter_whose_command_can_not_be_done_lose_no_letter_and_stop_nothing(driven) -> None:
    held = ScriptedEngine([Answer(["It is ", "so."], hold_after=1)], ScriptedReader("so"))
    async with driven(held) as driver:
        burst(driver, " Is it?", "enter")
        await driver.until(held.held.is_set)
        burst(driver, EscapeAnd("y"), " ou", EscapeAnd("r"), " !")
        await driver.until(lambda: driver.chat.composer.text == "your!")
        assert driver.session.busy, "which of the two was meant is not known"
        held.go_on.set()
        await idle(driver)
        assert driver.session.tree.leaf.status == "complete"


async def test_an_escape_and_a_letter_whose_command_can_be_done_are_the_command(driven) -> None:
    async with driven(engine()) as driver:
        await driver.ask("before")
        burst(driver, EscapeAnd("g"))
        await driver.until(lambda: type(driver.app.screen).__name__ == "BranchesScreen")
        await driver.pilot.press("escape")
        assert driver.chat.composer.text == ""


async def test_what_is_pasted_keeps_its_place(driven) -> None:
    async with driven(engine()) as driver:
        burst(driver, "ctrl+o", "escape", " a")
        driver.app.post_message(Paste("b\nc"))
        burst(driver, " d", "enter", " e")
        await driver.until(lambda: asked(driver) == ["ab\ncd"])
        await driver.until(lambda: driver.chat.composer.text == "e")


async def test_what_is_typed_before_the_first_screen_is_there(driven) -> None:
    from scripted import speaker_first

    from lacie_chat.tui.app import LacieApp

    with Store.open() as store:
        app = LacieApp(speaker_first(engine, "model", {}), store)
        for character in "early":
            app.post_message(Key(character, character))
        async with app.run_test() as pilot:
            driver = Driver(app, pilot)
            await driver.until(lambda: app.chat.composer.text == "early")


async def test_a_key_that_is_never_done_with_holds_up_no_other_for_long(driven, monkeypatch) -> None:
    monkeypatch.setattr("lacie_chat.tui.keys_in_order.PATIENCE", 0.2)
    async with driven(engine()) as driver:
        monkeypatch.setattr(type(driver.app), "_followed_up", lambda self: _never())
        burst(driver, "ctrl+t", " still here")
        await driver.until(lambda: driver.chat.composer.text == "still here")


async def _never() -> None:
    import asyncio

    await asyncio.Event().wait()


async def test_text_that_comes_as_the_last_key_is_done_with_is_not_left(driven, danube) -> None:
    """Between the end of what does the keys and the word of it lies a moment, in which all that was typed while the
    screen stood still may come: it stayed unseen then, or came behind what was typed later."""
    async with driven(danube) as driver:
        app, composer = driver.app, driver.chat.composer
        await driver.pilot.pause()
        app.post_message(Key("escape", None))
        await driver.until_soon(lambda: app._doing is not None)
        doing = app._doing
        await driver.until_soon(doing.done)
        with app._context():
            for letter in "Which one?":
                await app.on_event(Key(letter, letter))
        await driver.until(lambda: composer.text == "Which one?")
