"""The store by itself: conversations, the tree of messages, what is kept with them."""

import json
import re
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.conversations import Store, StoreError
from tests.conversations.damage import ASSESSMENT


def asked(store: Store, text: str = "Who wrote Emma?") -> tuple[str, int]:
    """A new conversation with one question: its id and the question's."""
    conversation = store.create_conversation("embedded")
    return conversation.id, store.add_message(conversation.id, None, "user", text).id


def test_an_answer_grows_and_is_read_back_whole(path: Path) -> None:
    with Store.open(path) as store:
        conversation_id, question = asked(store)
        params = {"model": "embedded", "sampling": {"temperature": 0.2, "seed": 7}}
        answer = store.add_message(conversation_id, question, "assistant", status="streaming", params=params)
        for piece in ("I think ", "Jane ", "Austen."):
            store.append(answer.id, piece)
        assert store.message(answer.id).status == "streaming"
        store.finish(answer.id, "complete", usage={"completion_tokens": 5}, timings={"tokens_per_second": 50.5})
        store.attach_assessment(answer.id, ASSESSMENT)
    with Store.open(path) as store:
        first, second = store.thread(answer.id)
        assert (first.role, first.text, first.status) == ("user", "Who wrote Emma?", "complete")
        assert (second.role, second.text, second.status) == ("assistant", "I think Jane Austen.", "complete")
        assert (second.params, second.usage, second.timings) == (
            params,
            {"completion_tokens": 5},
            {"tokens_per_second": 50.5},
        )
        assert second.assessment == ASSESSMENT
        assert store.conversation(conversation_id).leaf_id == answer.id


def test_the_assessment_can_be_queried_and_replaced(store: Store) -> None:
    conversation_id, question = asked(store)
    answer = store.add_message(conversation_id, question, "assistant", "I can't say.")
    store.attach_assessment(answer.id, ASSESSMENT)
    store.attach_assessment(answer.id, {**ASSESSMENT, "state": "abstained", "confidence": None})
    rows = store._connection.execute(
        "SELECT state, acceptance, confidence, confidence_kind FROM assessments"
    ).fetchall()
    assert [tuple(row) for row in rows] == [("abstained", 0.4, None, None)]
    with pytest.raises(StoreError, match="no message 999"):
        store.attach_assessment(999, ASSESSMENT)


def test_regenerating_and_editing_make_branches(store: Store) -> None:
    conversation_id, question = asked(store)
    first = store.add_message(conversation_id, question, "assistant", "Austen")
    follow_up = store.add_message(conversation_id, first.id, "user", "Sure?")
    second = store.add_message(conversation_id, question, "assistant", "Jane Austen")
    edited = store.add_message(conversation_id, None, "user", "Who wrote Persuasion?")

    assert [m.id for m in store.children(conversation_id, question)] == [first.id, second.id]
    assert [m.id for m in store.children(conversation_id, None)] == [question, edited.id]
    assert [m.text for m in store.thread(follow_up.id)] == ["Who wrote Emma?", "Austen", "Sure?"]
    assert store.leaf_under(first.id).id == follow_up.id
    assert store.leaf_under(question).id == second.id
    assert store.leaf_under(edited.id).id == edited.id
    assert store.conversation(conversation_id).leaf_id == edited.id
    store.set_leaf(conversation_id, follow_up.id)
    assert store.conversation(conversation_id).leaf_id == follow_up.id
    assert len(store.messages(conversation_id)) == 5


def test_no_branch_crosses_into_another_conversation(store: Store) -> None:
    mine, _ = asked(store)
    _, foreign = asked(store)
    with pytest.raises(StoreError, match="another conversation"):
        store.add_message(mine, foreign, "assistant", "x")
    with pytest.raises(StoreError, match="another conversation"):
        store.set_leaf(mine, foreign)
    with pytest.raises(StoreError):
        store.add_message("nosuch", None, "user", "x")
    assert len(store.messages(mine)) == 1


def test_a_conversation_is_titled_by_its_first_question(store: Store) -> None:
    conversation_id, _ = asked(store, "  Who\nwrote   Emma, " + "and why " * 20)
    title = store.conversation(conversation_id).title
    assert title.startswith("Who wrote Emma, and why")
    assert title.endswith("…")
    assert len(title) <= 60
    store.add_message(conversation_id, None, "user", "Another question")
    assert store.conversation(conversation_id).title == title
    named = store.create_conversation("embedded", title="Novels")
    store.add_message(named.id, None, "user", "Who wrote Emma?")
    assert store.conversation(named.id).title == "Novels"
    before = store.conversation(named.id).updated_at
    store.rename(named.id, "Old novels")
    after = store.conversation(named.id)
    assert (after.title, after.updated_at) == ("Old novels", before), "a rename is no use of it"


def test_the_history_is_newest_first_with_counts_and_endings(store: Store) -> None:
    old, question = asked(store, "First?")
    new, _ = asked(store, "Second?")
    assert [row.id for row in store.list_conversations()] == [new, old]
    answer = store.add_message(old, question, "assistant", status="streaming")
    store.append(answer.id, "A line\n\nThe last line  \n\n")
    store.finish(answer.id, "complete")
    first, second = store.list_conversations()
    assert (first.id, first.messages, first.last_line) == (old, 2, "The last line")
    assert (second.id, second.messages, second.last_line) == (new, 1, "Second?")
    assert [row.id for row in store.list_conversations(limit=1, offset=1)] == [new]


def test_looking_at_another_branch_does_not_reorder_the_history(store: Store) -> None:
    old, question = asked(store)
    asked(store)
    before = store.list_conversations()
    store.set_leaf(old, question)
    assert store.list_conversations() == before


def test_ids_are_short_and_found_by_their_beginning(store: Store) -> None:
    ids = [store.create_conversation("embedded").id for _ in range(40)]
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{8}", one) for one in ids)
    assert store.find(ids[0]).id == ids[0]
    assert store.find(f" {ids[1].upper()} ").id == ids[1]
    beginning = next(ids[0][:n] for n in range(1, 9) if sum(one.startswith(ids[0][:n]) for one in ids) == 1)
    assert store.find(beginning).id == ids[0]
    with pytest.raises(StoreError, match="no conversation starts with 'uuuu'"):
        store.find("uuuu")
    with pytest.raises(StoreError, match="no conversation starts with ''"):
        store.find("")
    shared = next(a[0] for a in ids if sum(b[0] == a[0] for b in ids) > 1)  # 40 ids, 32 letters
    with pytest.raises(StoreError, match="several conversations"):
        store.find(shared)


def test_letters_that_look_like_digits_are_read_as_such(store: Store) -> None:
    with store._writing() as connection:
        connection.execute(
            "INSERT INTO conversations (id, title, model, created_at, updated_at)"
            " VALUES ('10ab0000', '', 'm', '2026-11-23', '2026-11-23')"
        )
    assert store.find("lOab").id == "10ab0000"


def test_a_long_conversation_is_read_and_deleted(store: Store) -> None:
    """Deeper than SQLite's limit for nested triggers, which a cascade along the parents would hit."""
    conversation_id, parent = asked(store)
    kept, _ = asked(store, "Kept?")
    with store._writing():
        for number in range(1500):
            role = "assistant" if number % 2 == 0 else "user"
            parent = store.add_message(conversation_id, parent, role, f"Message {number}").id
    store.attach_assessment(parent, ASSESSMENT)
    assert len(store.thread(parent)) == 1501
    assert store.leaf_under(store.thread(parent)[0].id).id == parent
    store.delete(conversation_id, now=True)
    assert [row.id for row in store.list_conversations()] == [kept]
    assert store.search("Message") == []
    for table, rows in (("messages", 1), ("assessments", 0)):
        assert store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == rows
    with pytest.raises(StoreError, match="no conversation"):
        store.delete(conversation_id, now=True)
    with pytest.raises(StoreError, match="its conversation was deleted"):
        store.append(parent, "too late")


def test_text_after_the_end_is_still_kept(store: Store) -> None:
    """A last delta may cross with a cancel."""
    conversation_id, question = asked(store)
    answer = store.add_message(conversation_id, question, "assistant", status="streaming")
    store.append(answer.id, "Jane")
    store.finish(answer.id, "cancelled", usage={"completion_tokens": 1})
    store.append(answer.id, " Austen")
    store.finish(answer.id, "cancelled")
    message = store.message(answer.id)
    assert (message.text, message.status, message.usage) == ("Jane Austen", "cancelled", {"completion_tokens": 1})
    assert [hit.message_id for hit in store.search("austen")] == [answer.id]


def test_closing_marks_what_was_being_written(path: Path) -> None:
    with Store.open(path) as store:
        conversation_id, question = asked(store)
        answer = store.add_message(conversation_id, question, "assistant", "Jane", status="streaming")
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.append(answer.id, "x")
    with Store.open(path) as store:
        assert store.message(answer.id).status == "cut_off"


def test_a_store_without_a_file_does_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACIE_DATA_DIR", str(tmp_path))
    with Store.in_memory() as store:
        conversation_id, question = asked(store)
        store.add_message(conversation_id, question, "assistant", "Jane Austen")
        assert [row.messages for row in store.list_conversations()] == [2]
        assert len(store.search("austen")) == 1
        assert "Jane Austen" in store.export(conversation_id, "markdown")
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_file_is_private(data_dir: Path) -> None:
    folder = data_dir / "deep" / "er"
    with Store.open(folder / "conversations.db") as store:
        asked(store)
        for file in folder.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with Store.open() as store:
        assert store.path == data_dir / "conversations.db"


def test_many_threads_write_through_one_store(store: Store) -> None:
    conversation_id, question = asked(store)
    answers = [store.add_message(conversation_id, question, "assistant", status="streaming").id for _ in range(8)]
    failures: list[BaseException] = []

    def write(answer: int) -> None:
        try:
            for number in range(50):
                store.append(answer, f"{number} ")
            store.finish(answer, "complete")
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    expected = "".join(f"{number} " for number in range(50))
    assert {store.message(answer).text for answer in answers} == {expected}


@given(st.lists(st.text(), max_size=5))
def test_any_text_comes_back(pieces: list[str]) -> None:
    with Store.in_memory() as store:
        conversation_id, question = asked(store, pieces[0] if pieces else "")
        answer = store.add_message(conversation_id, question, "assistant", status="streaming")
        for piece in pieces:
            store.append(answer.id, piece)
        store.finish(answer.id, "complete")
        assert store.message(answer.id).text == "".join(pieces).replace("\0", "\ufffd")


def test_stray_bytes_of_a_terminal_are_replaced(store: Store) -> None:
    conversation_id, question = asked(store, "caf\udce9")
    assert store.message(question).text == "caf\ufffd"
    assert [hit.message_id for hit in store.search("\udce9")] == [question]
    assert "caf\ufffd" in store.export(conversation_id, "json")


def test_a_role_or_status_that_does_not_exist_is_a_bug(store: Store) -> None:
    conversation_id, question = asked(store)
    with pytest.raises(ValueError, match="no such role"):
        store.add_message(conversation_id, question, "robot", "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finished as streaming"):
        store.finish(question, "streaming")


def test_an_answer_s_tokens_are_kept_apart_and_go_with_it(path: Path) -> None:
    rows = [[0, 4, -0.1, "\ud800\0 🎉", None, [[" Emma", -1.5]]]]
    with Store.open(path) as store:
        made = store.create_conversation("embedded")
        message = store.add_message(made.id, None, "assistant", "Emma")
        assert store.tokens(message.id) == []
        store.keep_tokens(message.id, [[0, 1, -9.0]])
        store.keep_tokens(message.id, rows)
        assert store.tokens(message.id) == rows
        assert json.loads(store.export(made.id, "json"))["messages"][0]["tokens"] == rows
        with pytest.raises(StoreError, match="no message 99"):
            store.keep_tokens(99, rows)
        store.delete(made.id, now=True)
        assert store.tokens(message.id) == []


def test_who_answers_now_is_noted(path: Path) -> None:
    with Store.open(path) as store:
        made = store.create_conversation("embedded", "LACIE")
        store.set_model(made.id, "Qwen3.5 \ud8002B", None)
        [listed] = store.list_conversations()
        assert (listed.model, listed.adapter) == (store.conversation(made.id).model, None)
        assert listed.model.startswith("Qwen3.5 ")
        with pytest.raises(StoreError, match="no conversation 'zzz'"):
            store.set_model("zzz", "x", None)
