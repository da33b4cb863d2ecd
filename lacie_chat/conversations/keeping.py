"""Conversations as wholes: listed, found by the start of their id, pinned, deleted and taken back, copied.

A deleted conversation is out of every list, and its marks count no more, but for DELETED_DAYS it can be taken back with
all that was in it.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lacie_chat.conversations.errors import StoreError
from lacie_chat.conversations.filters import Query
from lacie_chat.conversations.records import Conversation, ConversationSummary
from lacie_chat.conversations.rows import conversation_of, shown_text, summary_of
from lacie_chat.conversations.search import condition
from lacie_chat.conversations.values import one_line, storable, timestamp

DELETED_DAYS = 30
"""For so long a deletion can be taken back."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_TYPOS = str.maketrans("ilo", "110")
_ID_LENGTH = 8


CONVERSATIONS = """SELECT c.*, CASE
        WHEN c.leaf_id IS NULL OR EXISTS (SELECT 1 FROM messages WHERE id = c.leaf_id AND conversation_id = c.id)
        THEN c.leaf_id ELSE (SELECT max(id) FROM messages WHERE conversation_id = c.id) END AS last_id"""
"""Conversations `c`, as `conversation_of` reads them: where the shown branch ends in no message of theirs, it ends in
the newest."""


def create(connection: sqlite3.Connection, model: str, adapter: str | None, title: str) -> str:
    """A new, empty conversation; its id."""
    now = timestamp()
    while True:
        new_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
        if not connection.execute("SELECT 1 FROM conversations WHERE id = ?", (new_id,)).fetchone():
            break
    connection.execute(
        "INSERT INTO conversations (id, title, model, adapter, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        (new_id, one_line(title), storable(model), adapter and storable(adapter), now, now),
    )
    return new_id


def get(connection: sqlite3.Connection, conversation_id: str) -> Conversation:
    """The conversation with exactly this id. Raises StoreError where there is none, or it is deleted."""
    row = connection.execute(
        f"{CONVERSATIONS} FROM conversations c WHERE c.id = ?", (storable(conversation_id),)
    ).fetchone()
    if row is None:
        raise StoreError(f"no conversation {conversation_id!r}; see: lacie history list")
    if row["deleted_at"] is not None:
        raise StoreError(f"conversation {row['id']} was deleted; to take it back: lacie history restore {row['id']}")
    return conversation_of(row)


def all_ids(connection: sqlite3.Connection) -> dict[str, bool]:
    """Every conversation by its id: is it deleted?"""
    rows = connection.execute("SELECT id, deleted_at FROM conversations")
    return {shown_text(row["id"]): row["deleted_at"] is not None for row in rows.fetchall()}


def find(connection: sqlite3.Connection, id_prefix: str, *, deleted: bool) -> Conversation:
    """The one conversation (or deleted one) whose id starts so. Raises StoreError where it is none, or several."""
    prefix = storable(id_prefix.strip().lower().translate(_TYPOS))
    rows = connection.execute(
        f"""{CONVERSATIONS} FROM conversations c WHERE substr(id, 1, ?) = ?
            AND deleted_at IS {"NOT" if deleted else ""} NULL ORDER BY updated_at DESC LIMIT 4""",
        (len(prefix), prefix),
    ).fetchall()
    if not prefix or not rows:
        raise StoreError(_not_found(connection, id_prefix, prefix, deleted))
    if len(rows) > 1:
        some = ", ".join(row["id"] for row in rows[:3]) + (", …" if len(rows) > 3 else "")
        raise StoreError(f"{id_prefix!r} could be several conversations ({some}); type more of the id")
    return conversation_of(rows[0])


def _not_found(connection: sqlite3.Connection, written: str, prefix: str, deleted: bool) -> str:
    others = connection.execute("SELECT id FROM conversations WHERE substr(id, 1, ?) = ?", (len(prefix), prefix))
    ids = [row["id"] for row in others] if prefix else []
    if ids and deleted:
        return f"conversation {ids[0]} is not deleted"
    if ids:
        return f"conversation {ids[0]} was deleted; to take it back: lacie history restore {ids[0]}"
    which = "deleted conversation" if deleted else "conversation"
    return f"no {which} starts with {written!r}; see: lacie history list{' is:deleted' if deleted else ''}"


def listed(
    connection: sqlite3.Connection, limit: int, offset: int, query: Query, *, pinned_first: bool
) -> list[ConversationSummary]:
    """The conversations that match, the last changed one first (or the pinned ones, the last pinned one first)."""
    where, values = condition(connection, query)
    first = "c.pinned_at IS NULL, c.pinned_at DESC, " if pinned_first else ""
    rows = connection.execute(
        f"""{CONVERSATIONS}, (SELECT count(*) FROM messages WHERE conversation_id = c.id) AS messages,
            (SELECT substr(text, -1000) FROM messages WHERE id = c.leaf_id AND conversation_id = c.id) AS ending
            FROM conversations c WHERE {where} ORDER BY {first}c.updated_at DESC, c.rowid DESC LIMIT ? OFFSET ?""",
        (*values, limit, offset),
    )
    return [summary_of(row) for row in rows.fetchall()]


def purge(connection: sqlite3.Connection) -> None:
    """Delete for good what was deleted long ago."""
    long_ago = (datetime.now(UTC) - timedelta(days=DELETED_DAYS)).isoformat(timespec="microseconds")
    connection.execute(
        "DELETE FROM conversations WHERE deleted_at < ? AND deleted_at GLOB '20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*'",
        (long_ago,),
    )  # what is no time says nothing of how long ago


def copy(connection: sqlite3.Connection, original: Conversation, messages: Sequence[int]) -> str:
    """A new conversation with these messages, each below the one before, and all that is kept with them; its id."""
    new_id = create(connection, original.model, original.adapter, f"Copy of {original.title}")
    connection.execute(
        "UPDATE conversations SET settings = (SELECT settings FROM conversations WHERE id = ?) WHERE id = ?",
        (original.id, new_id),
    )
    parent: int | None = None
    for message_id in messages:
        made = connection.execute(
            f"""INSERT INTO messages (conversation_id, parent_id, status, {_SAME})
                SELECT ?, ?, CASE status WHEN 'streaming' THEN 'cut_off' ELSE status END, {_SAME}
                FROM messages WHERE id = ?""",
            (new_id, parent, message_id),
        ).lastrowid
        for table, columns in _BESIDE.items():
            connection.execute(
                f"INSERT INTO {table} (message_id, {columns}) SELECT ?, {columns} FROM {table} WHERE message_id = ?",
                (made, message_id),
            )
        parent = made
    connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (parent, new_id))
    return new_id


_SAME = "role, text, created_at, params, usage, timings"
_BESIDE = {
    "assessments": "state, acceptance, confidence, confidence_kind, assessment",
    "marks": "correct, marked_at",
    "tokens": "tokens",
    "thoughts": "part, text",
}
"""What is kept beside a message."""
