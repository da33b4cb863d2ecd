"""Make a conversation fit: the oldest turns go first, the system turn and the last question stay."""

from collections.abc import Callable, Mapping, Sequence

from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import Cut
from lacie_chat.engine.model import Model
from lacie_chat.engine.settings import ChatTurn
from lacie_chat.engine.template import ChatTemplate

_ELLIPSIS = "\n[…]\n"


def fit(
    turns: Sequence[ChatTurn],
    model: Model,
    template: ChatTemplate,
    *,
    n_ctx: int,
    max_tokens: int,
    variables: Mapping[str, object] | None = None,
) -> tuple[list[int], Cut | None]:
    """Tokens of a prompt that leaves room for `max_tokens` (at most half the context), and what was left out.

    Turns are dropped so that a user turn comes first, as templates demand. A last turn that is too long by itself loses
    its middle: people put the question before or after what they paste. `variables` go to the template.
    """

    def tokens_of(shown: Sequence[ChatTurn]) -> list[int]:
        return template.tokens(shown, **(variables or {}))

    if not turns or turns[-1].role != "user":
        raise EngineError("There is no question to answer: the last turn must be the user's.")
    room = n_ctx - max(1, min(max_tokens, n_ctx // 2))
    whole = tokens_of(turns)
    if len(whole) <= room:
        return whole, None
    system = [turns[0]] if turns[0].role == "system" else []
    rest = list(turns[len(system) :])
    starts = [i for i, turn in enumerate(rest) if turn.role == "user"]
    low, high = 0, len(starts) - 1  # the earliest start that fits; lengths fall with it
    while low < high:
        middle = (low + high) // 2
        if len(tokens_of([*system, *rest[starts[middle] :]])) <= room:
            high = middle
        else:
            low = middle + 1
    dropped = starts[low]
    kept = [*system, *rest[dropped:]]
    tokens = tokens_of(kept)
    if len(tokens) > room and system and len(tokens_of([*system, ChatTurn("user", "")])) > room // 2:
        system, kept = [], kept[1:]  # a system turn that leaves no room for the question
        dropped += 1
        tokens = tokens_of(kept)
    if len(tokens) > room:
        tokens = _shorten_last(kept, model, tokens_of, room, len(tokens))
    return tokens, Cut(dropped_turns=dropped, dropped_tokens=max(0, len(whole) - len(tokens)), kept_tokens=len(tokens))


def _shorten_last(
    kept: list[ChatTurn], model: Model, tokens_of: Callable[[Sequence[ChatTurn]], list[int]], room: int, length: int
) -> list[int]:
    content = model.tokenise(kept[-1].content)
    keep = len(content) - (length - room) - len(model.tokenise(_ELLIPSIS))
    while keep > 0:
        head, tail = content[: keep // 2], content[len(content) - (keep - keep // 2) :]
        text = model.text(head) + _ELLIPSIS + model.text(tail)
        tokens = tokens_of([*kept[:-1], ChatTurn("user", text)])
        if len(tokens) <= room:
            return tokens
        keep -= max(1, len(tokens) - room)  # cut ends tokenise anew, into a few more
    raise EngineError(f"The context of this model ({room} tokens for the prompt) is too short for any question.")
