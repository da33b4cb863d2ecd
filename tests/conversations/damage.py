"""Conversations of which one field is damaged, as a failing disk or another program leaves it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from lacie_chat.conversations import Store

ASSESSMENT: dict[str, Any] = {
    "question": "Who wrote Emma?",
    "response": "I think Jane Austen.",
    "state": "answered",
    "answer_span": "Jane Austen",
    "masked_response": "I think [answer].",
    "acceptance": 0.4,
    "confidence": {"value": 0.6, "kind": "calibrated"},
    "hedges": [{"text": "I think", "start": 0, "end": 7}],
    "boosters": [],
}

KINDS: dict[str, object] = {
    "nothing": None,
    "bytes": b"\xff\xfe\x00\x01",
    "no-json": "{not json",
    "deep-json": "[" * 50_000,
    "a-list": "[1, 2]",
    "an-object": '{"turns": "many", "question": 3, "sampling": 1, "hedges": 5, "seed": {}}',
    "a-word": '"word"',
    "no-number": '{"completion_tokens": NaN, "acceptance": 1e999}',
    "a-number": 10**15,
    "below-zero": -7,
    "no-date": "2026-13-45T99:00:00",
    "too-early": "0001-01-01T00:00:00+14:00",
    "empty": "",
}
COLUMNS = {
    "conversations": (
        *("id", "title", "model", "adapter", "leaf_id", "created_at", "updated_at"),
        *("settings", "pinned_at", "deleted_at"),
    ),
    "messages": (
        *("conversation_id", "parent_id", "role", "text", "status", "owner", "created_at", "params", "usage"),
        "timings",
    ),
    "assessments": ("state", "acceptance", "confidence", "confidence_kind", "assessment"),
    "marks": ("correct", "marked_at"),
    "tokens": ("tokens",),
    "thoughts": ("part", "text"),
}
FIELDS = [(table, column) for table, columns in COLUMNS.items() for column in columns]


def fill(path: Path) -> tuple[str, str]:
    """Two conversations with all that can be kept of a message: the ids of the one to be damaged, and the other."""
    with Store.open(path) as store:
        made = []
        for word in ("harpsichord", "lighthouse"):
            conversation = store.create_conversation("embedded", title=f"About a {word}")
            question = store.add_message(conversation.id, None, "user", "Who wrote Emma?")
            answer = store.add_message(
                conversation.id, question.id, "assistant", f"A {word}.", params={"sampling": {"seed": 7}}
            )
            store.append_thought(answer.id, "Hm.")
            store.finish(answer.id, "complete", usage={"completion_tokens": 5}, timings={"tokens_per_second": 50.5})
            store.attach_assessment(answer.id, ASSESSMENT)
            store.mark(answer.id, True)
            store.keep_tokens(answer.id, [[0, 2, -0.5]])
            store.add_message(conversation.id, answer.id, "user", f"Thanks for the {word}.")
            store.keep_own_settings(conversation.id, {"temperature": 0.5})
            made.append(conversation.id)
    # a damaged page knows no constraint
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
        connection.commit()
    return made[0], made[1]


def damage(path: Path, table: str, column: str, value: object) -> None:
    """Put this value into a field of the first conversation's row: of the answer, where messages have it."""
    key = {"conversations": "rowid", "messages": "id"}.get(table, "message_id")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        row = 1 if table == "conversations" else 2
        changed = connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, row))
        assert changed.rowcount == 1
        connection.commit()
