"""Whether an answer is whole, in words; for all who show one.

An answer that stopped where its tokens ran out reads like one that ended: only why the engine stopped tells the two
apart (`engine/events.py`, FinishReason).
"""

from collections.abc import Iterable, Mapping
from typing import Any

CUT_OFF = ("length", "context")
"""The finish reasons of an answer that the model would have gone on with."""


def stopped_words(reason: str | None, tokens: int) -> str | None:
    """Where an answer of so many tokens was cut off; None for one that wasn't."""
    if reason not in CUT_OFF:
        return None
    counted = f" at {tokens:,} token{'' if tokens == 1 else 's'}" if tokens else ""
    return f"stopped{counted}" + (": the context is full" if reason == "context" else "")


def stored_words(usage: Mapping[str, Any] | None, params: Mapping[str, Any]) -> str | None:
    """The same of an answer as the conversations keep it. Older ones don't say why they ended: those that have as many
    tokens as they might have were cut off."""
    usage = usage or {}
    tokens = (usage.get("completion_tokens") or 0) - (usage.get("reasoning_tokens") or 0)
    limit = (params.get("sampling") or {}).get("max_tokens")
    reason = usage.get("finish_reason") or ("length" if limit and tokens >= limit else None)
    return stopped_words(reason, tokens)


def count_cut_off(rows: Iterable[Mapping[str, Any]]) -> int | None:
    """How many rows of an evaluation were cut off; None where one of them doesn't say (older answers don't)."""
    reasons = [row.get("finish_reason") for row in rows]
    return None if None in reasons else sum(reason in CUT_OFF for reason in reasons)
