"""From the database's rows to the records, whatever stands in a row.

A disk, a crash of the system or another program may have damaged a row, and one such row must not take the others with
it. So each field is read by itself: one that isn't what it must be (`kinds.py`) is left empty, or as near as it can be
shown, and the record's `damaged` names it. A time that can't be read is the first moment of 1970.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from lacie_chat.conversations.kinds import are_numbers, are_params, are_tokens, is_assessment, is_flat, is_usage
from lacie_chat.conversations.records import ROLES, STATUSES, Conversation, ConversationSummary, Message, Role, Status
from lacie_chat.conversations.values import storable
from lacie_chat.foreign_json import NoJSON, parse_json

NO_TIME = datetime.fromtimestamp(0, UTC)
_ENDLESS = 1 << 62


class Row:
    """A row's fields, read one by one; `damaged` names those that were not what they must be."""

    def __init__(self, row: sqlite3.Row) -> None:
        self._row = row
        self.damaged: list[str] = []

    def text(self, column: str, *, optional: bool = False) -> str:
        """A text; bytes and numbers are shown as well as they can be. `optional`: nothing is an empty text."""
        value = self._row[column]
        if isinstance(value, str):
            return value
        if value is None and optional:
            return ""
        self.damaged.append(column)
        return shown_text(value)

    def name(self, column: str) -> str | None:
        """A text that may be missing."""
        return None if self._row[column] is None else self.text(column)

    def moment(self, column: str) -> datetime:
        """An aware time; NO_TIME where none can be read."""
        found = moment_of(self._row[column])
        if found is None:
            self.damaged.append(column)
        return found or NO_TIME

    def moment_if_any(self, column: str) -> datetime | None:
        """A time that may be missing."""
        return None if self._row[column] is None else self.moment(column)

    def json(self, column: str, fits: Callable[[Any], bool]) -> Any:
        """What a column's JSON says, if it `fits`; None where there is nothing, or nothing that does."""
        if self._row[column] is None:
            return None
        found = json_of(self._row[column], fits)
        if found is None:
            self.damaged.append(column)
        return found

    def one_of(self, column: str, values: tuple[str, ...], instead: str) -> str:
        """One of these words."""
        value = self._row[column]
        if value in values:
            return cast(str, value)
        self.damaged.append(column)
        return instead

    def same(self, column: str, checked: str) -> int | None:
        """A number that leads to another row, as `checked`: the column that holds it only where there is such a row."""
        if self._row[column] != self._row[checked]:
            self.damaged.append(column)
        value = self._row[checked]
        return value if isinstance(value, int) else None


def shown_text(value: object) -> str:
    """What can be shown of a value that should be a text."""
    if value is None:
        return ""
    return storable(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def moment_of(value: object) -> datetime | None:
    """The time, in UTC where it doesn't say; None for anything else, and where no time zone could show it."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is None or not 1 < found.year < 9999:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        return None


def json_of(value: object, fits: Callable[[Any], bool]) -> Any:
    """What a JSON text says, if it `fits`; else None."""
    if not isinstance(value, str):
        return None
    try:
        found = parse_json(value)
    except NoJSON:
        return None
    return found if fits(found) else None


def tokens_of(value: object) -> list[Any]:
    """A message's tokens; none where they can't be read."""
    found: list[Any] | None = json_of(value, lambda rows: are_tokens(rows, _ENDLESS))
    return found or []


def settings_of(value: object) -> dict[str, Any] | None:
    """A conversation's settings; None where it has none or they can't be read."""
    found: dict[str, Any] | None = json_of(value, is_flat)
    return found


def conversation_of(row: sqlite3.Row) -> Conversation:
    return Conversation(**_conversation_fields(row))


def summary_of(row: sqlite3.Row) -> ConversationSummary:
    lines = shown_text(row["ending"]).split("\n")
    last_line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ConversationSummary(**_conversation_fields(row), messages=row["messages"], last_line=last_line)


def _conversation_fields(row: sqlite3.Row) -> dict[str, Any]:
    read = Row(row)
    return {
        "id": read.text("id"),
        "title": read.text("title"),
        "model": read.text("model"),
        "adapter": read.name("adapter"),
        "leaf_id": read.same("leaf_id", "last_id"),
        "created_at": read.moment("created_at"),
        "updated_at": read.moment("updated_at"),
        "pinned_at": read.moment_if_any("pinned_at"),
        "deleted_at": read.moment_if_any("deleted_at"),
        "damaged": _without_settings(read, row),
    }


def _without_settings(read: Row, row: sqlite3.Row) -> tuple[str, ...]:
    if row["settings"] is not None and settings_of(row["settings"]) is None:
        read.damaged.append("settings")
    return tuple(read.damaged)


def message_of(row: sqlite3.Row) -> Message:
    read = Row(row)
    correct = row["correct"] if row["correct"] in (None, 0, 1) else None
    if correct is None and row["correct"] is not None:
        read.damaged.append("correct")
    return Message(
        id=row["id"],
        conversation_id=read.text("conversation_id"),
        parent_id=read.same("parent_id", "above_id"),
        role=cast(Role, read.one_of("role", ROLES, "user")),
        text=read.text("text"),
        status=cast(Status, read.one_of("status", STATUSES, "complete")),
        created_at=read.moment("created_at"),
        params=read.json("params", are_params) or {},
        usage=read.json("usage", is_usage),
        timings=read.json("timings", are_numbers),
        assessment=read.json("assessment", is_assessment),
        correct=None if correct is None else bool(correct),
        reasoning=read.text("reasoning", optional=True),
        damaged=tuple(read.damaged),
    )
