"""An answer that goes on where it stopped: what it has said is put behind its prompt, as tokens, and drawn from there.

Where the context still holds the answer, its own tokens are taken, so that what is drawn next is what would have been
drawn had it never stopped. Else its text is made into tokens anew: a tokenizer may cut that otherwise than the model
did, which it reads as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import Cut, PromptSize
from lacie_chat.engine.model import Model
from lacie_chat.engine.prompt import fit, length_before
from lacie_chat.engine.rendering import Refusal
from lacie_chat.engine.settings import ChatTurn, Said
from lacie_chat.engine.template import ChatTemplate

if TYPE_CHECKING:
    from lacie_chat.engine.draft import Thinker

_LEAST = 16
"""Tokens that must be left for old turns to stay."""
FULL = "The context is full: there is no room left for this answer to go on."


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """What a context wrote last: behind which prompt, in which tokens, and what came of them."""

    prompt: list[int]
    tokens: list[int]
    said: Said


def tokens_of(said: Said, thinker: "Thinker", model: Model, opening: str | None) -> list[int]:
    """What was said as tokens behind a prompt that ends with `opening`."""
    form = thinker.habit.form if thinker.habit is not None else None
    if form is None or opening is None:
        return model.tokenise(said.text)
    tokens: list[int] = []
    if said.reasoning:
        if not any(mark in opening for mark in form.opens):
            tokens += model.tokenise(form.opening, special=True)
        tokens += model.continuation(said.reasoning)
        if said.text:
            tokens += thinker.closing
    if not said.text:
        return tokens
    return tokens + (model.continuation(said.text) if tokens else model.tokenise(said.text))


def fit_behind(
    turns: Sequence[ChatTurn], model: Model, template: ChatTemplate, *, n_ctx: int, said: int, max_tokens: int
) -> tuple[list[int], Cut | None]:
    """The prompt of an answer that has `said` tokens already. All of it stays as long as there is any room; else the
    oldest turns make room. Raises EngineError where not even the question would stay whole."""
    left = n_ctx - said
    if left <= _LEAST:
        raise EngineError(FULL)
    try:
        tokens, cut = fit(turns, model, template, n_ctx=left, max_tokens=_LEAST)
        if cut is not None and cut.question is None:
            roomy = fit(turns, model, template, n_ctx=left, max_tokens=max_tokens)
            if roomy[1] is not None and roomy[1].question is None:
                tokens, cut = roomy
    except Refusal:
        raise
    except EngineError as error:
        raise EngineError(FULL) from error
    if cut is not None and cut.question is not None:
        raise EngineError(FULL)
    return tokens, cut


def size_behind(
    turns: Sequence[ChatTurn], model: Model, template: ChatTemplate, *, n_ctx: int, said: int, max_tokens: int
) -> PromptSize:
    """What `fit_behind` would come to. Raises EngineError as it does."""
    tokens, cut = fit_behind(turns, model, template, n_ctx=n_ctx, said=said, max_tokens=max_tokens)
    whole = length_before(tokens, cut) + said
    return PromptSize(whole, len(template.tokens(turns[-1:])), n_ctx - _LEAST, n_ctx, cut, said)
