"""How much of the context a conversation takes, as far as that is known without asking the model."""

from lacie_chat.chat.tree import ChatTree, Turn


def context_used(tree: ChatTree) -> int | None:
    """The tokens of the shown branch up to its last answer, as the engine counted them; None where none did. What was
    thought before an answer is not sent back, so it takes no room."""
    for turn in reversed(tree.path()):
        if turn.role == "assistant" and (used := _used_by(turn)):
            return used
    return None


def _used_by(turn: Turn) -> int | None:
    if turn.status == "streaming" and turn.read:
        return turn.read + turn.drawn
    usage = turn.usage or {}
    if not turn.text.strip() or not usage.get("prompt_tokens"):
        return None
    drawn = (usage.get("completion_tokens") or 0) - (usage.get("reasoning_tokens") or 0)
    return int(usage["prompt_tokens"] + drawn)
