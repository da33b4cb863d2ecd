"""A conversation as a file for others: Markdown to read (the shown branch), JSON to process and import (all of it).

Under an answer stands the line that stood there in the chat: how sure it sounds, how likely it is right, the verdict.
Before it stands what was thought first, folded away: it is no part of the answer.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lacie_chat.answer_markdown import for_other_readers
from lacie_chat.confidence import Assessment, confidence_text
from lacie_chat.conversations.records import Conversation, Message
from lacie_chat.conversations.rows import moment_of, settings_of, tokens_of
from lacie_chat.conversations.wording import (
    SAID_NOTHING,
    damage_words,
    is_thought_only,
    no_answer_text,
    thought_seconds,
    thought_text,
)
from lacie_chat.cut_off import left_out_words, not_sent_words, stored_words
from lacie_chat.printable import exact_json, printable

SPEAKERS = {"system": "System", "user": "You", "assistant": "Assistant"}
_ENDINGS = {
    "streaming": "This answer is still being written.",
    "cancelled": "This answer was cancelled.",
    "cut_off": "This answer was cut off.",
    "failed": "This answer failed before its end.",
}


FORMAT = "lacie-conversation-1"


@dataclass(frozen=True, slots=True)
class Beside:
    """What is kept beside the messages of a conversation, by their ids: tokens, and when they were marked."""

    settings: dict[str, Any] | None
    tokens: Mapping[int, list[Any]]
    marked_at: Mapping[int, str]


def beside(connection: sqlite3.Connection, conversation_id: str) -> Beside:
    """What the database keeps beside them."""
    of = "JOIN messages m ON m.id = x.message_id WHERE m.conversation_id = ?"
    tokens = connection.execute(f"SELECT x.message_id, x.tokens FROM tokens x {of}", (conversation_id,)).fetchall()
    marks = connection.execute(f"SELECT x.message_id, x.marked_at FROM marks x {of}", (conversation_id,)).fetchall()
    row = connection.execute("SELECT settings FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    return Beside(
        settings_of(row["settings"]),
        {message_id: read for message_id, found in tokens if (read := tokens_of(found)) or found == "[]"},
        {message_id: marked_at for message_id, marked_at in marks if moment_of(marked_at)},
    )


def to_json(conversation: Conversation, messages: Sequence[Message], beside: Beside) -> str:
    """One object: `format`, `conversation`, and `messages` as a flat list, a line each, tied into a tree by
    `parent_id`. It is all that is known, and can be imported; `damaged` names what can't be read."""
    own = asdict(conversation) | {"settings": beside.settings}
    del own["deleted_at"]
    _name_damage(own)
    lines = []
    for message in messages:
        more = {"tokens": beside.tokens.get(message.id), "marked_at": beside.marked_at.get(message.id)}
        fields = asdict(message)
        _name_damage(fields)
        lines.append(_as_json(fields | {name: value for name, value in more.items() if value is not None}))
    body = "[\n  " + ",\n  ".join(lines) + "\n ]" if lines else "[]"
    return f'{{\n "format": "{FORMAT}",\n "conversation": {_as_json(own)},\n "messages": {body}\n}}\n'


def _name_damage(fields: dict[str, Any]) -> None:
    """`damaged` stands there only where a field can't be read in the database, and names it."""
    if not fields["damaged"]:
        del fields["damaged"]


def _as_json(value: object) -> str:
    """On one line, whatever a model wrote: half of a pair of characters, which no file can hold, too."""
    return exact_json(value, default=_iso)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an exported thread: Markdown; or where `thought` is set, what was thought, as it was written, and how
    long that is in words; or where `message` is set, what who has that role wrote, as it was written."""

    text: str
    thought: str = ""
    message: str = ""


def to_markdown(conversation: Conversation, thread: Sequence[Message]) -> str:
    """The thread under a heading a message; below each answer a line with its confidence."""
    return "\n\n".join(_as_markdown(part) for part in parts_of(conversation, thread)) + "\n"


def _as_markdown(part: Part) -> str:
    if part.thought:
        return printable(_folded(part))
    return printable(for_other_readers(with_fences_closed(part.text)) if part.message else part.text)


def parts_of(conversation: Conversation, thread: Sequence[Message]) -> Iterator[Part]:
    """The same in its parts, for who draws a thought otherwise."""
    title = re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", conversation.title or conversation.id)
    yield Part(f"# {title}")
    yield Part(origin(conversation))
    if damage := damage_words("this conversation", conversation.damaged):
        yield Part(f"> {damage}")
    for message in thread:
        yield Part(f"## {SPEAKERS[message.role]}")
        if message.reasoning.strip():
            length = thought_text(message.reasoning, thought_seconds(message.timings))
            yield Part(message.reasoning.strip("\n"), thought=length)
        if message.text.strip():
            yield Part(message.text.strip("\n"), message=message.role)
        if notes := notes_of(message):
            yield Part("  \n".join(f"> {note}" for note in notes))


def origin(conversation: Conversation) -> str:
    """When it began, with which model, and its id."""
    adapter = f", adapter {conversation.adapter}" if conversation.adapter else ""
    when = conversation.created_at.strftime("%Y-%m-%d %H:%M UTC")
    return f"{when}, model {conversation.model}{adapter}, conversation {conversation.id}"


def notes_of(message: Message) -> list[str]:
    """What stands below a message: that it is not whole, its figures, the user's mark."""
    left_out = left_out_words((message.usage or {}).get("cut"))
    notes = [
        left_out,
        _ending(message),
        confidence_line(message.assessment),
        _mark_line(message.correct),
        damage_words(f"message {message.id}", message.damaged),
    ]
    return [note for note in notes if note]


def _folded(part: Part) -> str:
    """A thought as a fold with a quote in it: a code fence that it leaves open ends with the quote, and no tag in it
    closes the fold."""
    without_tags = re.sub(r"<(?=[a-zA-Z/!?])", r"\\<", part.text)
    quoted = "\n".join(f"> {line}".rstrip() for line in without_tags.splitlines())
    title = part.thought[:1].upper() + part.thought[1:]
    return f"<details>\n<summary>{title}</summary>\n\n{quoted}\n\n</details>"


def _ending(message: Message) -> str | None:
    if message.status != "streaming" and is_thought_only(message.reasoning, message.text, message.usage):
        why = no_answer_text(message.usage)
        if why:
            return f"The model {why}." if why == SAID_NOTHING else f"This answer {why}."
    if message.status == "complete" and (cut := stored_words(message.usage, message.params)):
        return f"This answer {cut}."
    if why := not_sent_words(message.usage):
        return f"The question was {why}."
    return _ENDINGS.get(message.status)


def confidence_line(assessment: dict[str, Any] | None) -> str | None:
    """The confidence line of a stored assessment; None without one."""
    return confidence_text(Assessment.from_dict(assessment)) if assessment is not None else None


def _mark_line(correct: bool | None) -> str | None:
    return None if correct is None else f"Marked by you: {'right' if correct else 'wrong'}."


def with_fences_closed(text: str) -> str:
    """The text with a code fence that was left open (a partial answer) closed, lest it swallow what follows."""
    fence = ""
    for line in text.splitlines():
        found = re.match(r" {0,3}(`{3,}|~{3,})(.*)", line)
        if not found:
            continue
        marks, rest = found[1], found[2]
        if not fence:
            fence = "" if marks[0] == "`" and "`" in rest else marks
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text
