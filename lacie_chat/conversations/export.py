"""A conversation as a file for others: Markdown to read (the shown branch), JSON to process (the whole tree).

Under an answer stands the line that stood there in the chat: how sure it sounds, how likely it is right, the verdict.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from lacie_chat.confidence import Assessment, confidence_text
from lacie_chat.conversations.records import Conversation, Message
from lacie_chat.cut_off import stored_words

_SPEAKERS = {"system": "System", "user": "You", "assistant": "Assistant"}
_ENDINGS = {
    "streaming": "This answer is still being written.",
    "cancelled": "This answer was cancelled.",
    "cut_off": "This answer was cut off.",
    "failed": "This answer failed before its end.",
}


def to_json(conversation: Conversation, messages: Sequence[Message]) -> str:
    """One object: `format`, `conversation`, and `messages` as a flat list, tied into a tree by `parent_id`."""
    data = {
        "format": "lacie-conversation-1",
        "conversation": asdict(conversation),
        "messages": [asdict(message) for message in messages],
    }
    return json.dumps(data, ensure_ascii=False, indent=2, default=_iso) + "\n"


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")


def to_markdown(conversation: Conversation, thread: Sequence[Message]) -> str:
    """The thread under a heading a message; below each answer a line with its confidence."""
    title = re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", conversation.title or conversation.id)
    adapter = f", adapter {conversation.adapter}" if conversation.adapter else ""
    when = conversation.created_at.strftime("%Y-%m-%d %H:%M UTC")
    parts = [f"# {title}", f"{when}, model {conversation.model}{adapter}, conversation {conversation.id}"]
    for message in thread:
        parts.append(f"## {_SPEAKERS[message.role]}")
        if message.text.strip():
            parts.append(with_fences_closed(message.text.strip("\n")))
        ending = _ENDINGS.get(message.status) or _stopped(message)
        notes = [ending, confidence_line(message.assessment), _mark_line(message.correct)]
        quoted = [f"> {note}" for note in notes if note]
        if quoted:
            parts.append("  \n".join(quoted))
    return "\n\n".join(parts) + "\n"


def _stopped(message: Message) -> str | None:
    words = stored_words(message.usage, message.params) if message.role == "assistant" else None
    return words and f"This answer {words}."


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
