"""The tree of messages: one, all, the branch that ends in one, the branches that begin at one; taking one out.

A parent is an earlier message of the same conversation. Every walk goes by that, so that a damaged row, whose parent is
missing or stands below it, begins a branch, and no walk runs for ever.
"""

import sqlite3

from lacie_chat.conversations.errors import StoreError
from lacie_chat.conversations.records import Message
from lacie_chat.conversations.rows import message_of
from lacie_chat.conversations.thoughts import REASONING

_ABOVE = """(SELECT p.id FROM messages p
    WHERE p.id = m.parent_id AND p.id < m.id AND p.conversation_id = m.conversation_id)"""
"""The parent of message `m`; NULL for none, or none that can be its parent."""
_COLUMNS = f"""m.id, m.conversation_id, m.parent_id, {_ABOVE} AS above_id, m.role, m.text, m.status, m.created_at,
    m.params, m.usage, m.timings, a.assessment, k.correct, {REASONING} AS reasoning"""
_MESSAGES = f"""SELECT {_COLUMNS} FROM messages m LEFT JOIN assessments a ON a.message_id = m.id
    LEFT JOIN marks k ON k.message_id = m.id"""


def message(connection: sqlite3.Connection, message_id: int) -> Message:
    """One message. Raises StoreError where there is none."""
    row = connection.execute(f"{_MESSAGES} WHERE m.id = ?", (message_id,)).fetchone()
    if row is None:
        raise StoreError(f"no message {message_id}: its conversation was deleted")
    return message_of(row)


def messages(connection: sqlite3.Connection, conversation_id: str) -> list[Message]:
    """The whole tree, oldest first."""
    rows = connection.execute(f"{_MESSAGES} WHERE m.conversation_id = ? ORDER BY m.id", (conversation_id,))
    return [message_of(row) for row in rows]


def children(connection: sqlite3.Connection, conversation_id: str, parent_id: int | None) -> list[Message]:
    """The messages right below `parent_id` (None: the first messages), oldest first."""
    below = f"{_ABOVE} IS ?" if parent_id is None else "m.parent_id = ? AND m.id > m.parent_id"
    rows = connection.execute(
        f"{_MESSAGES} WHERE m.conversation_id = ? AND {below} ORDER BY m.id", (conversation_id, parent_id)
    )
    return [message_of(row) for row in rows]


def thread(connection: sqlite3.Connection, leaf_id: int, last: int = -1) -> list[Message]:
    """The branch that ends in `leaf_id`, from its first message on, or its `last` so many messages. Raises StoreError
    where there is none."""
    rows = connection.execute(
        f"""WITH RECURSIVE up (id, parent_id, conversation_id) AS (
            SELECT id, parent_id, conversation_id FROM messages WHERE id = ?
            UNION ALL SELECT p.id, p.parent_id, p.conversation_id FROM messages p
            JOIN up ON p.id = up.parent_id AND p.id < up.id AND p.conversation_id = up.conversation_id
            LIMIT ?
        ) {_MESSAGES} JOIN up ON up.id = m.id ORDER BY m.id""",
        (leaf_id, last),
    ).fetchall()
    if not rows:
        raise StoreError(f"no message {leaf_id}: its conversation was deleted")
    return [message_of(row) for row in rows]


def leaf_under(connection: sqlite3.Connection, message_id: int) -> Message:
    """The newest leaf at or below a message."""
    row = connection.execute(
        """WITH RECURSIVE down (id, conversation_id) AS (
            SELECT id, conversation_id FROM messages WHERE id = ?
            UNION ALL SELECT c.id, c.conversation_id FROM messages c
            JOIN down ON c.conversation_id = down.conversation_id AND c.parent_id = down.id AND c.id > down.id
        ) SELECT max(id) AS newest FROM down""",
        (message_id,),
    ).fetchone()
    # The newest message below is a leaf: a child is always newer than its parent.
    return message(connection, message_id if row["newest"] is None else row["newest"])


def remove(connection: sqlite3.Connection, message_id: int) -> None:
    """Take a message out, with all below it. Raises StoreError where the shown branch ends there."""
    below = """WITH RECURSIVE below (id) AS (
        SELECT ? UNION ALL SELECT m.id FROM messages m JOIN below ON m.parent_id = below.id
        AND m.id > below.id)"""
    if connection.execute(
        f"{below} SELECT 1 FROM conversations WHERE leaf_id IN (SELECT id FROM below)", (message_id,)
    ).fetchone():
        raise StoreError(f"message {message_id} is on the branch that is shown")
    connection.execute(f"{below} DELETE FROM messages WHERE id IN (SELECT id FROM below)", (message_id,))
