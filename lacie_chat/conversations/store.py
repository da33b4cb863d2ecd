"""All conversations, in one SQLite file that several chats may use at once.

Each change is one short transaction, committed before the call returns: what was shown is on disk, so a killed process
loses nothing. WAL lets others read meanwhile; a second writer waits up to `busy_seconds`. (`synchronous=NORMAL`: a
power cut may take the last moments, never the file's soundness.) Calls are thread-safe and raise StoreError, one line.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Self

from lacie_chat import paths
from lacie_chat.conversations import branches, keeping, owner, streaming
from lacie_chat.conversations.access import Access
from lacie_chat.conversations.assessments import set_assessment
from lacie_chat.conversations.database import BUSY_SECONDS, database_in_memory, open_database
from lacie_chat.conversations.errors import StoreError
from lacie_chat.conversations.export import beside, to_json, to_markdown
from lacie_chat.conversations.filters import Query
from lacie_chat.conversations.html_page import to_html
from lacie_chat.conversations.importing import bring_in, read_export
from lacie_chat.conversations.marks import find_marks, set_mark
from lacie_chat.conversations.records import (
    ROLES,
    Conversation,
    ConversationSummary,
    Hit,
    MarkedAnswer,
    Message,
    Role,
    Status,
)
from lacie_chat.conversations.rows import settings_of, tokens_of
from lacie_chat.conversations.search import find_messages
from lacie_chat.conversations.thoughts import add_thought
from lacie_chat.conversations.values import as_json, compact_json, one_line, storable, timestamp
from lacie_chat.loudness import note

Format = Literal["markdown", "json", "html"]
_PAGES = {"markdown": to_markdown, "html": to_html}


class Store(Access):
    """The conversations' database. Make one with `Store.open()` or `Store.in_memory()`; it is a context manager."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None, busy_seconds: float, why: str = "") -> None:
        """For `open` and `in_memory` only."""
        super().__init__(connection, path, busy_seconds, why)
        self._streaming: set[int] = set()

    @classmethod
    def open(
        cls,
        path: Path | None = None,
        *,
        busy_seconds: float = BUSY_SECONDS,
        say: Callable[[str], object] = note,
    ) -> "Store":
        """The store in `path` (None: the user's), made if it isn't there; answers that a crash cut off are marked.
        `say` is told, in one line, of a damaged file that was recovered."""
        path = path or paths.database_path()
        store = cls(open_database(path, busy_seconds, say), path, busy_seconds)
        try:
            try:
                store._mark_cut_off()
            except StoreError:
                if not store.recovered:
                    raise
                say(store.recovered)
                store._mark_cut_off()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def in_memory(cls, why: str = "") -> "Store":
        """A store that lasts as long as this process; `why` no file can be written for a chat that goes on in it."""
        return cls(database_in_memory(), None, BUSY_SECONDS, why)

    def close(self) -> None:
        """Close the file (twice is fine). Own messages that are still streaming are marked as cut off."""
        with self._lock:
            if self._closed:
                return
            for message_id in tuple(self._streaming):
                with suppress(StoreError):
                    self.finish(message_id, "cut_off")
            self._closed = True
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Conversations

    def create_conversation(self, model: str, adapter: str | None = None, title: str = "") -> Conversation:
        """A new, empty conversation. Without a title it gets one from its first user message."""
        with self._writing() as connection:
            return keeping.get(connection, keeping.create(connection, model, adapter, title))

    def conversation(self, conversation_id: str) -> Conversation:
        """The conversation with exactly this id. Raises StoreError, also where it is deleted."""
        with self._reading() as connection:
            return keeping.get(connection, conversation_id)

    def find(self, id_prefix: str, *, deleted: bool = False) -> Conversation:
        """The one conversation whose id starts so (any case; i, l and o are read as 1, 1 and 0)."""
        with self._reading() as connection:
            return keeping.find(connection, id_prefix, deleted=deleted)

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title. That is no use of it: it keeps its place in the lists."""
        self._change_conversation("title = ?", (one_line(title),), conversation_id, touch=False)

    def set_model(self, conversation_id: str, model: str, adapter: str | None) -> None:
        """Note who answers in a conversation now."""
        who = storable(model), adapter and storable(adapter)
        self._change_conversation("model = ?, adapter = ?", who, conversation_id)

    def own_settings(self, conversation_id: str) -> dict[str, Any]:
        """What was set for a conversation alone; empty where nothing was."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT settings FROM conversations WHERE id = ?", (storable(conversation_id),)
            ).fetchone()
        return (settings_of(row["settings"]) if row is not None else None) or {}

    def keep_own_settings(self, conversation_id: str, settings: Mapping[str, Any]) -> None:
        """Keep what is set for a conversation alone; it replaces what was set before."""
        self._change_conversation("settings = ?", (as_json(settings or None),), conversation_id, touch=False)

    def pin(self, conversation_id: str, pinned: bool = True) -> None:
        """Let a conversation stand before the others, or no more."""
        self._change_conversation("pinned_at = ?", (timestamp() if pinned else None,), conversation_id, touch=False)

    def delete(self, conversation_id: str, *, now: bool = False) -> None:
        """Delete a conversation; `now`: with all its messages, for good. Else `restore` takes it back for a while."""
        if not now:
            self._change_conversation("deleted_at = ?", (timestamp(),), conversation_id, touch=False)
            return
        with self._writing() as connection:
            gone = connection.execute("DELETE FROM conversations WHERE id = ?", (storable(conversation_id),))
            if not gone.rowcount:
                raise StoreError(f"no conversation {conversation_id!r}; see: lacie history list")

    def restore(self, conversation_id: str) -> None:
        """Take a deletion back."""
        self._change_conversation("deleted_at = NULL", (), conversation_id, touch=False)

    def duplicate(self, conversation_id: str, message_id: int | None = None) -> Conversation:
        """A new conversation with the branch up to a message (default: the one that is shown, to its end)."""
        with self._writing() as connection:
            original = self.conversation(conversation_id)
            last = original.leaf_id if message_id is None else message_id
            thread = [] if last is None else self.thread(last)
            if any(message.conversation_id != original.id for message in thread):
                raise StoreError(f"message {last} belongs to another conversation than {original.id}")
            new_id = keeping.copy(connection, original, [message.id for message in thread])
            return keeping.get(connection, new_id)

    def all_ids(self) -> dict[str, bool]:
        """Every conversation that there is, by its id: is it deleted, and can be taken back?"""
        with self._reading() as connection:
            return keeping.all_ids(connection)

    def list_conversations(
        self, limit: int = 50, offset: int = 0, query: Query | None = None, *, pinned_first: bool = False
    ) -> list[ConversationSummary]:
        """The conversations (that match), the last changed one first."""
        with self._reading() as connection:
            return keeping.listed(connection, limit, offset, query or Query(), pinned_first=pinned_first)

    def search(self, query: Query | str, limit: int = 50) -> list[Hit]:
        """Finished messages that hold all of the words, best first; of a query, that match. Any string is valid."""
        asked = Query(storable(query)) if isinstance(query, str) else query
        with self._reading() as connection:
            return find_messages(connection, asked, limit)

    def export(self, conversation_id: str, format: Format) -> str:
        """Markdown and HTML: the branch that is shown. JSON: all that is known, for `import_text`."""
        with self._reading() as connection:
            conversation = self.conversation(conversation_id)
            if format == "json":
                return to_json(conversation, self.messages(conversation.id), beside(connection, conversation.id))
            thread = [] if conversation.leaf_id is None else self.thread(conversation.leaf_id)
        if format not in _PAGES:
            raise ValueError(f"no such format: {format}")
        return _PAGES[format](conversation, thread)

    def import_text(self, text: str) -> tuple[Conversation, bool]:
        """The conversation of an exported JSON, and whether it is new: one that is here already is left as it is
        (taken back, if it was deleted). Raises StoreError, one line, and imports nothing, if anything is wrong."""
        read = read_export(text)
        with self._writing() as connection:
            return bring_in(connection, read)

    # Messages

    def add_message(
        self,
        conversation_id: str,
        parent_id: int | None,
        role: Role,
        text: str = "",
        *,
        status: Status = "complete",
        params: Mapping[str, Any] | None = None,
        current: bool = True,
    ) -> Message:
        """A new message below `parent_id` (None: a new first message). If `current` it becomes the conversation's leaf;
        another message with the same parent makes a branch. A `streaming` one is this process's to `append` to and
        `finish`."""
        if role not in ROLES:
            raise ValueError(f"no such role: {role}")
        text, now = storable(text), timestamp()
        with self._writing() as connection:
            conversation = self.conversation(conversation_id)
            if parent_id is not None and self.message(parent_id).conversation_id != conversation.id:
                raise StoreError(f"message {parent_id} belongs to another conversation than {conversation.id}")
            process = owner.this_process() if status == "streaming" else None
            message_id = connection.execute(
                """INSERT INTO messages (conversation_id, parent_id, role, text, status, owner, created_at, params)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                (conversation.id, parent_id, role, text, status, process, now, json.dumps(dict(params or {}))),
            ).lastrowid
            assert message_id is not None
            leaf = "leaf_id = ?" if current else "leaf_id = coalesce(leaf_id, ?)"
            self._change_conversation(leaf, (message_id,), conversation.id)
            if role == "user" and not conversation.title:
                self.rename(conversation.id, text)
            if status == "streaming":
                self._streaming.add(message_id)
            return self.message(message_id)

    def remove(self, message_id: int) -> None:
        """Take a message out, with all below it, for good: only what was never sent. The branch that is shown must not
        end there."""
        with self._writing() as connection:
            branches.remove(connection, message_id)

    def append(self, message_id: int, text: str) -> None:
        """Add text to a message; it is on disk when this returns."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE messages SET text = text || ? WHERE id = ?", (storable(text), message_id)
            )
            if not changed.rowcount:
                raise StoreError(f"message {message_id} is gone: its conversation was deleted")

    def append_thought(self, message_id: int, text: str) -> None:
        """Add text to what is thought before a message; it is on disk when this returns."""
        with self._writing() as connection:
            add_thought(connection, message_id, storable(text))

    def begin_again(self, message_id: int) -> None:
        """A message that has ended is this process's to `append` to and `finish` once more."""
        with self._writing() as connection:
            message = self.message(message_id)
            if message.status == "streaming":
                return
            streaming.begin_again(connection, message_id, message.text)
            self._streaming.add(message_id)

    def finish(
        self,
        message_id: int,
        status: Status,
        *,
        usage: Mapping[str, Any] | None = None,
        timings: Mapping[str, Any] | None = None,
    ) -> None:
        """End a streaming message: `complete`, `cancelled`, `cut_off` or `failed`, with what is known of its making."""
        if status == "streaming":
            raise ValueError("a message can't be finished as streaming")
        with self._writing() as connection:
            changed = connection.execute(
                """UPDATE messages SET status = ?, owner = NULL, usage = coalesce(?, usage),
                timings = coalesce(?, timings) WHERE id = ?""",
                (status, as_json(usage), as_json(timings), message_id),
            )
            self._streaming.discard(message_id)
            if not changed.rowcount:
                raise StoreError(f"message {message_id} is gone: its conversation was deleted")
            self._change_conversation("leaf_id = leaf_id", (), self.message(message_id).conversation_id)

    def attach_assessment(self, message_id: int, assessment: Mapping[str, Any]) -> None:
        """Keep what `Assessment.to_dict()` says of a message; a later assessment replaces an earlier one."""
        with self._writing() as connection:
            self.message(message_id)
            set_assessment(connection, message_id, assessment)

    def mark(self, message_id: int, correct: bool | None) -> None:
        """The user says that an answer is right or wrong; None takes it back. Raises StoreError for an answer that
        declines or claims nothing."""
        with self._writing() as connection:
            set_mark(connection, self.message(message_id), correct, timestamp())

    def marks(self) -> list[MarkedAnswer]:
        """All answers that are marked, with their acceptance and who gave them, oldest first."""
        with self._reading() as connection:
            return find_marks(connection)

    def keep_tokens(self, message_id: int, tokens: Sequence[Any]) -> None:
        """Keep an answer's tokens, as JSON has them; they replace earlier ones."""
        with self._writing() as connection:
            self.message(message_id)
            connection.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?)", (message_id, compact_json(tokens)))

    def tokens(self, message_id: int) -> list[Any]:
        """What `keep_tokens` was given; empty for an answer from before tokens were kept."""
        with self._reading() as connection:
            row = connection.execute("SELECT tokens FROM tokens WHERE message_id = ?", (message_id,)).fetchone()
        return tokens_of(row["tokens"]) if row is not None else []

    def message(self, message_id: int) -> Message:
        """One message."""
        with self._reading() as connection:
            return branches.message(connection, message_id)

    def messages(self, conversation_id: str) -> list[Message]:
        """The whole tree of a conversation as a list, oldest first."""
        with self._reading() as connection:
            return branches.messages(connection, conversation_id)

    def children(self, conversation_id: str, parent_id: int | None) -> list[Message]:
        """The messages right below `parent_id` (None: the first messages), oldest first: each starts a branch."""
        with self._reading() as connection:
            return branches.children(connection, conversation_id, parent_id)

    def thread(self, leaf_id: int, last: int = -1) -> list[Message]:
        """The branch that ends in `leaf_id`, from its first message on; or only its `last` so many messages."""
        with self._reading() as connection:
            return branches.thread(connection, leaf_id, last)

    def leaf_under(self, message_id: int) -> Message:
        """The newest leaf at or below a message: where its branch was last written."""
        with self._reading() as connection:
            return branches.leaf_under(connection, message_id)

    def set_leaf(self, conversation_id: str, leaf_id: int | None) -> None:
        """Show another branch: the one that ends in `leaf_id` (None: none, before a new first message)."""
        with self._writing():
            if leaf_id is not None and self.message(leaf_id).conversation_id != conversation_id:
                raise StoreError(f"message {leaf_id} belongs to another conversation than {conversation_id}")
            self._change_conversation("leaf_id = ?", (leaf_id,), conversation_id, touch=False)

    # The rest

    def _change_conversation(
        self, assignment: str, values: tuple[object, ...], conversation_id: str, touch: bool = True
    ) -> None:
        with self._writing() as connection:
            stamp = ", updated_at = ?" if touch else ""
            changed = connection.execute(
                f"UPDATE conversations SET {assignment}{stamp} WHERE id = ?",
                (*values, *([timestamp()] if touch else []), storable(conversation_id)),
            )
            if not changed.rowcount:
                raise StoreError(f"no conversation {conversation_id!r}; see: lacie history list")

    def _mark_cut_off(self) -> None:
        """Mark the streaming messages whose process is gone. Takes the write lock, so a read-only file shows here."""
        with self._writing() as connection:
            streaming.mark_cut_off(connection)
            keeping.purge(connection)
