"""Chat prompts of a transformers tokenizer, and what its template has an answer end with.

Sampling, judging, training and evaluation all render here (llama.cpp renders alike, by `answer_at_once`). A model that
can think is asked to answer at once: what it thinks is no part of an answer that a listener hears, so none is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from lacie_chat.engine.reasoning import answer_at_once, variables_of
from lacie_chat.engine.settings import ChatTurn
from lacie_training.errors import TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_ANSWER = "\ue100a\ue101"
"""A text that no template writes itself."""


def chat_prompt(
    tokenizer: PreTrainedTokenizerBase | Any, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None
) -> str:
    """The prompt up to where the answer begins, with its BOS if the template writes one.

    Raises TrainingError, one line: no template, one that refuses these turns, arguments that it doesn't read.
    """
    source = tokenizer.chat_template
    if not source:
        raise TrainingError("the model has no chat template; set speaker.format=plain")
    variables, added = (arguments or {}), ""
    if arguments is not None:
        if unread := sorted(set(arguments) - variables_of(source)):
            raise TrainingError(
                f"speaker.template_arguments: the model's chat template doesn't read {', '.join(unread)}; it reads "
                f"{', '.join(sorted(variables_of(source))) or 'nothing'}"
            )
        variables, added = answer_at_once(source, arguments)
    return _rendered(tokenizer, turns, add_generation_prompt=True, **variables) + added


def turn_end(tokenizer: PreTrainedTokenizerBase | Any) -> list[int]:
    """The tokens that the chat template writes behind an answer, up to the one that ends the turn: `<|im_end|>`,
    `<end_of_turn>`. Of a model without a template, or whose template ends a turn without a token, its end token.
    """
    eos: int | None = tokenizer.eos_token_id
    end = [] if eos is None else [eos]
    if not tokenizer.chat_template:
        return end
    turns = [ChatTurn("user", "?"), ChatTurn("assistant", _ANSWER)]
    try:
        behind = _rendered(tokenizer, turns, add_generation_prompt=False).rpartition(_ANSWER)[2]
    except TrainingError:
        return end
    ids = list(tokenizer(behind, add_special_tokens=False).input_ids)
    if eos in ids:
        return ids[: ids.index(eos) + 1]
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    first = next((place for place, token in enumerate(ids) if token in special), None)
    return end if first is None else ids[: first + 1]


def _rendered(tokenizer: Any, turns: Sequence[ChatTurn], **variables: Any) -> str:
    import jinja2

    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    try:
        return cast(str, tokenizer.apply_chat_template(messages, tokenize=False, **variables))
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(f"the model's chat template refuses this conversation: {reason}") from error
