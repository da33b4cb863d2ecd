"""What the chat and its exports say alike of what was thought before an answer."""

from collections.abc import Mapping, Sequence
from typing import Any

STOPPED_THINKING = "stopped while thinking: no answer yet"
ENDED_THINKING = "ended within its thought: no answer"
SAID_NOTHING = "said nothing after its thought"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def thought_size(reasoning: str, seconds: float | None) -> str:
    """`12 s, 340 words`; without a time that isn't known."""
    words = len(reasoning.split())
    count = "1 word" if words == 1 else f"{words} words"
    return count if seconds is None else f"{duration(seconds)}, {count}"


def thought_text(reasoning: str, seconds: float | None) -> str:
    """`thought for 12 s, 340 words`."""
    return f"thought {'for ' if seconds is not None else ''}{thought_size(reasoning, seconds)}"


def thought_seconds(timings: Mapping[str, Any] | None) -> float | None:
    """How long was thought, as the engine measured it; None where it did not come to that."""
    return (timings or {}).get("reasoning_seconds") or None


def is_thought_only(reasoning: str, text: str, usage: Mapping[str, Any] | None) -> bool:
    """Did no answer come of the thought? Then there is nothing to hear, whatever stands there."""
    return bool(reasoning) and (not text.strip() or bool((usage or {}).get("reasoning_open")))


def no_answer_text(usage: Mapping[str, Any] | None) -> str:
    """Why none came of it: it ended inside the thought, or the model closed that and said no more; empty where the
    engine's end says it (cancelled in between)."""
    usage = usage or {}
    reason, still_open = usage.get("finish_reason"), usage.get("reasoning_open")
    if still_open and reason == "stop":
        return ENDED_THINKING
    if still_open and reason == "context":
        return "stopped while thinking, for the context is full: no answer yet"
    if still_open or reason is None:
        return STOPPED_THINKING
    return SAID_NOTHING if reason == "stop" else ""


def damage_words(row: str, damaged: Sequence[str]) -> str:
    """Which row of the database is damaged ("message 12"), and what of it can't be read; empty for a whole one."""
    return (
        f"{row[:1].upper()}{row[1:]} is damaged in the database: {', '.join(damaged)} can't be read." if damaged else ""
    )


def all_damage_words(conversation: Sequence[str], messages: int) -> str:
    """The same of a conversation with so many damaged messages, each of which says by itself what of it can't be
    read."""
    count = "1 message is" if messages == 1 else f"{messages:,} messages are"
    own = damage_words("this conversation", conversation)
    rest = f"{count} damaged{'' if own else ' in the database'}; there it says what can't be read." if messages else ""
    return " ".join(filter(None, (own, rest)))
