"""Conversations as wholes: pinned, deleted and taken back, gone after a while, copied."""

from pathlib import Path

import pytest
from test_store import ASSESSMENT  # type: ignore[import-not-found]

from lacie_chat.conversations import DELETED_DAYS, Store, StoreError, parse_query

PARAMS = {"model": "M", "seed": 7, "sampling": {"temperature": 0.2, "max_tokens": 5, "reasoning": None}}


def answered(store: Store, title: str = "rivers") -> tuple[str, int]:
    """A conversation with an answer that is marked and has all that can be kept with one; its id, the answer's."""
    conversation = store.create_conversation("embedded", "lacie", title)
    question = store.add_message(conversation.id, None, "user", "Who wrote Emma?")
    answer = store.add_message(conversation.id, question.id, "assistant", status="streaming", params=PARAMS)
    store.append_thought(answer.id, "Austen?")
    store.append(answer.id, "I think Jane Austen.")
    store.finish(answer.id, "complete", usage={"completion_tokens": 5}, timings={"reasoning_seconds": 1.5})
    store.keep_tokens(answer.id, [[0, 1, -0.5]])
    store.attach_assessment(answer.id, ASSESSMENT)
    store.mark(answer.id, True)
    return conversation.id, answer.id


def test_pinned_ones_come_first_where_that_is_wanted(store: Store) -> None:
    ids = [answered(store, title)[0] for title in "abc"]
    store.pin(ids[1])
    store.pin(ids[0])
    assert [each.id for each in store.list_conversations(pinned_first=True)] == ids
    assert [each.id for each in store.list_conversations()] == ids[::-1], "going on with the last one is not fooled"
    store.pin(ids[0], False)
    assert [each.id for each in store.list_conversations(pinned_first=True)] == [ids[1], ids[2], ids[0]]


def test_a_deleted_one_is_nowhere_and_comes_back_with_everything(store: Store, path: Path) -> None:
    gone, answer = answered(store)
    before = store.thread(answer), store.tokens(answer)
    store.delete(gone)
    with Store.open(path) as other:
        assert other.list_conversations() == []
        assert other.search("austen") == []
        assert other.marks() == [], "its marks don't count"
        for ask in (other.conversation, other.find, lambda each: other.export(each, "json"), other.duplicate):
            with pytest.raises(StoreError, match=f"was deleted; to take it back: lacie history restore {gone}"):
                ask(gone)
        with pytest.raises(StoreError, match="was deleted"):
            other.add_message(gone, answer, "user", "And Persuasion?")
        assert [each.id for each in other.list_conversations(query=parse_query("is:deleted"))] == [gone]
        assert other.find(gone[:5], deleted=True).deleted_at is not None
        other.restore(gone)
    assert (store.thread(answer), store.tokens(answer)) == before
    assert [each.message_id for each in store.marks()] == [answer]
    assert len(store.search("austen")) == 1


def test_an_answer_that_is_written_while_it_is_deleted_is_not_lost(store: Store) -> None:
    conversation = store.create_conversation("embedded")
    answer = store.add_message(conversation.id, None, "assistant", status="streaming")
    store.append(answer.id, "Jane ")
    store.delete(conversation.id)
    store.append(answer.id, "Austen")
    store.finish(answer.id, "complete")
    store.restore(conversation.id)
    assert store.message(answer.id).text == "Jane Austen"


def test_after_a_while_it_is_gone_for_good(path: Path) -> None:
    with Store.open(path) as store:
        old, _ = answered(store)
        young, _ = answered(store)
        for each in (old, young):
            store.delete(each)
        store._connection.execute("UPDATE conversations SET deleted_at = '2020-01-01T00:00:00' WHERE id = ?", (old,))
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="no deleted conversation starts with"):
            store.find(old, deleted=True)
        assert store.find(young, deleted=True).id == young
        assert store._connection.execute("SELECT count(*) FROM messages").fetchone()[0] == 2
    assert DELETED_DAYS == 30


def test_a_copy_has_the_branch_up_to_a_message_and_all_that_is_kept_with_it(store: Store) -> None:
    original, answer = answered(store)
    store.add_message(original, store.message(answer).parent_id, "assistant", "Another branch.")
    store.add_message(original, answer, "user", "Sure?")
    copy = store.duplicate(original, answer)
    assert (copy.title, copy.model, copy.adapter) == ("Copy of rivers", "embedded", "lacie")
    first, second = store.messages(copy.id)
    assert copy.leaf_id == second.id and second.parent_id == first.id
    known = store.message(answer)
    for name in ("text", "params", "usage", "timings", "assessment", "correct", "reasoning", "created_at", "status"):
        assert getattr(second, name) == getattr(known, name), name
    assert store.tokens(second.id) == store.tokens(answer)
    assert [m.text for m in store.thread(store.duplicate(original).leaf_id)][-1] == "Sure?"
    with pytest.raises(StoreError, match="belongs to another conversation"):
        store.duplicate(copy.id, answer)


def test_the_answer_of_a_copy_counts_once_with_what_was_said_last(store: Store) -> None:
    original, _ = answered(store)
    copy = store.duplicate(original)
    assert [mark.correct for mark in store.marks()] == [True]
    store.mark(copy.leaf_id, False)
    assert [mark.correct for mark in store.marks()] == [False]
    store.delete(copy.id)
    assert [mark.correct for mark in store.marks()] == [True]
