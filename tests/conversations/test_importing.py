"""The JSON that the export writes comes back whole, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_keeping import answered  # type: ignore[import-not-found]

from lacie_chat.conversations import Store, StoreError


@pytest.fixture
def whole(store: Store) -> tuple[Store, str]:
    """A conversation with branches, a mark, a thought, tokens and a cut answer; pinned."""
    conversation_id, answer = answered(store, "Emma & 🎉")
    question = store.message(answer).parent_id
    store.add_message(conversation_id, question, "assistant", "Brontë\u200d <b>", current=False)
    cut = store.add_message(conversation_id, None, "user", "Else?")
    half = store.add_message(conversation_id, cut.id, "assistant", "```py\nhalf", status="streaming")
    store.finish(half.id, "cancelled")
    store.keep_tokens(answer, [[0, 1, -0.5, "\ud800", None, [["I", -0.5]]]])
    store.set_leaf(conversation_id, answer)
    store.pin(conversation_id)
    store._connection.execute("UPDATE conversations SET settings = ?", ('{"temperature": 0.3}',))
    return store, conversation_id


def bare(text: str) -> dict[str, Any]:
    """An export without the numbers of its messages, which are the database's."""
    data: dict[str, Any] = json.loads(text)
    ids = {message["id"]: number for number, message in enumerate(data["messages"])}
    for message in data["messages"]:
        message["id"], message["parent_id"] = ids[message["id"]], ids.get(message["parent_id"])
        message["conversation_id"] = ""
    data["conversation"]["leaf_id"] = ids.get(data["conversation"]["leaf_id"])
    return data


def test_all_comes_back_equal(whole: tuple[Store, str], tmp_path: Path) -> None:
    store, conversation_id = whole
    text = store.export(conversation_id, "json")
    with Store.open(tmp_path / "other.db") as other:
        other.add_message(other.create_conversation("m").id, None, "user", "so that the numbers differ")
        made, is_new = other.import_text(text.encode().decode())
        assert (made.id, is_new) == (conversation_id, True)
        assert bare(other.export(made.id, "json")) == bare(text)
        assert [message.text for message in other.thread(made.leaf_id)] == ["Who wrote Emma?", "I think Jane Austen."]
        assert [mark.correct for mark in other.marks()] == [True]
        assert other.tokens(made.leaf_id) == store.tokens(store.conversation(conversation_id).leaf_id)
        assert {hit.conversation_id for hit in other.search("brontë")} == {conversation_id}


def test_the_same_file_twice_is_one_conversation_and_a_changed_one_two(whole: tuple[Store, str]) -> None:
    store, conversation_id = whole
    text = store.export(conversation_id, "json")
    assert store.import_text(text) == (store.conversation(conversation_id), False)
    store.delete(conversation_id)
    assert store.import_text(text)[1] is False
    assert [each.id for each in store.list_conversations()] == [conversation_id], "taken back"
    store.add_message(conversation_id, store.conversation(conversation_id).leaf_id, "user", "And Persuasion?")
    second, is_new = store.import_text(text)
    assert is_new and second.id != conversation_id
    assert bare(store.export(second.id, "json"))["messages"] == bare(text)["messages"]
    assert store.import_text(text) == (second, False)
    assert len(store.marks()) == 1, "one answer, in two copies, counts once"


def test_what_older_versions_wrote_is_taken(whole: tuple[Store, str]) -> None:
    store, conversation_id = whole
    data = json.loads(store.export(conversation_id, "json"))
    for name in ("settings", "pinned_at"):
        del data["conversation"][name]
    for message in data["messages"]:
        for name in ("tokens", "marked_at", "reasoning"):
            message.pop(name, None)
    made, is_new = store.import_text(json.dumps(data))
    assert is_new and len(store.messages(made.id)) == 5


def _with(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        data = json.loads(text)
        change(data)
        return json.dumps(data)

    return changed


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda text: text[: len(text) // 2], "this is no JSON, or only a part of it"),
        (lambda _: "[" * 100_000, "this is no JSON"),
        (lambda _: "[]", "this is no conversation of lacie-chat"),
        (lambda _: '{"format": "chat-1"}', "this is no conversation of lacie-chat"),
        (_with(lambda data: data.pop("messages")), "the messages can't be right"),
        (_with(lambda data: data["messages"][1].update(parent_id=99)), "the place of message 2"),
        (_with(lambda data: data["messages"].reverse()), "the place of message"),
        (_with(lambda data: data["messages"][0].update(role="robot")), "role of message 1"),
        (_with(lambda data: data["messages"][0].update(text=None)), "text of message 1"),
        (_with(lambda data: data["messages"][1].update(created_at="today")), "created_at of message 2"),
        (_with(lambda data: data["messages"][1].update(timings={"reasoning_seconds": "x"})), "timings of message 2"),
        (_with(lambda data: data["messages"][1]["assessment"].update(acceptance=7)), "assessment of message 2"),
        (_with(lambda data: data["messages"][1]["assessment"].pop("state")), "assessment of message 2"),
        (_with(lambda data: data["messages"][1]["assessment"]["hedges"][0].update(end=99)), "assessment of message 2"),
        (_with(lambda data: data["messages"][1].update(tokens=[[0, 999, -1]])), "tokens of message 2"),
        (_with(lambda data: data["messages"][1].update(params={"model": 3})), "params of message 2"),
        (_with(lambda data: data["messages"][0].update(correct=True)), "correct of message 1"),
        (_with(lambda data: data["conversation"].update(leaf_id=1234)), "the end of the shown branch"),
        (_with(lambda data: data["conversation"].update(id="../x")), "id of the conversation"),
    ],
)
def test_a_foreign_or_damaged_file_is_one_line_and_imports_nothing(
    whole: tuple[Store, str], damage: Callable[[str], str], line: str
) -> None:
    store, conversation_id = whole
    text = store.export(conversation_id, "json")
    store.delete(conversation_id, now=True)
    with pytest.raises(StoreError) as caught:
        store.import_text(damage(text))
    assert line in str(caught.value) and "\n" not in str(caught.value)
    assert store.list_conversations() == []


@given(st.data())
def test_whatever_is_damaged_it_is_whole_or_one_line(data: st.DataObject) -> None:
    with Store.in_memory() as store:
        conversation_id, _ = answered(store)
        exported = json.loads(store.export(conversation_id, "json"))
        store.delete(conversation_id, now=True)
        at: Any = exported
        while True:  # down to some value, which becomes another
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = data.draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and data.draw(st.booleans()):
                at = at[key]
                continue
            at[key] = data.draw(st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers())))
            break
        try:
            made, _ = store.import_text(json.dumps(exported))
        except StoreError as error:
            assert "\n" not in str(error) and store.list_conversations(100) == []
            return
        for format in ("markdown", "html", "json"):
            store.export(made.id, format)  # type: ignore[arg-type]
        store.marks()
