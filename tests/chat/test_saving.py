"""A store that takes nothing any more, for real: nothing of the chat is lost, in the store, anew or as a copy."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_tree import exchange
from unwritable import KINDS, LONG, deleted, full, read_only

from lacie_chat.chat.copies import usual_folders, write_copy, write_copy_at
from lacie_chat.chat.events import ChatEvent, Notice, SavingChanged
from lacie_chat.chat.making import Making
from lacie_chat.chat.saving import Saving
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.confidence.assessment import Assessment
from lacie_chat.conversations import Store, StoreError
from lacie_chat.engine.settings import ChatTurn
from lacie_chat.errors import LacieError
from lacie_chat.settings import Settings

TOKENS = ((0, 3, -0.25), (3, 10, -2.5))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data" / "conversations.db", busy_seconds=0.02) as store:
        yield store


class Talk:
    """A tree, watched, without an engine."""

    def __init__(self, store: Store) -> None:
        self.events: list[ChatEvent] = []
        self.making = Making(Settings(), store, lambda: None)
        self.saving = Saving(store, self.making, self.events.append)
        self.tree = self.saving.watch(ChatTree(store, "model", report=self.saving.report))
        exchange(self.tree, "Which river?", "The Danube.")

    def close(self) -> None:
        self.saving.close()


def rows(store: Store, tree: ChatTree) -> list[tuple[str, str, str]]:
    assert tree.conversation_id is not None
    found = ChatTree.open(store, tree.conversation_id, "model", report=pytest.fail)
    return [(turn.role, turn.text, turn.status) for turn in found.turns()]


def in_memory(tree: ChatTree) -> list[tuple[str, str, str]]:
    return [(turn.role, turn.text, turn.status) for turn in tree.turns()]


def say_all_sorts(tree: ChatTree) -> Turn:
    """An answer with all that is kept with one, and another branch beside it, which is shown."""
    turn = exchange(tree, LONG, "The Black Sea.")
    tree.finish(turn, "complete", tokens=TOKENS)
    tree.attach(turn, Assessment("q", turn.text, "answered", None, "m", 0.7, None, (), ()))
    tree.mark(turn, True)
    other = tree.add("assistant", "", turn.parent, status="streaming")
    tree.think(other, "Hm.")
    tree.append(other, "Or the Sea of Azov.")
    tree.finish(other, "cancelled")
    tree.select(turn)
    return turn


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_and_all_is_saved_once_there_is_room(store: Store, kind: str) -> None:
    make, said = KINDS[kind]
    with closing(Talk(store)) as talk:
        with make(store):
            turn = say_all_sorts(talk.tree)
            assert said in talk.saving.problem
            assert talk.saving.unsaved == talk.saving.lost_at_the_end == 3
            assert not talk.saving.save_now()
            assert [type(each) for each in talk.events] == [Notice, SavingChanged], "it is said once"
        assert talk.saving.save_now()
        assert (talk.saving.problem, talk.saving.unsaved) == ("", 0)
        assert rows(store, talk.tree) == in_memory(talk.tree), "siblings in the order in which they came, too"
        assert store.conversation(talk.tree.conversation_id or "").leaf_id == turn.stored_id
        again = ChatTree.open(store, talk.tree.conversation_id or "", "model", report=pytest.fail)
        found = again.path()[-1]
        again.read_tokens(found)
        assert (found.correct, found.tokens, found.assessment) == (True, TOKENS, turn.assessment)


def test_it_is_saved_by_itself_when_nobody_says_anything_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lacie_chat.chat.saving.AGAIN_SECONDS", 0.02)
    with closing(Talk(store)) as talk:
        with full(store):
            exchange(talk.tree, LONG, "The sea.")
            trying = talk.saving._trying
            assert trying is not None
        trying.join()
        assert talk.saving.problem == "" and rows(store, talk.tree) == in_memory(talk.tree)
        with read_only(store):
            exchange(talk.tree, "And now?", "The end.")
            again = talk.saving._trying
            assert again is not None and again is not trying
        again.join()
        assert rows(store, talk.tree) == in_memory(talk.tree)


def test_a_branch_that_was_shown_meanwhile_is_shown_again(store: Store) -> None:
    with closing(Talk(store)) as talk:
        first = talk.tree.path()[-1]
        talk.tree.add("assistant", "The Rhine.", first.parent)
        with read_only(store):
            talk.tree.select(first)
            assert talk.saving.problem and talk.saving.unsaved == 0
        assert talk.saving.save_now()
        assert store.conversation(talk.tree.conversation_id or "").leaf_id == first.stored_id


def test_what_another_chat_deleted_goes_on_as_a_new_conversation(store: Store) -> None:
    with closing(Talk(store)) as talk:
        talk.making.set_here("temperature", 0.3, talk.tree.conversation_id)
        before = talk.tree.conversation_id
        with deleted(store):
            say_all_sorts(talk.tree)
            turns = list(talk.tree.turns())
            assert talk.saving.deleted_elsewhere and talk.saving.keep_anew()
            assert talk.tree.conversation_id not in (before, None)
            assert list(talk.tree.turns()) == turns and talk.saving.unsaved == 0
            assert rows(store, talk.tree) == in_memory(talk.tree)
            assert store.own_settings(talk.tree.conversation_id or "") == {"temperature": 0.3}
            exchange(talk.tree, "Still here?", "Yes.")
            assert rows(store, talk.tree) == in_memory(talk.tree)
        assert len(store.messages(before or "")) == 2, "the deleted one is as it was"


def test_a_copy_is_the_whole_conversation_and_can_be_imported(store: Store, tmp_path: Path) -> None:
    with closing(Talk(store)) as talk, full(store):
        turn = say_all_sorts(talk.tree)
        path = write_copy(talk.tree, [tmp_path / "gone", tmp_path])
        assert path.parent == tmp_path and path.suffix == ".json"
        with Store.open(tmp_path / "elsewhere" / "conversations.db") as other:
            conversation, new = other.import_text(path.read_text())
            read = ChatTree.open(other, conversation.id, "model", report=pytest.fail)
            assert new and in_memory(read) == in_memory(talk.tree)
            assert [each.text for each in read.path()] == [each.text for each in talk.tree.path()]
            found = read.path()[-1]
            read.read_tokens(found)
            assert (found.correct, found.tokens, found.assessment) == (True, TOKENS, turn.assessment)
        page = write_copy_at(talk.tree, str(tmp_path / "river.md"))
        assert "The Black Sea." in page.read_text()
        with pytest.raises(StoreError, match="already"):
            write_copy_at(talk.tree, str(page))
        with pytest.raises(LacieError, match="no such home folder"):
            write_copy_at(talk.tree, "~nobody-of-this-name/river.md")
        assert talk.saving.unsaved == 3, "a copy is no saving"


def test_at_an_end_where_nobody_could_be_asked_there_is_a_copy(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with closing(Talk(store)) as talk:
        assert talk.saving.rescue() == []
        with full(store):
            exchange(talk.tree, LONG, "The sea.")
            (line,) = talk.saving.rescue()
            (copy,) = (tmp_path / "here").iterdir()
            assert line.startswith("not saved (the disk is full") and line.endswith(f"a copy is {copy}")
            assert "The sea." in copy.read_text()
            talk.saving.forget()
            assert talk.saving.rescue() == [] and talk.saving.lost_at_the_end == 0


def test_a_chat_in_memory_only_counts_as_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.in_memory("the database is newer") as store, closing(Talk(store)) as talk:
        assert talk.saving.problem == "the database is newer"
        assert (talk.saving.unsaved, talk.saving.lost_at_the_end) == (0, 2)
        (line,) = talk.saving.rescue()
        assert "The Danube." in Path(line.rpartition("a copy is ")[2]).read_text()
    with Store.in_memory() as store, closing(Talk(store)) as talk:
        assert (talk.saving.problem, talk.saving.lost_at_the_end) == ("", 0)


def test_the_prompt_is_whole_while_nothing_is_saved(store: Store) -> None:
    with closing(Talk(store)) as talk, full(store):
        exchange(talk.tree, LONG, "The sea.")
        third = talk.tree.add("assistant", "", talk.tree.add("user", "Three", talk.tree.leaf), status="streaming")
        assert talk.tree.prompt(third)[-2:] == [ChatTurn("assistant", "The sea. "), ChatTurn("user", "Three")]


def test_a_current_folder_that_is_gone_is_no_place_for_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert usual_folders()[0] == gone
    gone.rmdir()
    assert gone not in usual_folders() and usual_folders()
