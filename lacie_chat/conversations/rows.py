"""From the database's rows to the records."""

import json
import sqlite3
from datetime import datetime
from typing import Any

from lacie_chat.conversations.records import Conversation, ConversationSummary, Message


def conversation_of(row: sqlite3.Row) -> Conversation:
    return Conversation(**_conversation_fields(row))


def summary_of(row: sqlite3.Row) -> ConversationSummary:
    lines = (row["ending"] or "").split("\n")
    last_line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ConversationSummary(**_conversation_fields(row), messages=row["messages"], last_line=last_line)


def _conversation_fields(row: sqlite3.Row) -> dict[str, Any]:
    fields: dict[str, Any] = {name: row[name] for name in ("id", "title", "model", "adapter", "leaf_id")}
    for name in ("created_at", "updated_at", "pinned_at", "deleted_at"):
        fields[name] = None if row[name] is None else datetime.fromisoformat(row[name])
    return fields


def message_of(row: sqlite3.Row) -> Message:
    def loaded(column: str) -> dict[str, Any] | None:
        value: dict[str, Any] | None = json.loads(row[column]) if row[column] is not None else None
        return value

    return Message(
        row["id"], row["conversation_id"], row["parent_id"], row["role"], row["text"], row["status"],
        datetime.fromisoformat(row["created_at"]), loaded("params") or {}, loaded("usage"), loaded("timings"),
        loaded("assessment"), None if row["correct"] is None else bool(row["correct"]), row["reasoning"] or "",
    )  # fmt: skip
