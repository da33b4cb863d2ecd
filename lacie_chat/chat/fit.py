"""What of a conversation fits the model's context: said before it is sent, decided by who asks, kept with the answer.

The engine measures (`EngineLike.measure`); here it becomes words and what is kept. A question that is longer than the
context is only ever cut where somebody said so; old turns go where it was agreed to once in a conversation.
"""

from typing import Any

from lacie_chat.chat.turn import Turn
from lacie_chat.cut_off import NOT_SENT
from lacie_chat.engine.events import Cut, PromptSize

_QUOTED = 24
"""Characters that show where the missing part of a question begins and ends."""


def is_agreed(size: PromptSize, leaves_out: bool) -> bool:
    """Can it be sent without a word? `leaves_out`: it was agreed to that old turns go."""
    return size.cut is None or (leaves_out and size.question_fits and not size.cut.system)


def why_unfit(size: PromptSize) -> str:
    """What does not fit, and into what; for a size with a cut."""
    assert size.cut is not None
    if size.said:
        return (
            f"With this answer so far the conversation is {size.tokens:,} tokens; the model's context holds "
            f"{size.n_ctx:,}, and to go on it needs room."
        )
    holds = f"the model's context holds {size.n_ctx:,}, of which {size.n_ctx - size.room:,} are kept for the answer"
    if not size.question_fits:
        return f"This question is {size.question:,} tokens; {holds}."
    if size.cut.system:
        return f"With its system prompt this question is {size.tokens:,} tokens; {holds}."
    return f"With this question the conversation is {size.tokens:,} tokens; {holds}."


def what_goes(size: PromptSize) -> str:
    """What would be left out, in a few words."""
    cut = size.cut
    assert cut is not None
    if cut.question is not None:
        return f"its middle ({cut.question_tokens:,} tokens)"
    if cut.system:
        return "the system prompt"
    return "the oldest turn" if cut.dropped_turns == 1 else f"the oldest {cut.dropped_turns} turns"


def record_of(cut: Cut, question: str) -> dict[str, Any]:
    """What is kept with an answer of what its prompt lacks; `left_out_words` says it."""
    part = None
    if cut.question is not None:
        start, end = cut.question
        begins, ends = " ".join(question[start:end][:200].split()), " ".join(question[start:end][-200:].split())
        part = {
            "tokens": cut.question_tokens,
            "characters": [start, end],
            "from": begins[:_QUOTED].rstrip(),
            "to": ends[-_QUOTED:].lstrip(),
        }
    tokens = max(0, cut.dropped_tokens - cut.question_tokens)
    return {"turns": cut.dropped_turns - cut.system, "tokens": tokens, "system": cut.system, "question": part}


def never_sent(question: Turn) -> bool:
    """Was it decided each time that a question isn't sent? Then nothing came of it."""
    return bool(question.children) and all(
        (each.usage or {}).get("finish_reason") == NOT_SENT and not each.text and not each.children
        for each in question.children
    )


def unsent(turn: Turn) -> dict[str, Any] | None:
    """What is kept of an answer that never came, for its question was not sent; None where it was."""
    size = turn.unfit
    if size is None or size.said:
        return None
    return {"finish_reason": NOT_SENT, "prompt_tokens": size.tokens, "room": size.room}
