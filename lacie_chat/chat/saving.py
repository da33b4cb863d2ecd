"""What of a chat the store doesn't have: how much, why, and that it gets it as soon as it takes it.

A store can stop taking what is said for long: a full disk, a lock, a folder that became read-only, a conversation that
another chat deleted. The tree goes on in memory then (tree.py). Here the trees are watched, those too that were left
while their last answer was being stopped; while one lacks something it is tried again and again, so that all is saved
once that is possible, also when nobody says anything more.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread

from lacie_chat.chat.copies import any_folders, write_copy
from lacie_chat.chat.events import ChatEvent, Notice, SavingChanged
from lacie_chat.chat.making import Making
from lacie_chat.chat.tree import ChatTree
from lacie_chat.conversations import Store, StoreError

AGAIN_SECONDS = 5.0


class Saving:
    """The trees of a chat that may lack something in the store. `post` hears when that begins and ends; from any
    thread."""

    def __init__(self, store: Store, making: Making, post: Callable[[ChatEvent], object]) -> None:
        self._store, self._making, self._post = store, making, post
        self._watched: list[ChatTree] = []
        self._given_up = False
        self._closed = Event()
        self._lock = Lock()
        self._trying: Thread | None = None

    def watch(self, tree: ChatTree) -> ChatTree:
        """This is the conversation at hand from now on; those before it count as long as they lack something."""
        with self._lock:
            self._watched = [*(each for each in self._watched if each.unsaved_turns() or _is_going_on(each)), tree]
            self._given_up = False
        return tree

    def report(self, message: str) -> None:
        """A tree says that the store fails, or works again."""
        self._post(Notice(message, serious=True))
        self._post(SavingChanged())
        with self._lock:
            if self.problem and self._trying is None and not self._closed.is_set():
                self._trying = Thread(target=self._try_again, name="saving", daemon=True)
                self._trying.start()

    @property
    def problem(self) -> str:
        """Why something isn't saved, without a full stop; empty where all is."""
        return next((tree.problem for tree in self._watched if tree.problem), "") or self._store.why_in_memory

    @property
    def deleted_elsewhere(self) -> bool:
        """Did another chat delete the conversation at hand?"""
        return bool(self._watched) and self._watched[-1].deleted_elsewhere

    @property
    def unsaved(self) -> int:
        """How many messages the store doesn't fully have."""
        return sum(tree.unsaved_turns() for tree in self._watched if tree.problem)

    @property
    def lost_at_the_end(self) -> int:
        """How many messages are gone when the program ends now; those of a store that is no file, too."""
        if self._given_up or not self._store.why_in_memory:
            return 0 if self._given_up else self.unsaved
        with suppress(StoreError):
            return sum(each.messages for each in self._store.list_conversations(1_000))
        return self.unsaved

    def save_now(self) -> bool:
        """Write what is missing, if that is possible by now; True where nothing is missing any more. It may wait for as
        long as the store waits for a lock."""
        done = [tree.save_now() for tree in list(self._watched) if tree.problem]
        if self._watched:
            self._making.keep(self._watched[-1].conversation_id)
        return all(done)

    def keep_anew(self) -> bool:
        """Keep the conversation at hand, which another chat deleted, as a new one; False where that can't be saved."""
        tree = self._watched[-1]
        tree.keep_anew()
        self._making.keep_anew(tree.conversation_id)
        self._post(SavingChanged())
        return not tree.problem

    def forget(self) -> None:
        """What is missing is to stay so: the user said it, or has a copy."""
        with self._lock:
            self._watched = []
            self._given_up = True
        self._post(SavingChanged())

    def copied_trees(self) -> list[ChatTree]:
        """The conversations that a copy must have, the one at hand last."""
        if not self._store.why_in_memory:
            return [tree for tree in self._watched if tree.problem and tree.unsaved_turns()]
        found = []
        with suppress(StoreError):
            for each in self._store.list_conversations(1_000):
                if each.messages:
                    found.append(ChatTree.open(self._store, each.id, each.model, each.adapter, report=self.report))
        return found

    def rescue(self) -> list[str]:
        """At the end, where nobody could be asked: save, else write copies; a line for each."""
        if self._given_up or (self.save_now() and not self._store.why_in_memory):
            return []
        lines = []
        for tree in self.copied_trees():
            try:
                lines.append(f"not saved ({self.problem}); a copy is {write_copy(tree, any_folders())}")
            except StoreError as error:
                lines.append(f"not saved ({self.problem}), and there is no copy: {error}")
        return lines

    def close(self) -> None:
        """Try no more by itself."""
        self._closed.set()

    def _try_again(self) -> None:
        while not self._closed.wait(AGAIN_SECONDS):
            self.save_now()
            with self._lock:
                if not any(tree.problem for tree in self._watched):
                    self._trying = None
                    return


def _is_going_on(tree: ChatTree) -> bool:
    return any(turn.status == "streaming" for turn in tree.turns())
