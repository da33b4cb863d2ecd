"""Whether the next answers are thought about first: what a key goes round, and how that is said."""

from lacie_chat.engine.settings import ReasoningChoice


def next_choice(now: ReasoningChoice, at_first: ReasoningChoice) -> ReasoningChoice:
    """The next choice of the key: as the chat was started, then without a thought, then with one."""
    choices = list(dict.fromkeys([at_first, "off", "on"]))
    return choices[(choices.index(now) + 1) % len(choices)] if now in choices else at_first


def choice_text(choice: ReasoningChoice) -> str:
    """`thinking off`; empty where the model does as it does."""
    if choice is None:
        return ""
    return f"thinking {choice}" if isinstance(choice, str) else f"thinks up to {choice} tokens"


def choice_sentence(choice: ReasoningChoice) -> str:
    """What follows of the choice, for who just made it."""
    match choice:
        case None:
            return "From the next answer on the model thinks or doesn't, as it is used to."
        case "off":
            return "From the next answer on the model answers without thinking first."
        case "on":
            return "From the next answer on the model thinks first."
    return f"From the next answer on the model thinks first, for at most {choice} tokens."
