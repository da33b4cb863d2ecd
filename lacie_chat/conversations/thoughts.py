"""How the database keeps what a model thought before it answered: beside the message, in parts.

A thought comes a token at a time and each piece is committed before it is shown, so a piece must cost the same whether
it is the first or the thirty-thousandth: it goes to the end of the last part, and a full part begins another.
"""

import sqlite3

from lacie_chat.conversations.errors import StoreError

PART = 4096
"""Characters from which on a part is full."""

REASONING = """(SELECT group_concat(part.text, '')
    FROM (SELECT text FROM thoughts WHERE message_id = m.id ORDER BY part) part)"""
"""The whole thought of message `m`, as a column; NULL where there is none."""


def add_thought(connection: sqlite3.Connection, message_id: int, text: str) -> None:
    """Add `text` to the thought of a message. Raises StoreError where there is no such message."""
    grown = connection.execute(
        """UPDATE thoughts SET text = text || ? WHERE message_id = ? AND length(text) < ?
            AND part = (SELECT max(part) FROM thoughts WHERE message_id = ?)""",
        (text, message_id, PART, message_id),
    )
    if grown.rowcount:
        return
    try:
        connection.execute(
            "INSERT INTO thoughts SELECT ?, coalesce(max(part), -1) + 1, ? FROM thoughts WHERE message_id = ?",
            (message_id, text, message_id),
        )
    except sqlite3.IntegrityError as error:
        raise StoreError(f"message {message_id} is gone: its conversation was deleted") from error
