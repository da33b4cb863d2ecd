"""From the database's rows to the records."""

import json
import sqlite3
from datetime import datetime
from typing import Any

from lacie_chat.conversations.records import Conversation, ConversationSummary, Message


def conversation_of(row: sqlite3.Row) -> Conversation:
    return Conversation(*_conversation_fields(row))


def summary_of(row: sqlite3.Row) -> ConversationSummary:
    lines = (row["ending"] or "").split("\n")
    last_line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ConversationSummary(*_conversation_fields(row), row["messages"], last_line)


def _conversation_fields(row: sqlite3.Row) -> tuple[Any, ...]:
    def moment(column: str) -> datetime | None:
        return None if row[column] is None else datetime.fromisoformat(row[column])

    times = (moment(column) for column in ("created_at", "updated_at", "pinned_at", "deleted_at"))
    return row["id"], row["title"], row["model"], row["adapter"], row["leaf_id"], *times


def message_of(row: sqlite3.Row) -> Message:
    def loaded(column: str) -> dict[str, Any] | None:
        value: dict[str, Any] | None = json.loads(row[column]) if row[column] is not None else None
        return value

    return Message(
        row["id"], row["conversation_id"], row["parent_id"], row["role"], row["text"], row["status"],
        datetime.fromisoformat(row["created_at"]), loaded("params") or {}, loaded("usage"), loaded("timings"),
        loaded("assessment"), None if row["correct"] is None else bool(row["correct"]), row["reasoning"] or "",
    )  # fmt: skip
