"""`lacie history` and `lacie doctor` on a database with a damaged row: no traceback, and the rest is there."""

from pathlib import Path

import pytest

from lacie_chat import cli
from lacie_chat.paths import database_path
from tests.conversations.damage import FIELDS, KINDS, damage, fill


@pytest.mark.parametrize("kind", ["nothing", "bytes"])
@pytest.mark.parametrize(("table", "column"), FIELDS)
def test_every_action(data_dir: Path, capsys: pytest.CaptureFixture[str], table: str, column: str, kind: str) -> None:
    damaged, other = fill(database_path())
    damage(database_path(), table, column, KINDS[kind])

    def done(*words: str) -> str:
        assert cli.main(["history", *words]) == 0
        return capsys.readouterr().out

    assert other in done("list")
    assert other in done("list", "--json")
    assert "lighthouse" in done("search", "lighthouse")
    done("search", "right:>10", "model:embedded", "--json")
    for format in ("md", "html", "json"):
        assert "A lighthouse." in done("export", other, "--format", format)
    shown = cli.main(["history", "show", damaged])
    out, err = capsys.readouterr()
    assert shown == 0 or (column in ("id", "deleted_at") and err.count("\n") == 1)
    assert shown == 1 or column in ("id", "leaf_id", "text", "conversation_id", "parent_id") or "A harpsichord." in out


def test_the_list_names_the_row(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged, other = fill(database_path())
    damage(database_path(), "conversations", "updated_at", KINDS["no-date"])
    assert cli.main(["history", "list"]) == 0
    out, err = capsys.readouterr()
    assert f"Conversation {damaged} is damaged in the database: updated_at can't be read." in err
    assert damaged in out
    assert other in out
    assert other not in err
