"""From one version of the schema to the next: whole or not at all, with a copy of what was there."""

import sqlite3
from pathlib import Path

import pytest

from lacie_chat.conversations import Store, StoreError
from lacie_chat.conversations.schema import MIGRATIONS, migrate

NEXT = (*MIGRATIONS, ("ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",))
BROKEN = (*MIGRATIONS, ("ALTER TABLE conversations ADD COLUMN pinned INTEGER", "INSERT INTO nowhere VALUES (1)"))


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return version


@pytest.fixture
def filled(path: Path) -> Path:
    with Store.open(path) as store:
        conversation = store.create_conversation("embedded")
        store.add_message(conversation.id, None, "user", "Who wrote Emma?")
    return path


def migrated(path: Path, migrations: tuple[tuple[str, ...], ...]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        migrate(connection, path, migrations)
    finally:
        connection.close()


def test_an_update_keeps_all_and_a_copy_of_the_file_before(filled: Path) -> None:
    migrated(filled, NEXT)
    assert version_of(filled) == len(NEXT)
    backup = filled.with_name(f"conversations.v{len(MIGRATIONS)}-backup.db")
    assert version_of(backup) == len(MIGRATIONS)
    with Store.open(backup) as store:
        assert store.list_conversations()[0].title == "Who wrote Emma?"
    with pytest.raises(StoreError, match="newer lacie-chat"):  # this program doesn't know that version
        Store.open(filled)
    connection = sqlite3.connect(filled)
    assert connection.execute("SELECT title, pinned FROM conversations").fetchall() == [("Who wrote Emma?", 0)]
    connection.close()


def test_an_update_that_fails_changes_nothing(filled: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrated(filled, BROKEN)
    assert version_of(filled) == len(MIGRATIONS)
    with Store.open(filled) as store:
        assert store.list_conversations()[0].messages == 1
        store.create_conversation("embedded")
    migrated(filled, NEXT)
    assert version_of(filled) == len(NEXT)


def test_a_new_file_and_an_unchanged_one_make_no_copy(filled: Path) -> None:
    Store.open(filled).close()
    assert [file.name for file in filled.parent.iterdir()] == [filled.name]


def test_conversations_from_before_marks_can_be_marked(path: Path) -> None:
    migrated(path, MIGRATIONS[:1])
    connection = sqlite3.connect(path)
    connection.executescript(
        """INSERT INTO conversations VALUES ('abcd1234', 'Old', 'embedded', NULL, NULL,
            '2026-01-01T00:00:00.000000+00:00', '2026-01-01T00:00:00.000000+00:00');
        INSERT INTO messages VALUES (1, 'abcd1234', NULL, 'assistant', 'Jane Austen.', 'complete', NULL,
            '2026-01-01T00:00:00.000000+00:00', '{}', NULL, NULL);
        INSERT INTO assessments VALUES (1, 'answered', 0.7, 0.7, 'acceptance', '{"question": "Who wrote Emma?",
            "response": "Jane Austen.", "state": "answered", "answer_span": "Jane Austen",
            "masked_response": "[answer].", "acceptance": 0.7, "hedges": [], "boosters": []}');"""
    )
    connection.close()
    with Store.open(path) as store:
        assert store.message(1).correct is None
        store.mark(1, True)
        (marked,) = store.marks()
        assert (marked.model, marked.adapter, marked.fingerprint, marked.assessment_version) == (
            *("embedded", None, None, None),
        )
        assert (marked.acceptance, marked.correct) == (0.7, True)
    assert version_of(path.with_name("conversations.v1-backup.db")) == 1


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_answers_from_before_thoughts_were_kept_have_none_and_new_ones_do(path: Path, version: int) -> None:
    """From each version that ever was."""
    migrated(path, MIGRATIONS[:version])
    connection = sqlite3.connect(path)
    connection.executescript(
        """INSERT INTO conversations VALUES ('abcd1234', 'Old', 'embedded', NULL, NULL,
            '2026-01-01T00:00:00.000000+00:00', '2026-01-01T00:00:00.000000+00:00');
        INSERT INTO messages VALUES (1, 'abcd1234', NULL, 'assistant', 'Jane Austen.', 'complete', NULL,
            '2026-01-01T00:00:00.000000+00:00', '{}', '{"completion_tokens": 3}', NULL);"""
    )
    connection.close()
    with Store.open(path) as store:
        old = store.message(1)
        assert (old.text, old.reasoning, old.usage) == ("Jane Austen.", "", {"completion_tokens": 3})
        new = store.add_message("abcd1234", 1, "assistant", status="streaming")
        store.append_thought(new.id, "Who was it? ")
        store.append_thought(new.id, "She.")
        assert [message.reasoning for message in store.thread(new.id)] == ["", "Who was it? She."]
    assert version_of(path) == len(MIGRATIONS)
    assert version_of(path.with_name(f"conversations.v{version}-backup.db")) == version


def test_answers_from_before_tokens_were_kept_have_none(path: Path) -> None:
    migrated(path, MIGRATIONS[:2])
    connection = sqlite3.connect(path)
    connection.executescript(
        """INSERT INTO conversations VALUES ('abcd1234', 'Old', 'embedded', NULL, NULL,
            '2026-01-01T00:00:00.000000+00:00', '2026-01-01T00:00:00.000000+00:00');
        INSERT INTO messages VALUES (1, 'abcd1234', NULL, 'assistant', 'Jane Austen.', 'complete', NULL,
            '2026-01-01T00:00:00.000000+00:00', '{}', NULL, NULL);
        INSERT INTO marks VALUES (1, 1, '2026-01-01T00:00:00.000000+00:00');"""
    )
    connection.close()
    with Store.open(path) as store:
        assert store.tokens(1) == []
        assert store.message(1).correct is True
        store.keep_tokens(1, [[0, 4, -0.1]])
        assert store.tokens(1) == [[0, 4, -0.1]]
    assert version_of(path.with_name("conversations.v2-backup.db")) == 2
