"""The plain chat over a store that takes nothing any more: it is said, asked about, and written elsewhere."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from plain_lines import river
from unwritable import KINDS, LONG, deleted, full

from lacie_chat.conversations import Store


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "data" / "conversations.db", busy_seconds=0.02) as store:
        yield store


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_said_and_saved_once_there_is_room(talk, store, kind: str) -> None:
    make, said = KINDS[kind]
    fault = ExitStack()
    out = talk(
        river("The Danube.", "The sea."),
        "One?",
        lambda: fault.enter_context(make(store)),
        LONG,
        "/new",
        "/help",
        fault.close,
        "/new",
        "/quit",
    )
    assert "Not saved: 2 messages." in out and said in out
    assert "2 messages could not be saved: " in out and "/new once more leaves without them." in out
    assert out.count("A new conversation.") == 1, "only after all was saved"
    (kept,) = [each for each in store.list_conversations() if each.messages and each.title == "One?"]
    assert [message.text for message in store.messages(kept.id)] == ["One?", "The Danube.", LONG.strip(), "The sea."]


def test_a_copy_elsewhere_and_the_same_command_once_more_leave(talk, store, tmp_path) -> None:
    (tmp_path / "stick").mkdir()
    with full(store):
        out = talk(river("The Danube."), LONG, "/quit", f"/export {tmp_path / 'stick'}", "/quit", "/history")
    assert out.count("You: ") == 4, "the second /quit ends it"
    (copy,) = (tmp_path / "stick").iterdir()
    assert f"Exported to {copy}" in out
    with Store.open(tmp_path / "other" / "conversations.db") as other:
        conversation, _ = other.import_text(copy.read_text())
        assert [message.text for message in other.messages(conversation.id)] == [LONG.strip(), "The Danube."]


def test_what_another_chat_deleted_is_kept_as_a_new_conversation(talk, store) -> None:
    fault = ExitStack()
    out = talk(
        river("The Danube.", "The sea."), "/keep", "One?", lambda: fault.enter_context(deleted(store)), "Two?", "/keep"
    )
    assert "No other chat has deleted this conversation." in out
    assert "/keep keeps it as a new one" in out and "Kept as a new conversation." in out
    (kept,) = store.list_conversations()
    assert [message.text for message in store.messages(kept.id)] == ["One?", "The Danube.", "Two?", "The sea."]
    fault.close()


def test_a_saved_conversation_is_exported_from_the_store(talk, store, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = talk(river("The Danube."), "One?", "/export", "/export river.md", "/export river.md")
    (kept,) = store.list_conversations()
    assert [path.name for path in tmp_path.glob("*.json")] == [f"one-{kept.id}.json"]
    assert "The Danube." in (tmp_path / "river.md").read_text()
    assert "river.md is there already; give another name." in out
