"""A conversation with a damaged row is gone on with, and the history shows it: what can be shown is shown."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine

from lacie_chat.conversations import Store
from lacie_chat.tui.screens.history import HistoryScreen
from tests.conversations.damage import KINDS, damage, fill


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [
        ("conversations", "updated_at", "bytes"),
        ("conversations", "leaf_id", "bytes"),
        ("conversations", "settings", "an-object"),
        ("messages", "params", "deep-json"),
        ("messages", "usage", "an-object"),
        ("messages", "timings", "a-list"),
        ("messages", "created_at", "no-date"),
        ("assessments", "assessment", "an-object"),
    ],
)
async def test_it_is_gone_on_with(driven, tmp_path: Path, table: str, column: str, kind: str) -> None:
    path = tmp_path / "conversations.db"
    damaged, _ = fill(path)
    damage(path, table, column, KINDS[kind])
    with Store.open(path) as store:
        async with driven(ScriptedEngine([Answer(["Gladly."])]), size=(100, 50), store=store, resume=damaged) as driver:
            await driver.until(lambda: "Thanks for the harpsichord." in driver.text())
            assert "A harpsichord." in driver.text()
            if table != "conversations":
                assert f"Message 2 is damaged in the database: {column}" in driver.text()
                (notice,) = notices(driver)
                assert notice == "1 message is damaged in the database; there it says what can't be read."
            else:
                (notice,) = notices(driver)
                assert notice == f"This conversation is damaged in the database: {column} can't be read."
            await driver.ask("And Persuasion?")
            await driver.until(lambda: "Gladly." in driver.text())
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            await driver.until(lambda: "About a lighthouse" in driver.text())
            assert "About a harpsichord" in driver.text()


def notices(driver: Driver) -> list[str]:
    """What was notified of damage."""
    said = (str(each.message) for each in driver.app._notifications)
    return [line for line in said if "damaged" in line]


async def test_a_damaged_question_says_so(driven, tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    damaged, _ = fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE messages SET created_at = 'never' WHERE id = 1")
        connection.commit()
    with Store.open(path) as store:
        async with driven(ScriptedEngine([]), size=(100, 50), store=store, resume=damaged) as driver:
            await driver.until(lambda: "Message 1 is damaged in the database: created_at can't be" in driver.text())


async def test_the_history_marks_a_damaged_conversation(driven, tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    fill(path)
    damage(path, "conversations", "model", KINDS["bytes"])
    with Store.open(path) as store:
        async with driven(ScriptedEngine([]), size=(120, 50), store=store) as driver:
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            for typed, found in (("", "About a lighthouse"), ("harpsichord", "1 found")):
                driver.app.screen.search.value = typed
                await driver.until(lambda found=found: found in driver.text())
                lines = driver.text().splitlines()
                (place,) = [number for number, line in enumerate(lines) if "damaged · " in line]
                assert "About a harpsichord" in lines[place - 1]
            await driver.until(lambda: "This conversation is damaged in the database: model" in driver.text())


async def test_a_bad_page_in_the_history_is_one_line_and_then_it_is_there(driven, tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    with Store.open(path) as store:
        for number in range(60):
            made = store.create_conversation("embedded", title=f"Conversation {number}")
            store.add_message(made.id, None, "assistant", f"Question {number} " + "y" * 900)
    content = bytearray(path.read_bytes())
    pages = range(0, len(content), 4096)
    bad = next(at for at in pages if content[at] == 13 and content[at : at + 4096].count(b"Question ") > 2)
    content[bad : bad + 4096] = bytes(4096)
    path.write_bytes(content)
    with Store.open(path) as store:
        async with driven(ScriptedEngine([Answer(["Gladly."])]), size=(120, 40), store=store) as driver:
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            await driver.until(lambda: "was damaged: 60 conversations with" in driver.text())
            assert "was damaged: 60 conversations with" in store.recovered
            driver.app.screen.search.value = "Conversation"
            await driver.until(lambda: "60 found" in driver.text())
            await driver.pilot.press("escape", "escape")
            await driver.ask("And now?")
            await driver.until(lambda: "Gladly." in driver.text())
            await driver.until(lambda: not driver.app.session.tree.problem)


async def test_a_cycle_of_parents_ends(driven, tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    damaged, _ = fill(path)
    damage(path, "messages", "parent_id", 3)
    with Store.open(path) as store:
        async with driven(ScriptedEngine([Answer(["Gladly."])]), size=(100, 50), store=store, resume=damaged) as driver:
            await driver.until(lambda: "Message 2 is damaged in the database: parent_id" in driver.text())
            assert "A harpsichord." in driver.text()
            assert "Thanks for the harpsichord." in driver.text()
