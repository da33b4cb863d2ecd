"""One damaged row takes nothing else with it: what can be shown is shown, and the row is named."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lacie_chat.conversations import Store, StoreError, parse_query
from tests.conversations.damage import FIELDS, KINDS, damage, fill

QUERIES = ("lighthouse", "model:embedded", "sounds:<90 is:right", "right:>10", "before:2999-01-01 adapter:none", "Emma")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    path = tmp_path_factory.mktemp("whole") / "conversations.db"
    return path, *fill(path)


@pytest.fixture
def filled(whole: tuple[Path, str, str], path: Path) -> tuple[Path, str, str]:
    shutil.copy(whole[0], path)
    return path, whole[1], whole[2]


def read_all(store: Store, conversation_id: str) -> str:
    """All that is shown of a conversation, by every way of reading it; its Markdown."""
    store.own_settings(conversation_id)
    conversation = store.conversation(conversation_id)
    for message in store.messages(conversation_id):
        store.thread(message.id), store.leaf_under(message.id), store.tokens(message.id)
        assert message.id in {each.id for each in store.children(conversation_id, message.parent_id)}
    for format in ("json", "html"):
        store.export(conversation_id, format)
    assert conversation.created_at.astimezone()
    return store.export(conversation_id, "markdown")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("table", "column"), FIELDS)
def test_a_damaged_field(filled: tuple[Path, str, str], table: str, column: str, kind: str) -> None:
    path, damaged, other = filled
    damage(path, table, column, KINDS[kind])
    with Store.open(path) as store:
        store.right_by(lambda params, heard: heard["acceptance"])
        listed = {row.id for row in store.list_conversations(pinned_first=True)}
        assert other in listed
        for query in QUERIES:
            store.list_conversations(query=parse_query(query))
            store.search(parse_query(query))
        assert store.search("lighthouse")
        assert "A lighthouse." in read_all(store, other)
        store.marks(), store.all_ids()
        if damaged not in listed:
            assert (table, column) in {("conversations", "id"), ("conversations", "deleted_at")}
            with pytest.raises(StoreError):
                store.conversation(damaged)
            return
        shown = read_all(store, damaged)
        if (column, kind) == ("leaf_id", "nothing"):
            return  # that is how a conversation is whose shown branch has no message yet
        assert "Thanks for the harpsichord." in shown
        if (table, column) not in {("messages", "text"), ("messages", "conversation_id"), ("messages", "parent_id")}:
            assert "A harpsichord." in shown


@pytest.mark.parametrize(
    ("table", "column", "named"),
    [
        ("conversations", "updated_at", "This conversation is damaged in the database: updated_at can't be read."),
        ("conversations", "leaf_id", "This conversation is damaged in the database: leaf_id can't be read."),
        ("conversations", "settings", "This conversation is damaged in the database: settings can't be read."),
        *(
            ("messages", column, f"Message 2 is damaged in the database: {column} can't be read.")
            for column in ("role", "status", "created_at", "params", "usage", "timings")
        ),
        ("assessments", "assessment", "Message 2 is damaged in the database: assessment can't be read."),
        ("marks", "correct", "Message 2 is damaged in the database: correct can't be read."),
    ],
)
def test_the_row_is_named(filled: tuple[Path, str, str], table: str, column: str, named: str) -> None:
    path, damaged, other = filled
    damage(path, table, column, KINDS["bytes"])
    with Store.open(path) as store:
        assert named in store.export(damaged, "markdown")
        assert "damaged" not in store.export(other, "markdown")


def test_what_is_exported_of_a_damaged_conversation_can_be_imported(filled: tuple[Path, str, str]) -> None:
    path, damaged, _ = filled
    damage(path, "messages", "params", KINDS["deep-json"])
    with Store.open(path) as store, Store.in_memory() as elsewhere:
        conversation, _ = elsewhere.import_text(store.export(damaged, "json"))
        texts = [message.text for message in elsewhere.messages(conversation.id)]
    assert texts == ["Who wrote Emma?", "A harpsichord.", "Thanks for the harpsichord."]


@pytest.mark.parametrize("parent", [2, 3, 5, 99])
def test_a_cycle_a_stranger_and_a_missing_parent_begin_a_branch(filled: tuple[Path, str, str], parent: int) -> None:
    """Itself, a message below, one of another conversation, none."""
    path, damaged, _ = filled
    damage(path, "messages", "parent_id", parent)
    with Store.open(path) as store:
        assert [message.id for message in store.thread(3)] == [2, 3]
        assert [message.id for message in store.children(damaged, None)] == [1, 2]
        assert store.leaf_under(2).id == 3
        assert "Message 2 is damaged in the database: parent_id can't be read." in read_all(store, damaged)
        other_branch = store.add_message(damaged, 1, "assistant", "Austen.")
        store.set_leaf(damaged, other_branch.id)
        store.remove(2)
        assert [message.id for message in store.messages(damaged)] == [1, other_branch.id]


def test_text_that_is_no_utf_8_is_shown_and_in_no_error(filled: tuple[Path, str, str]) -> None:
    path = filled[0]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE messages SET text = CAST(x'41ff42' AS TEXT) WHERE id = 2")
        connection.commit()
    with Store.open(path) as store:
        assert [message.text for message in store.thread(2)] == ["Who wrote Emma?", "A\ufffdB"]


def test_a_deletion_without_a_time_is_not_final(filled: tuple[Path, str, str]) -> None:
    path, damaged, _ = filled
    damage(path, "conversations", "deleted_at", "")
    with Store.open(path) as store:
        store.restore(damaged)
        assert "A harpsichord." in store.export(damaged, "markdown")
