"""The tree of turns against the real store: what is in memory is what is on disk, also after trouble."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.confidence.assessment import Agreement, Assessment
from lacie_chat.conversations import Store, StoreError
from lacie_chat.engine.events import Alternatives
from lacie_chat.engine.settings import ChatTurn


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "conversations.db")


def new_tree(store: Store, reports: list[str] | None = None) -> ChatTree:
    return ChatTree(store, "model", report=(reports if reports is not None else []).append)


def exchange(tree: ChatTree, question: str, answer: str) -> Turn:
    asked = tree.add("user", question, tree.leaf)
    turn = tree.add("assistant", "", asked, status="streaming")
    for word in answer.split(" "):
        tree.append(turn, word + " ")
    tree.finish(turn, "complete", usage={"completion_tokens": 3})
    return turn


def shape(tree: ChatTree) -> list[tuple[str, str, str]]:
    return [(turn.role, turn.text, turn.status) for turn in tree.path()]


def test_nothing_is_stored_before_the_first_message(store: Store) -> None:
    new_tree(store)
    assert store.list_conversations() == []


def test_a_conversation_reads_back_as_it_was_written(store: Store) -> None:
    tree = new_tree(store)
    first = exchange(tree, "Which river?\nsecond line", "The Danube")
    exchange(tree, "And then?", "The sea")
    said = Assessment("q", first.text, "answered", None, "m", 0.7, None, (), ())
    tree.attach(first, said)
    assert tree.conversation_id is not None
    again = ChatTree.open(store, tree.conversation_id, "model", report=pytest.fail)
    assert shape(again) == shape(tree)
    assert again.title == "Which river?"
    assert again.path()[1].assessment == said
    assert again.path()[1].usage == {"completion_tokens": 3}


def test_branches_stay_and_the_chosen_one_is_remembered(store: Store) -> None:
    tree = new_tree(store)
    first = exchange(tree, "Question", "one")
    assert first.parent is not None
    second = tree.add("assistant", "two", first.parent)
    exchange(tree, "More", "three")
    assert [turn.text for turn in tree.siblings(first)] == ["one ", "two"]
    tree.select(first)
    assert tree.leaf is first
    assert tree.conversation_id is not None
    again = ChatTree.open(store, tree.conversation_id, "model", report=pytest.fail)
    assert shape(again) == shape(tree)
    tree.select(second)
    assert [turn.text for turn in tree.path()] == ["Question", "two", "More", "three "]


def test_the_prompt_leaves_out_questions_that_got_no_word(store: Store) -> None:
    tree = new_tree(store)
    exchange(tree, "One", "answer")
    unanswered = tree.add("assistant", "", tree.add("user", "Two", tree.leaf), status="cancelled")
    third = tree.add("assistant", "", tree.add("user", "Three", unanswered), status="streaming")
    assert tree.prompt(third) == [ChatTurn("user", "One"), ChatTurn("assistant", "answer "), ChatTurn("user", "Three")]


def test_a_store_that_fails_is_said_once_and_made_up_for(store: Store, tmp_path: Path) -> None:
    reports: list[str] = []
    tree = new_tree(store, reports)
    exchange(tree, "Saved", "yes")
    database = sqlite3.connect(tmp_path / "conversations.db", isolation_level=None)
    # A limit on the file's pages is what a full disk looks like to SQLite.
    store._connection.execute(f"PRAGMA max_page_count = {database.execute('PRAGMA page_count').fetchone()[0]}")
    big = "x" * 200_000
    exchange(tree, big, "answer in memory")
    exchange(tree, "Still chatting", "of course")
    assert len(reports) == 1
    assert reports[0].startswith("Not saved: the disk is full")
    assert tree.unsaved_turns() > 0
    assert [turn.text for turn in tree.path()][-1] == "of course "
    store._connection.execute("PRAGMA max_page_count = 1000000")
    last = exchange(tree, "Space again", "good")
    assert len(reports) == 2
    assert tree.unsaved_turns() == 0
    assert last.stored_id is not None
    assert [message.text for message in store.thread(last.stored_id)] == [turn.text for turn in tree.path()]
    assert {message.status for message in store.thread(last.stored_id)} == {"complete"}


def test_an_answer_that_another_chat_is_writing_is_shown_as_far_as_it_got(store: Store) -> None:
    conversation = store.create_conversation("model")
    question = store.add_message(conversation.id, None, "user", "Q")
    store.add_message(conversation.id, question.id, "assistant", "half", status="streaming")
    tree = ChatTree.open(store, conversation.id, "model", report=pytest.fail)
    assert shape(tree)[-1] == ("assistant", "half", "cut_off")


def test_no_such_conversation(store: Store) -> None:
    with pytest.raises(StoreError):
        ChatTree.open(store, "nothere", "model", report=pytest.fail)


def test_all_turns_of_all_branches(store: Store) -> None:
    tree = new_tree(store)
    first = exchange(tree, "Question", "one")
    assert first.parent is not None
    second = tree.add("assistant", "two", first.parent)
    third = tree.add("user", "More", second)
    other = tree.add("user", "Another", None)
    found = list(tree.turns())
    assert len(found) == 5 and {*found} == {first.parent, first, second, third, other}
    assert all(turn.parent is None or found.index(turn.parent) < found.index(turn) for turn in found)


def test_what_is_added_to_an_assessment_keeps_the_listener_that_read_it() -> None:
    """A calibrator holds for one listener's figures: sentences added today don't make an old acceptance today's."""
    with Store.open() as store:
        made = store.create_conversation("model")
        old = store.add_message(made.id, None, "assistant", "It is the Danube.")
        read = Assessment("", "It is the Danube.", "answered", None, "It is the Danube.", 0.7, None, (), ())
        store.attach_assessment(old.id, {**read.to_dict(), "assessment_version": "of old"})
        tree = ChatTree.open(store, made.id, "model", report=print)
        (turn,) = tree.roots
        assert turn.assessment is not None and turn.assessment.assessment_version == "of old"
        turn.heard_otherwise = True
        tree.attach(turn, replace(turn.assessment, agreement=Agreement(0.5, 4)))
        assert turn.heard_otherwise
        kept = store.message(old.id).assessment
        assert kept is not None
        assert (kept["assessment_version"], kept["agreement"]["k"]) == ("of old", 4)
        tree.attach(turn, replace(read, acceptance=0.7, assessment_version=ASSESSMENT_VERSION))
        assert not turn.heard_otherwise
        kept = store.message(old.id).assessment
        assert kept is not None
        assert kept["assessment_version"] == ASSESSMENT_VERSION


TOKENS = ((0, 3, -0.25), (3, 10, -2.5))
ALTERNATIVES = (
    Alternatives("The", (("The", -0.25), ("A", -1.5)), 0),
    Alternatives(" Danube", ((" Rhine", -0.1), ("‹0xE6›", -3.0)), None),
)


def test_an_answer_s_tokens_are_there_again_when_they_are_wanted(store: Store) -> None:
    tree = new_tree(store)
    turn = exchange(tree, "Which river?", "The Danube")
    tree.finish(turn, "complete", tokens=TOKENS, alternatives=ALTERNATIVES)
    before = exchange(tree, "And one from before?", "The Rhine")
    assert (turn.tokens, turn.alternatives) == (TOKENS, ALTERNATIVES)
    assert tree.conversation_id is not None
    again = ChatTree.open(store, tree.conversation_id, "model", report=pytest.fail)
    _, found, _, old = again.path()
    assert found.tokens == (), "they are not read with the conversation"
    again.read_tokens(found)
    assert (found.tokens, found.alternatives) == (TOKENS, ALTERNATIVES)
    again.read_tokens(old)
    tree.read_tokens(before)
    assert old.tokens == old.alternatives == before.tokens == ()


def test_tokens_that_could_not_be_kept_are_made_up_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    reports: list[str] = []
    tree = new_tree(store, reports)
    turn = exchange(tree, "Which river?", "The Danube")
    with monkeypatch.context() as broken:
        broken.setattr(store, "keep_tokens", full)
        tree.finish(turn, "complete", tokens=TOKENS, alternatives=ALTERNATIVES)
        assert reports == ["Not saved: the disk is full. The chat goes on in memory."]
        assert tree.unsaved_turns() == 1
    exchange(tree, "And then?", "The sea")
    assert tree.unsaved_turns() == 0 and turn.stored_id is not None
    assert store.tokens(turn.stored_id)[0] == [0, 3, -0.25, "The", 0, [["The", -0.25], ["A", -1.5]]]
