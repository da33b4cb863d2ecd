"""A conversation with a damaged row is gone on with, and the history shows it: what can be shown is shown."""

from pathlib import Path

import pytest
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
            await driver.ask("And Persuasion?")
            await driver.until(lambda: "Gladly." in driver.text())
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            await driver.until(lambda: "About a lighthouse" in driver.text())
            assert "About a harpsichord" in driver.text()


async def test_a_cycle_of_parents_ends(driven, tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    damaged, _ = fill(path)
    damage(path, "messages", "parent_id", 3)
    with Store.open(path) as store:
        async with driven(ScriptedEngine([Answer(["Gladly."])]), size=(100, 50), store=store, resume=damaged) as driver:
            await driver.until(lambda: "Message 2 is damaged in the database: parent_id" in driver.text())
            assert "A harpsichord." in driver.text()
            assert "Thanks for the harpsichord." in driver.text()
