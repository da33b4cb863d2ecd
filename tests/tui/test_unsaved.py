"""A store that takes nothing any more, on the screen: it stands there, and nothing is left without a question."""

from pathlib import Path

import pytest
from scripted import Answer, ScriptedEngine, ScriptedReader
from unwritable import KINDS, LONG, deleted, full

from lacie_chat.conversations import Store
from lacie_chat.tui.screens.confirm import ChoiceScreen, NameScreen


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "data" / "conversations.db", busy_seconds=0.02) as store:
        yield store


def rivers() -> ScriptedEngine:
    answers = [Answer([f"It is river {number}."]) for number in range(6)]
    return ScriptedEngine(answers, ScriptedReader("the river", acceptance=0.9))


def texts(store: Store, conversation_id: str) -> list[str]:
    return [message.text for message in store.messages(conversation_id)]


async def asked(driver) -> ChoiceScreen:
    await driver.until(lambda: isinstance(driver.app.screen, ChoiceScreen))
    return driver.app.screen


@pytest.mark.parametrize("kind", KINDS)
async def test_it_stands_there_until_all_is_saved(driven, store, monkeypatch, kind: str) -> None:
    make, said = KINDS[kind]
    monkeypatch.setattr("lacie_chat.chat.saving.AGAIN_SECONDS", 0.05)
    async with driven(rivers(), store=store, size=(100, 30)) as driver:
        await driver.ask("One?")
        assert not driver.chat.unsaved.display
        with make(store):
            await driver.ask(LONG)
            await driver.until(lambda: "✗ 2 messages not saved" in driver.text())
            assert said in " ".join(str(driver.chat.unsaved.content).split())
            await driver.pilot.press("ctrl+n")
            question = await asked(driver)
            assert said in question._label
            await driver.pilot.press("escape")
            assert driver.app.screen is driver.chat and "It is river 1." in driver.text(), "one stays where one was"
        await driver.until(lambda: not driver.chat.unsaved.display)
        assert texts(store, driver.session.tree.conversation_id) == [
            "One?", "It is river 0.", LONG.strip(), "It is river 1.",
        ]  # fmt: skip
        await driver.pilot.press("ctrl+n")
        assert driver.session.tree.leaf is None, "all is saved, so nothing is asked"


async def test_quitting_asks_too_and_writes_a_copy_elsewhere(driven, store, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stick").mkdir()
    async with driven(rivers(), store=store, size=(100, 30)) as driver:
        await driver.ask("One?")
        with full(store):
            await driver.ask(LONG)
            await driver.pilot.press("ctrl+q")
            question = await asked(driver)
            assert driver.app.is_running
            await driver.pilot.press("ctrl+q")
            assert driver.app.screen is question, "it is asked once"
            await driver.pilot.press("down", "enter")
            await driver.until(lambda: isinstance(driver.app.screen, NameScreen))
            await driver.pilot.press("ctrl+u", *str(tmp_path / "gone" / "a.json"), "enter")
            await driver.until(lambda: any("can't write" in told for told in driver.told))
            await asked(driver)
            await driver.pilot.press("down", "enter")
            await driver.until(lambda: isinstance(driver.app.screen, NameScreen))
            await driver.pilot.press("ctrl+u", *str(tmp_path / "stick"), "enter")
            await driver.until_soon(lambda: not driver.app.is_running or driver.app._exit)
    (copy,) = (tmp_path / "stick").iterdir()
    with Store.open(tmp_path / "other" / "conversations.db") as other:
        conversation, _ = other.import_text(copy.read_text())
        assert texts(other, conversation.id) == ["One?", "It is river 0.", LONG.strip(), "It is river 1."]
    assert driver.session.saving.rescue() == []


async def test_leaving_without_them_and_ctrl_c_twice(driven, store) -> None:
    async with driven(rivers(), store=store, size=(100, 30)) as driver:
        with full(store):
            await driver.ask(LONG)
            await driver.pilot.press("ctrl+c", "ctrl+c")
            await asked(driver)
            await driver.pilot.press("escape", "ctrl+n")
            await asked(driver)
            await driver.pilot.press("down", "down", "enter")
            await driver.until(lambda: driver.session.tree.leaf is None)
            assert not driver.chat.unsaved.display
            await driver.ask(LONG)
            await driver.until(lambda: "✗ 2 messages not saved" in driver.text())  # those before were given up


async def test_another_conversation_is_not_opened_without_a_question(driven, store) -> None:
    async with driven(rivers(), store=store, size=(100, 30)) as driver:
        await driver.ask("One?")
        first = driver.session.tree
        await driver.pilot.press("ctrl+n")
        await driver.ask("Two?")
        with full(store):
            await driver.ask(LONG)
            second = driver.session.tree
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: driver.app.screen is not driver.chat)
            await driver.pilot.press(*"One", "enter")
            await asked(driver)
            await driver.pilot.press("escape")
            assert driver.session.tree is second
        assert first.conversation_id != second.conversation_id


async def test_what_another_chat_deleted_is_kept_as_a_new_conversation(driven, store) -> None:
    async with driven(rivers(), store=store, size=(100, 30)) as driver:
        await driver.ask("One?")
        before = driver.session.tree.conversation_id
        with deleted(store):
            await driver.ask("Two?")
            await driver.until(lambda: "keeps it as a new one" in driver.text())
            await driver.pilot.press("alt+d")
            await driver.until(lambda: not driver.chat.unsaved.display)
            assert driver.session.tree.conversation_id != before
            await driver.ask("Three?")
            assert len(texts(store, driver.session.tree.conversation_id)) == 6


async def test_an_export_has_what_is_not_saved(driven, store, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with driven(rivers(), store=store, size=(100, 30)) as driver:
        with full(store):
            await driver.ask(LONG)
            await driver.pilot.click("#unsaved")
            await asked(driver)
            await driver.pilot.press("enter")
            await driver.until(lambda: any(told.startswith("Exported to") for told in driver.told))
    (page,) = tmp_path.glob("*.md")
    assert "It is river 0." in page.read_text()


async def test_a_chat_in_memory_only_says_so_and_asks_before_the_end(driven) -> None:
    with Store.in_memory("the database is damaged") as memory:
        async with driven(rivers(), store=memory, size=(100, 30)) as driver:
            await driver.ask("One?")
            await driver.until(lambda: "✗ 2 messages not saved" in driver.text())
            assert "the database is damaged" in driver.text()
            await driver.pilot.press("ctrl+n")
            assert driver.session.tree.leaf is None, "it is in the history as long as the program lasts"
            await driver.pilot.press("ctrl+q")
            await asked(driver)
            await driver.pilot.press("escape")
            assert driver.app.screen is driver.chat
