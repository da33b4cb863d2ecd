"""One conversation as a tree of turns: in memory for the screen, and in the store for good.

Everything is written to the store as it happens (a row before its first token, each piece of text before it is shown).
When the store can't be written (a full disk), the chat goes on in memory and what is missing is written as soon as the
store takes it again: a turn knows which part of it is still unsaved. Regenerating and editing add siblings; nothing is
overwritten.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from threading import RLock
from typing import Any

from lacie_chat.chat.answer_tokens import from_rows, to_rows
from lacie_chat.chat.turn import Earlier, turn_of
from lacie_chat.chat.turn import Phase as Phase
from lacie_chat.chat.turn import Turn as Turn
from lacie_chat.confidence.assessment import Assessment
from lacie_chat.confidence.signals import TokenProbability
from lacie_chat.conversations import Status, Store, StoreError, all_damage_words
from lacie_chat.engine.events import Alternatives
from lacie_chat.engine.settings import ChatTurn, Role

RETRY_SECONDS = 5.0
TITLE_LENGTH = 80


def title_of(text: str) -> str:
    """The first line of a message, short enough for a list."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


class ChatTree:
    """The turns of one conversation. `report` gets one line when the store fails, once until it works again.

    All methods may be called from any thread.
    """

    def __init__(self, store: Store, model: str, adapter: str | None = None, *, report: Callable[[str], None]) -> None:
        self.store = store
        self.model = model
        self.adapter = adapter
        self.conversation_id: str | None = None
        self._listed: tuple[str, str | None] | None = None
        """Under whose name the store lists it."""
        self.title = ""
        self.roots: list[Turn] = []
        self.leaf: Turn | None = None
        self.leaves_out = False
        """Was it agreed to that its oldest turns go where they no longer fit?"""
        self.damage = ""
        """What of it the store had and can't read; empty where it is whole."""
        self.problem = ""
        """Why the store doesn't take what is written; empty while it does."""
        self.deleted_elsewhere = False
        """Is that so because another chat deleted the conversation?"""
        self._report = report
        self._owed: list[Callable[[], Any]] = []
        """What else than turns the store lacks, in order."""
        self._retry_at = 0.0
        self._lock = RLock()
        self._path: tuple[Turn | None, list[Turn]] = (None, [])

    @classmethod
    def open(
        cls,
        store: Store,
        conversation_id: str,
        model: str,
        adapter: str | None = None,
        *,
        report: Callable[[str], None],
    ) -> "ChatTree":
        """Read a stored conversation, all branches. Raises StoreError, one line, if there is none."""
        tree = cls(store, model, adapter, report=report)
        conversation = store.conversation(conversation_id)
        tree.conversation_id = conversation.id
        tree.title = conversation.title
        tree._listed = conversation.model, conversation.adapter
        by_id: dict[int, Turn] = {}
        messages = store.messages(conversation.id)
        tree.damage = all_damage_words(conversation.damaged, sum(bool(message.damaged) for message in messages))
        for message in messages:  # a child is newer than its parent, so it comes after it
            parent = by_id[message.parent_id] if message.parent_id is not None else None
            by_id[message.id] = turn = turn_of(message, parent)
            (parent.children if parent else tree.roots).append(turn)
        tree.leaf = by_id.get(conversation.leaf_id) if conversation.leaf_id is not None else None
        if tree.leaf is None and tree.roots:
            tree.leaf = _deepest(tree.roots[-1])
        tree._remember_branch()
        return tree

    def turns(self) -> Iterator[Turn]:
        """All turns, of every branch, a parent before its children, older siblings first."""
        waiting = self.roots[::-1]
        while waiting:
            turn = waiting.pop()
            yield turn
            waiting += turn.children[::-1]

    def path(self, leaf: Turn | None = None) -> list[Turn]:
        """The turns from the root to `leaf` (default: the current leaf)."""
        end = leaf or self.leaf
        if (known := self._path)[0] is not end:  # asked for hundreds of times a turn; a turn's parents never change
            turns = []
            turn = end
            while turn is not None:
                turns.append(turn)
                turn = turn.parent
            known = self._path = (end, turns[::-1])
        return [*known[1]]

    def siblings(self, turn: Turn) -> list[Turn]:
        """The turn and its alternatives, oldest first."""
        return turn.parent.children if turn.parent is not None else self.roots

    def prompt(self, answer: Turn) -> list[ChatTurn]:
        """What the speaker reads to write `answer`: what it is told first, then the turns; questions that never got a
        word in reply are left out, and so is what was thought before the answers."""
        path = self.path(answer)[:-1]
        turns = [ChatTurn("system", told)] if (told := answer.params.get("system_prompt")) else []
        for turn, following in zip(path, [*path[1:], answer], strict=True):
            unanswered = turn.role == "user" and following is not answer and not following.text.strip()
            if turn.text.strip() and not unanswered:
                turns.append(ChatTurn(turn.role, turn.text))
        return turns

    def add(
        self,
        role: Role,
        text: str,
        parent: Turn | None,
        *,
        status: Status = "complete",
        params: dict[str, Any] | None = None,
    ) -> Turn:
        """A new turn under `parent`, which becomes the leaf."""
        with self._lock:
            turn = Turn(role, text, parent, status=status, params=params or {})
            self.siblings(turn).append(turn)
            self.leaf = turn
            self._remember_branch()
            if not self.title and role == "user":
                self.title = title_of(text)
            self._try(lambda: self._save(turn), now=True)  # the store makes it the leaf
            return turn

    def take_out(self, question: Turn, instead: Turn) -> None:
        """Forget a question that was never sent; `instead` stands in its place, and gives the title where it did."""
        with self._lock:
            self.siblings(question).remove(question)
            stored = question.stored_id
            if stored is not None:
                self._try(lambda: self.store.remove(stored), now=True, owed=True)
            if self.title == title_of(question.text) and (id_ := self.conversation_id) is not None:
                self.title = title_of(instead.text)
                self._try(lambda: self.store.rename(id_, self.title), now=True, owed=True)

    def answered_by(self, model: str, adapter: str | None) -> None:
        """Who answers from now on; with the next turn the conversation is listed under this name."""
        with self._lock:
            self.model, self.adapter = model, adapter

    def go_on(self, turn: Turn) -> None:
        """An answer that has ended streams once more; what it was is kept with it till it ends again."""
        with self._lock:
            turn.earlier = Earlier(
                turn.text, turn.reasoning, turn.status, turn.usage, turn.timings, turn.tokens, turn.alternatives
            )
            turn.status, turn.phase, turn.problem = "streaming", "waiting", ""
            turn.stop_requested = turn.answer_requested = False
            turn.begins_again = True
            self._try(lambda: self._save(turn), now=True)

    def draft(self, question: Turn, params: dict[str, Any]) -> Turn:
        """An answer to `question` that joins the tree with its first word, beside the current branch."""
        return Turn("assistant", "", question, status="streaming", params=params, draft=True)

    def append(self, turn: Turn, text: str) -> None:
        """More text at the end of `turn`."""
        with self._lock:
            self._join(turn)
            turn.text += text
            if turn.stored_id is not None:
                turn.unsaved += text
            self._try(lambda: self._save(turn))

    def think(self, turn: Turn, text: str) -> None:
        """More of what is thought before `turn`."""
        with self._lock:
            self._join(turn)
            turn.reasoning += text
            turn.unsaved_thought += text
            self._try(lambda: self._save(turn))

    def _join(self, turn: Turn) -> None:
        if turn.draft:
            turn.draft = False
            self.siblings(turn).append(turn)

    def finish(
        self,
        turn: Turn,
        status: Status,
        *,
        usage: dict[str, Any] | None = None,
        timings: dict[str, Any] | None = None,
        tokens: Sequence[TokenProbability] = (),
        alternatives: Sequence[Alternatives] = (),
    ) -> None:
        """The last word on `turn`."""
        with self._lock:
            turn.status, turn.usage, turn.timings = status, usage, timings
            turn.tokens, turn.alternatives, turn.tokens_unsaved = tokens, alternatives, bool(tokens)
            if not turn.draft:
                turn.unfinished = True
                self._try(lambda: self._save(turn), now=True)

    def read_tokens(self, turn: Turn) -> None:
        """Take up what the store has of an answer's tokens. Raises StoreError."""
        with self._lock:
            if not turn.tokens and turn.stored_id is not None:
                turn.tokens, turn.alternatives = from_rows(self.store.tokens(turn.stored_id))

    def attach(self, turn: Turn, assessment: Assessment) -> None:
        """Keep what `turn` conveys with it."""
        with self._lock:
            if turn.assessment is None or turn.assessment.assessment_version != assessment.assessment_version:
                turn.heard_otherwise = False
            turn.assessment, turn.unattached = assessment, True
            self._try(lambda: self._save(turn), now=True)

    def mark(self, turn: Turn, correct: bool | None) -> None:
        """Keep that the user calls `turn` right or wrong; None takes it back."""
        with self._lock:
            turn.correct, turn.unmarked = correct, True
            self._try(lambda: self._save(turn), now=True)

    def select(self, turn: Turn) -> None:
        """Make the branch through `turn` the current one, down to where it was last shown, else to its newest end."""
        with self._lock:
            self.leaf = _deepest(turn)
            self._remember_branch()
            self._try(self._save_leaf, now=True, owed=True)

    def reread_title(self) -> None:
        """Take up a title that was changed in the store."""
        if self.conversation_id is not None:
            with self._lock, suppress(StoreError):
                self.title = self.store.conversation(self.conversation_id).title

    def unsaved_turns(self) -> int:
        """How many turns the store does not fully have."""
        return sum(
            turn.stored_id is None
            or bool(turn.unsaved or turn.unsaved_thought)
            or turn.unfinished
            or turn.begins_again
            or turn.tokens_unsaved
            or turn.unattached
            or turn.unmarked
            for turn in self.turns()
        )

    def _remember_branch(self) -> None:
        for parent, child in pairwise(self.path()):
            parent.current = child

    def save_now(self) -> bool:
        """Write all that the store lacks, if it takes it by now; True where nothing is missing."""
        with self._lock:
            if self.problem or self.unsaved_turns():
                self._try(self._save_all, now=True)
            return not self.problem

    def keep_anew(self) -> None:
        """Keep the whole conversation as a new one: the store's was deleted. All turns stay the ones that they are."""
        with self._lock:
            for turn in self.turns():
                with suppress(StoreError):
                    self.read_tokens(turn)
                turn.forget_stored()
            self.conversation_id, self._owed = None, []
            self._try(self._save_all, now=True)

    def _try(self, write: Callable[[], Any], *, now: bool = False, owed: bool = False) -> None:
        """Write; on failure say so once and leave the store alone for a while (a locked one blocks for seconds).
        `owed`: it is not seen at any turn that this is missing, so it is kept to be written later."""
        if owed:
            self._owed.append(write)
        if self.problem and not now and time.monotonic() < self._retry_at:
            return
        try:
            if self.problem:
                self._save_all()
            if owed:
                self._pay()
            else:
                write()
        except StoreError as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            before, self.problem = self.problem, self._explained(error)
            if not before:
                self._report(f"Not saved: {self.problem}. The chat goes on in memory.")
        else:
            if self.problem:
                self.problem, self.deleted_elsewhere = "", False
                self._report("Saving works again; nothing is missing.")

    def _save_all(self) -> None:
        for turn in self.turns():
            self._save(turn)
        self._pay()

    def _pay(self) -> None:
        while self._owed:
            self._owed[0]()
            del self._owed[0]

    def _explained(self, error: StoreError) -> str:
        self.deleted_elsewhere = False
        with suppress(StoreError):
            if self.conversation_id is not None:
                self.deleted_elsewhere = self.store.all_ids().get(self.conversation_id, True)
        return "another chat deleted this conversation" if self.deleted_elsewhere else str(error).rstrip(".")

    def _save(self, turn: Turn) -> None:
        if turn.stored_id is None:
            if self.conversation_id is None:
                self.conversation_id = self.store.create_conversation(self.model, self.adapter, self.title).id
                self._listed = self.model, self.adapter
            if turn.role == "assistant" and self._listed != (self.model, self.adapter):
                self.store.set_model(self.conversation_id, self.model, self.adapter)
                self._listed = self.model, self.adapter
            if turn.parent is not None:
                self._save(turn.parent)
            turn.stored_id = self.store.add_message(
                self.conversation_id,
                turn.parent.stored_id if turn.parent else None,
                turn.role,
                turn.text,
                status="streaming" if turn.unfinished else turn.status,
                params=turn.params,
                current=self.leaf is None or turn in self.path(),
            ).id
            turn.unsaved = ""
        if turn.begins_again:
            self.store.begin_again(turn.stored_id)
            turn.begins_again = False
        if turn.unsaved_thought:
            self.store.append_thought(turn.stored_id, turn.unsaved_thought)
            turn.unsaved_thought = ""
        if turn.unsaved:
            self.store.append(turn.stored_id, turn.unsaved)
            turn.unsaved = ""
        if turn.unfinished:
            self.store.finish(turn.stored_id, turn.status, usage=turn.usage, timings=turn.timings)
            turn.unfinished = False
        if turn.tokens_unsaved:
            self.store.keep_tokens(turn.stored_id, to_rows(turn.tokens, turn.alternatives))
            turn.tokens_unsaved = False
        if turn.unattached and turn.assessment is not None:
            self.store.attach_assessment(turn.stored_id, turn.assessment.to_dict())
            turn.unattached = False
        if turn.unmarked:
            self.store.mark(turn.stored_id, turn.correct)
            turn.unmarked = False

    def _save_leaf(self) -> None:
        if self.conversation_id is not None and self.leaf is not None and self.leaf.stored_id is not None:
            self.store.set_leaf(self.conversation_id, self.leaf.stored_id)


def _deepest(turn: Turn) -> Turn:
    while turn.children:
        # An answer that was only drawn beside another, to compare, doesn't take the conversation over.
        own = [child for child in turn.children if "comparison" not in child.params or child.children]
        turn = turn.current or (own or turn.children)[-1]
    return turn
