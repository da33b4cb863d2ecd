"""A conversation from the JSON that the export wrote: all of it is there again, or nothing is.

Everything is looked at before anything is written, for what doesn't fit would break a screen much later. The
conversation keeps its id and its times; where another has the id it gets a new one. The same file twice gives one
conversation: it is known by when it began and by its messages.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lacie_chat.conversations import branches, keeping
from lacie_chat.conversations.assessments import set_assessment
from lacie_chat.conversations.errors import StoreError
from lacie_chat.conversations.export import FORMAT, beside, to_json
from lacie_chat.conversations.kinds import (
    are_numbers,
    are_params,
    are_tokens,
    is_assessment,
    is_flat,
    is_id,
    is_moment,
    is_usage,
)
from lacie_chat.conversations.records import ROLES, STATUSES, Conversation
from lacie_chat.conversations.rows import conversation_of
from lacie_chat.conversations.thoughts import add_thought
from lacie_chat.conversations.values import as_json, compact_json, one_line, storable
from lacie_chat.foreign_json import NoJSON, parse_json

Fields = dict[str, Any]
LARGEST = 512 << 20
"""Bytes of a file: a long conversation, with the tokens of each answer, has some tens of millions."""


@dataclass(frozen=True, slots=True)
class Read:
    """A file's conversation and messages, every field of the kind that it must be."""

    conversation: Fields
    messages: list[Fields]


def read_export(text: str) -> Read:
    """What an exported file holds. Raises StoreError, one line, for a file that is none or is damaged."""
    try:
        data = parse_json(text, most=LARGEST)
    except NoJSON as error:
        raise StoreError(f"this is no JSON, or only a part of it ({error}); nothing was imported") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise StoreError(
            "this is no conversation of lacie-chat; it takes what 'lacie history export ID --format json' wrote"
        )
    try:
        conversation = _conversation(data.get("conversation"))
        given = data.get("messages")
        if not isinstance(given, list):
            raise _Damaged("the messages")
        messages = [_message(each, number) for number, each in enumerate(given, 1)]
        _check_tree(conversation, messages)
    except _Damaged as error:
        raise StoreError(f"this file is damaged ({error} can't be right); nothing was imported") from None
    return Read(conversation, messages)


class _Damaged(Exception):
    """Names what of a file isn't as it must be."""


def bring_in(connection: sqlite3.Connection, read: Read) -> tuple[Conversation, bool]:
    """The conversation, written unless it is here already, and whether it is new. A deleted one is taken back."""
    began = read.conversation["created_at"]
    rows = connection.execute(
        f"{keeping.CONVERSATIONS} FROM conversations c WHERE c.created_at = ?", (began,)
    ).fetchall()
    for known in map(conversation_of, rows):
        held = to_json(known, branches.messages(connection, known.id), beside(connection, known.id))
        try:
            same = _numbered(read_export(held).messages) == _numbered(read.messages)
        except StoreError:  # what is kept here is damaged
            continue
        if same:
            connection.execute("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (known.id,))
            return keeping.get(connection, known.id), False
    return keeping.get(connection, _write(connection, read)), True


def _numbered(messages: Iterable[Fields]) -> list[Fields]:
    """Of the same tree the same, whatever numbers its messages have."""
    found, numbers = [], dict[int | None, int]()
    for number, message in enumerate(messages):
        numbers[message["id"]] = number
        found.append({**message, "id": number, "parent_id": numbers.get(message["parent_id"])})
    return found


def _write(connection: sqlite3.Connection, read: Read) -> str:
    own = read.conversation
    new_id = keeping.create(connection, own["model"], own["adapter"], own["title"])
    if not connection.execute("SELECT 1 FROM conversations WHERE id = ?", (own["id"],)).fetchone():
        connection.execute("UPDATE conversations SET id = ? WHERE id = ?", (own["id"], new_id))
        new_id = own["id"]
    ids: dict[int, int] = {}
    for message in read.messages:
        ids[message["id"]] = _write_message(connection, new_id, message, ids.get(message["parent_id"]))
    connection.execute(
        """UPDATE conversations SET leaf_id = ?, created_at = ?, updated_at = ?, pinned_at = ?, settings = ?
            WHERE id = ?""",
        (
            ids.get(own["leaf_id"]),
            *(own[name] for name in ("created_at", "updated_at", "pinned_at")),
            as_json(own["settings"]),
            new_id,
        ),
    )
    return new_id


def _write_message(connection: sqlite3.Connection, conversation_id: str, message: Fields, parent: int | None) -> int:
    made = connection.execute(
        """INSERT INTO messages (conversation_id, parent_id, role, text, status, created_at, params, usage, timings)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            conversation_id,
            parent,
            message["role"],
            message["text"],
            message["status"],
            message["created_at"],
            as_json(message["params"]),
            as_json(message["usage"]),
            as_json(message["timings"]),
        ),
    ).lastrowid
    assert made is not None
    if message["reasoning"]:
        add_thought(connection, made, message["reasoning"])
    if message["assessment"] is not None:
        set_assessment(connection, made, message["assessment"])
    if message["correct"] is not None:
        marked_at = message["marked_at"] or message["created_at"]
        connection.execute("INSERT INTO marks VALUES (?, ?, ?)", (made, int(message["correct"]), marked_at))
    if message["tokens"] is not None:
        connection.execute("INSERT INTO tokens VALUES (?, ?)", (made, compact_json(message["tokens"])))
    return made


# What each part must be


def _conversation(data: Any) -> Fields:
    fields = _Fields(data, "the conversation")
    return {
        "id": fields.take("id", lambda value: isinstance(value, str) and value.isalnum() and value.isascii()),
        "title": one_line(fields.text("title")),
        "model": fields.text("model"),
        "adapter": fields.text("adapter", optional=True),
        "leaf_id": fields.take("leaf_id", is_id, optional=True),
        "created_at": fields.moment("created_at"),
        "updated_at": fields.moment("updated_at"),
        "pinned_at": fields.moment("pinned_at", optional=True),
        "settings": fields.take("settings", is_flat, optional=True),
    }


def _message(data: Any, number: int) -> Fields:
    fields = _Fields(data, f"message {number}")
    status = fields.take("status", lambda value: value in STATUSES)
    role = fields.take("role", lambda value: value in ROLES)
    text = fields.text("text")
    return {
        "id": fields.take("id", is_id),
        "parent_id": fields.take("parent_id", is_id, optional=True),
        "role": role,
        "text": text,
        "status": "cut_off" if status == "streaming" else status,
        "created_at": fields.moment("created_at"),
        "params": fields.take("params", are_params),
        "usage": fields.take("usage", is_usage, optional=True),
        "timings": fields.take("timings", are_numbers, optional=True),
        "assessment": fields.take("assessment", is_assessment, optional=True),
        "correct": fields.take("correct", lambda value: isinstance(value, bool) and role == "assistant", optional=True),
        "marked_at": fields.moment("marked_at", optional=True),
        "reasoning": fields.text("reasoning", optional=True) or "",
        "tokens": fields.take("tokens", lambda value: are_tokens(value, len(text)), optional=True),
    }


def _check_tree(conversation: Fields, messages: list[Fields]) -> None:
    """Each message stands below an earlier one, or below none; the shown branch ends in one of them."""
    known: set[int] = set()
    for number, message in enumerate(messages, 1):
        if message["id"] in known or (message["parent_id"] is not None and message["parent_id"] not in known):
            raise _Damaged(f"the place of message {number}")
        known.add(message["id"])
    if conversation["leaf_id"] is not None and conversation["leaf_id"] not in known:
        raise _Damaged("the end of the shown branch")


class _Fields:
    """An object of the file, whose fields are taken one by one."""

    def __init__(self, data: Any, name: str) -> None:
        if not isinstance(data, dict):
            raise _Damaged(name)
        self._data: Mapping[str, Any] = data
        self._name = name

    def take(self, key: str, fits: Callable[[Any], bool], *, optional: bool = False) -> Any:
        """The value of a field that `fits`; None where it is optional and isn't there."""
        value = self._data.get(key)
        if value is None and optional:
            return None
        if value is None or not fits(value):
            raise _Damaged(f"{key} of {self._name}")
        return value

    def text(self, key: str, *, optional: bool = False) -> Any:
        """A text, as it can be kept."""
        value = self.take(key, lambda value: isinstance(value, str), optional=optional)
        return value if value is None else storable(value)

    def moment(self, key: str, *, optional: bool = False) -> Any:
        """A time, as the store writes it."""
        value = self.take(key, is_moment, optional=optional)
        if value is None:
            return None
        return datetime.fromisoformat(value).astimezone(UTC).isoformat(timespec="microseconds")
