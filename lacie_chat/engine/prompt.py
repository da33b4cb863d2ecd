"""Make a conversation fit: the oldest turns go first, the system turn and the last question stay."""

from collections.abc import Callable, Mapping, Sequence

from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import Cut, PromptSize
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
    room = room_for_prompt(n_ctx, max_tokens)
    whole = template.known_length(turns, **(variables or {}))
    if whole is None or whole <= room:
        tokens = tokens_of(turns)
        if len(tokens) <= room:
            return tokens, None
        whole = len(tokens)
    system = [turns[0]] if turns[0].role == "system" else []
    rest = list(turns[len(system) :])
    starts = [i for i, turn in enumerate(rest) if turn.role == "user"]
    dropped = starts[_earliest(len(starts), lambda at: len(tokens_of([*system, *rest[starts[at] :]])) <= room)]
    kept = [*system, *rest[dropped:]]
    tokens = tokens_of(kept)
    silenced = len(tokens) > room and bool(system) and len(tokens_of([*system, ChatTurn("user", "")])) > room // 2
    if silenced:
        kept = kept[1:]  # a system turn that leaves no room for the question
        dropped += 1
        tokens = tokens_of(kept)
    left_out, left_tokens = None, 0
    if len(tokens) > room:
        before = len(tokens)
        tokens, left_out = _shorten_last(kept, model, tokens_of, room, before)
        left_tokens = before - len(tokens)
    cut = Cut(dropped, max(0, whole - len(tokens)), len(tokens), silenced, left_out, left_tokens)
    return tokens, cut


def _earliest(count: int, fits: Callable[[int], bool]) -> int:
    """The first of `count` places from which on all fits, the last where none does. Sought from the end in growing
    steps: what is tried is never much longer than what fits, however much lies before it."""
    high, step = count - 1, 1
    while step <= high and fits(high - step):
        high, step = high - step, 2 * step
    low = max(0, high - step + 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def room_for_prompt(n_ctx: int, max_tokens: int) -> int:
    """The tokens that a prompt may take, so that there is room for the answer."""
    return n_ctx - max(1, min(max_tokens, n_ctx // 2))


def size_of(
    turns: Sequence[ChatTurn], model: Model, template: ChatTemplate, *, n_ctx: int, max_tokens: int
) -> PromptSize:
    """What `fit` would come to. Raises EngineError as it does."""
    tokens, cut = fit(turns, model, template, n_ctx=n_ctx, max_tokens=max_tokens)
    whole, room = length_before(tokens, cut), room_for_prompt(n_ctx, max_tokens)
    return PromptSize(whole, len(template.tokens(turns[-1:])), room, n_ctx, cut)


def length_before(tokens: Sequence[int], cut: Cut | None) -> int:
    """The tokens of a prompt before anything of it was left out."""
    return len(tokens) + (cut.dropped_tokens if cut is not None else 0)


def _shorten_last(
    kept: list[ChatTurn], model: Model, tokens_of: Callable[[Sequence[ChatTurn]], list[int]], room: int, length: int
) -> tuple[list[int], tuple[int, int]]:
    """The tokens without the middle of the last turn, and which of its characters were left out."""
    question = kept[-1].content
    content = model.tokenise(question)
    keep = len(content) - (length - room) - len(model.tokenise(_ELLIPSIS))
    while keep > 0:
        head, tail = content[: keep // 2], content[len(content) - (keep - keep // 2) :]
        begin = model.text(head)
        if model.sentencepiece and not question.startswith(" "):
            begin = begin.removeprefix(" ")  # such a tokenizer writes a space before every first word
        start = _common(question, begin)
        end = len(question) - _common(question[start:][::-1], model.text(tail)[::-1])
        tokens = tokens_of([*kept[:-1], ChatTurn("user", question[:start] + _ELLIPSIS + question[end:])])
        if len(tokens) <= room:
            return tokens, (start, end)
        keep -= max(1, len(tokens) - room)  # cut ends tokenise anew, into a few more
    raise EngineError(f"The context of this model ({room} tokens for the prompt) is too short for any question.")


def _common(text: str, other: str) -> int:
    """How many characters the two have in common at their start."""
    return next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
