"""Messages that are being written: by which process, begun once more, and what becomes of them when that is gone."""

import sqlite3

from lacie_chat.conversations import owner
from lacie_chat.conversations.rows import shown_text


def begin_again(connection: sqlite3.Connection, message_id: int, text: str) -> None:
    """A message that has ended is this process's once more. It leaves the index: at its end it goes there again, with
    all its `text` by then."""
    connection.execute(
        "INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', ?, ?)", (message_id, text)
    )
    connection.execute(
        "UPDATE messages SET status = 'streaming', owner = ? WHERE id = ?", (owner.this_process(), message_id)
    )


def mark_cut_off(connection: sqlite3.Connection) -> None:
    """Mark the streaming messages whose process is gone."""
    rows = connection.execute("SELECT id, owner FROM messages WHERE status = 'streaming'").fetchall()
    gone = [(row["id"],) for row in rows if not owner.is_alive(shown_text(row["owner"]))]
    connection.executemany("UPDATE messages SET status = 'cut_off', owner = NULL WHERE id = ?", gone)
