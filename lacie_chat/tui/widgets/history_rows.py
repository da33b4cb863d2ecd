"""The rows of the history: conversations under the day they were last changed, and what was found in them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from textual.content import Content

from lacie_chat.conversations import Hit
from lacie_chat.conversations.records import ConversationSummary
from lacie_chat.names import pair_name
from lacie_chat.tui.figures import DIM

PINNED = "Pinned"


@dataclass(frozen=True, slots=True)
class Entry:
    """A conversation in the list. `message_id`: what was found in it; else where its shown branch ends."""

    conversation_id: str
    title: str
    content: Content
    group: str = ""
    message_id: int | None = None
    pinned: bool = False
    deleted: bool = False
    damaged: tuple[str, ...] = ()
    """What of it can't be read."""


def day_name(day: date, today: date) -> str:
    """`Today`, `Yesterday`, `Wednesday 25 November`, `3 March 2025`."""
    if day == today:
        return "Today"
    if (today - day).days == 1:
        return "Yesterday"
    return f"{day:%A} {day.day} {day:%B}" if 0 < (today - day).days < 300 else f"{day.day} {day:%B %Y}"


def listed_entry(summary: ConversationSummary, now: datetime) -> Entry:
    """The row of a conversation."""
    title = summary.title or "(no title)"
    local = summary.updated_at.astimezone()
    count = f"{summary.messages} message{'' if summary.messages == 1 else 's'}"
    group = PINNED if summary.pinned_at else day_name(local.date(), now.astimezone().date())
    when = f"{local:%H:%M}" if group != PINNED else day_name(local.date(), now.astimezone().date())
    if summary.deleted_at is not None:
        when = f"deleted {summary.deleted_at.astimezone():%Y-%m-%d}"
    model = pair_name(summary.model, summary.adapter)
    content = Content.assemble((title, "bold"), "\n", *_damaged(summary), (f"{when} · {count} · {model}", DIM))
    return Entry(
        summary.id,
        title,
        content,
        group,
        summary.leaf_id,
        summary.pinned_at is not None,
        summary.deleted_at is not None,
        summary.damaged,
    )


def _damaged(summary: ConversationSummary | None) -> list[tuple[str, str]]:
    """The mark of a damaged one; the preview says what can't be read."""
    return [("damaged", "$text-warning"), (" · ", DIM)] if summary is not None and summary.damaged else []


def found_entry(hit: Hit, summary: ConversationSummary | None = None) -> Entry:
    """The row of a conversation in which something was found."""
    title = hit.title or "(no title)"
    snippet = Content(hit.snippet)
    for start, end in hit.matches:
        snippet = snippet.stylize("bold underline", start, end)
    who = "You: " if hit.role == "user" else ""
    content = Content.assemble((title, "bold"), "\n", *_damaged(summary), (who, DIM), snippet)
    found = Entry(hit.conversation_id, title, content, message_id=hit.message_id)
    if summary is None:
        return found
    known = listed_entry(summary, hit.created_at)
    return replace(found, pinned=known.pinned, deleted=known.deleted, damaged=known.damaged)


def grouped(entries: Iterable[Entry], last: str = "") -> Iterator[Entry | str]:
    """The entries, a heading before each group; `last` is the group that the rows before ended in."""
    for entry in entries:
        if entry.group != last:
            last = entry.group
            yield last
        yield entry
