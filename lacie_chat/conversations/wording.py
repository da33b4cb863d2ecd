"""What the chat and its exports say alike of what was thought before an answer."""

from collections.abc import Mapping
from typing import Any

STOPPED_THINKING = "stopped while thinking: no answer yet"


def duration(seconds: float) -> str:
    """`12 s`, `3 min 5 s`."""
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
    """Did the answer end inside its thought? Then there is nothing to hear, whatever stands there."""
    return bool(reasoning) and (not text.strip() or bool((usage or {}).get("reasoning_open")))
