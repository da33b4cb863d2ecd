"""Whether an answer is whole, and whether its question was read whole, in words; for all who show one.

An answer that stopped where its tokens ran out reads like one that ended: only why the engine stopped tells the two
apart (`engine/events.py`, FinishReason). An answer to half a question reads like one to the whole.
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
    tokens, usage = answer_tokens(usage), usage or {}
    limit = (params.get("sampling") or {}).get("max_tokens")
    reason = usage.get("finish_reason") or ("length" if limit and tokens >= limit else None)
    return stopped_words(reason, tokens)


def answer_tokens(usage: Mapping[str, Any] | None) -> int:
    """Of a stored answer, without its thought."""
    usage = usage or {}
    return (usage.get("completion_tokens") or 0) - (usage.get("reasoning_tokens") or 0)


def is_cut_off(usage: Mapping[str, Any] | None, params: Mapping[str, Any]) -> bool:
    """Did a stored answer stop where its tokens or the context ran out? Of a thought, too."""
    return stored_words(usage, params) is not None


NOT_SENT = "not_sent"
"""Why there is no answer to a question that doesn't fit: whoever asked decided so (kept as its finish reason)."""


def not_sent_words(usage: Mapping[str, Any] | None) -> str:
    """Why a question wasn't sent; empty for one that was."""
    usage = usage or {}
    if usage.get("finish_reason") != NOT_SENT:
        return ""
    return f"not sent: {usage['prompt_tokens']:,} tokens, and there is room for {usage['room']:,}"


def left_out_words(cut: Mapping[str, Any] | None) -> str:
    """What was left out of the prompt, a sentence each, from what is kept of it (`chat/fit.py`); empty for nothing."""
    if not cut:
        return ""
    said, turns = [], cut["turns"]
    if turns:
        which, verb = ("turn", ("fits", "was")) if turns == 1 else (f"{turns} turns", ("fit", "were"))
        size = f" ({cut['tokens']:,} tokens)" if cut["tokens"] else ""
        said.append(f"The oldest {which}{size} no longer {verb[0]} the model's context and {verb[1]} left out.")
    if cut["system"]:
        said.append("The system prompt leaves no room for a question and was left out.")
    if cut["question"]:
        part = cut["question"]
        said.append(
            f"The question is longer than the model's context: {part['tokens']:,} tokens of its middle were left out, "
            f"from “{part['from']}” to “{part['to']}”."
        )
    return " ".join(said)


def count_cut_off(rows: Iterable[Mapping[str, Any]]) -> int | None:
    """How many rows of an evaluation were cut off; None where one of them doesn't say (older answers don't)."""
    reasons = [row.get("finish_reason") for row in rows]
    return None if None in reasons else sum(reason in CUT_OFF for reason in reasons)
