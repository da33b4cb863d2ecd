"""Answers marked right or wrong: undone, refused, exported, deleted, and known by who gave them."""

import json
import sqlite3
from pathlib import Path

import pytest
from test_store import ASSESSMENT  # type: ignore[import-not-found]

from lacie_chat.conversations import Store, StoreError

PARAMS = {"model": "Some model", "adapter": "lacie", "model_ref": "owner/repo", "fingerprint": "aa-bb"}


def answer(store: Store, assessment: dict | None = ASSESSMENT, **params: object) -> int:
    conversation = store.create_conversation("Model of the conversation", "its adapter")
    question = store.add_message(conversation.id, None, "user", "Who wrote Emma?")
    made = store.add_message(conversation.id, question.id, "assistant", "Jane Austen.", params=params)
    if assessment is not None:
        store.attach_assessment(made.id, assessment)
    return made.id


def test_a_mark_is_kept_changed_and_taken_back(store: Store, path: Path) -> None:
    message_id = answer(store, **PARAMS)
    assert store.message(message_id).correct is None
    for correct in (True, False):
        store.mark(message_id, correct)
        with Store.open(path) as other:
            assert other.message(message_id).correct is correct
            (marked,) = other.marks()
        assert (marked.correct, marked.acceptance) == (correct, ASSESSMENT["acceptance"])
    store.mark(message_id, None)
    store.mark(message_id, None)
    assert store.message(message_id).correct is None
    assert store.marks() == []


def test_a_mark_knows_who_answered(store: Store) -> None:
    read = {**ASSESSMENT, "assessment_version": "7", "agreement": {"value": 0.6, "k": 5}}
    store.mark(answer(store, read, **PARAMS), True)
    store.mark(answer(store, **{**PARAMS, "adapter": None, "fingerprint": "aa"}), False)
    store.mark(answer(store), False)
    first, baseline, old = store.marks()
    assert (first.model, first.adapter, first.fingerprint) == ("Some model", "lacie", "aa-bb")
    assert (first.model_ref, first.assessment_version) == ("owner/repo", "7")
    assert first.signals == {"acceptance": ASSESSMENT["acceptance"], "agreement": 0.6}
    assert "agreement" not in old.signals
    assert (first.question, first.response) == ("Who wrote Emma?", "Jane Austen.")
    assert (baseline.adapter, baseline.fingerprint) == (None, "aa"), "the baseline's, whatever the conversation has"
    assert (old.model, old.adapter, old.fingerprint) == ("Model of the conversation", "its adapter", None)


@pytest.mark.parametrize(
    ("assessment", "line"),
    [
        ({**ASSESSMENT, "state": "abstained", "confidence": None}, "declines to answer: it is neither right nor wrong"),
        ({**ASSESSMENT, "state": "no_claim", "confidence": None}, "makes no claim: it is neither right nor wrong"),
        (None, "has not been assessed"),
    ],
)
def test_what_cannot_be_marked(store: Store, assessment: dict | None, line: str) -> None:
    message_id = answer(store, assessment)
    with pytest.raises(StoreError, match=line):
        store.mark(message_id, True)
    assert store.marks() == []
    parent = store.message(message_id).parent_id
    assert parent is not None
    with pytest.raises(StoreError, match="only answers are marked"):
        store.mark(parent, True)
    with pytest.raises(StoreError, match="no message 99"):
        store.mark(99, True)


def test_an_answer_that_turns_out_to_decline_counts_no_more(store: Store) -> None:
    message_id = answer(store)
    store.mark(message_id, True)
    store.attach_assessment(message_id, {**ASSESSMENT, "state": "abstained", "confidence": None})
    assert store.marks() == []


def test_marks_are_exported(store: Store) -> None:
    message_id = answer(store)
    conversation_id = store.message(message_id).conversation_id
    assert "Marked by you" not in store.export(conversation_id, "markdown")
    for correct, word in ((True, "right"), (False, "wrong")):
        store.mark(message_id, correct)
        assert f"Marked by you: {word}." in store.export(conversation_id, "markdown")
        assert json.loads(store.export(conversation_id, "json"))["messages"][1]["correct"] is correct


def test_marks_go_with_their_conversation(store: Store, path: Path) -> None:
    message_id = answer(store)
    store.mark(message_id, True)
    store.delete(store.message(message_id).conversation_id, now=True)
    assert store.marks() == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM marks").fetchone() == (0,)
