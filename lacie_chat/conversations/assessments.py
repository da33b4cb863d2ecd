"""How the database keeps what an answer conveys: all of it as JSON, and beside that what is looked for."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from lacie_chat.conversations.values import as_json


def set_assessment(connection: sqlite3.Connection, message_id: int, assessment: Mapping[str, Any]) -> None:
    """Keep what `Assessment.to_dict()` says of a message, in place of an earlier one."""
    confidence = assessment.get("confidence") or {}
    connection.execute(
        "INSERT OR REPLACE INTO assessments VALUES (?, ?, ?, ?, ?, ?)",
        (
            message_id,
            assessment["state"],
            assessment.get("acceptance"),
            confidence.get("value"),
            confidence.get("kind"),
            as_json(assessment),
        ),
    )
