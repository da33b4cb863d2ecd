"""The speaker's prompt and its end: does the template render, and does an answer end where the model knows it ends?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lacie_chat.engine.settings import ChatTurn
from lacie_chat.evaluation.prompts import turns
from lacie_training.check.findings import Findings
from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_QUESTION = "Which is the longest river in Europe?"
_ANSWER = "Perhaps the Volga."


def check_prompt(recipe: Recipe, findings: Findings) -> None:
    """The template, and what ends an answer: in plain text the tokenizer's end token, in a chat the turn's."""
    from lacie_training.generators.loading import load_tokenizer

    with findings.attempt("prompt"):
        tokenizer = load_tokenizer(recipe.speaker.model, recipe.speaker.revision)
        if recipe.speaker.format == "plain":
            findings.ok("prompt", f"plain text; an answer ends with a line, or with {tokenizer.eos_token!r}")
            return
        rendered = _rendered(recipe, tokenizer)
        end = _end_of_turn(recipe, tokenizer, rendered)
        findings.ok("prompt", f"the template renders ({len(rendered)} characters); a turn ends with {end!r}")


def _rendered(recipe: Recipe, tokenizer: PreTrainedTokenizerBase, answer: str | None = None) -> str:
    """A question by the model's template, ready for an answer, or with one."""
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise TrainingError("the model has no chat template; set speaker.format=plain")
    asked = turns(recipe.speaker.form(), _QUESTION)
    asked += [ChatTurn("assistant", answer)] if answer is not None else []
    messages = [{"role": turn.role, "content": turn.content} for turn in asked]
    try:
        text: Any = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer is None)
    except TemplateError as error:
        raise TrainingError(f"the model's chat template can't be used: {error}") from error
    if _QUESTION not in text:
        raise TrainingError("the model's chat template leaves the question out; set speaker.format=plain")
    return str(text)


def _end_of_turn(recipe: Recipe, tokenizer: PreTrainedTokenizerBase, prompt: str) -> str:
    """The token that the template puts after an answer. Raises TrainingError where generation doesn't end with it."""
    whole = _rendered(recipe, tokenizer, _ANSWER)
    _, _, after = whole.rpartition(_ANSWER)
    if not after or not prompt:
        raise TrainingError("the model's chat template puts nothing after an answer: none would ever end")
    first = list(tokenizer(after.lstrip(), add_special_tokens=False).input_ids)[:1]
    ends = _ends(recipe, tokenizer)
    if not first or first[0] not in ends:
        known = ", ".join(repr(tokenizer.decode([end])) for end in sorted(ends))
        raise TrainingError(
            f"the template ends a turn with {after.strip()[:20]!r}, which doesn't end an answer ({known} would);"
            " add its id to eos_token_id in the model's generation_config.json"
        )
    return str(tokenizer.decode(first))


def _ends(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Ids of the tokens that generation ends with, as `TransformersGenerator` takes them."""
    from transformers import GenerationConfig

    from lacie_training.check.skeleton import model_config
    from lacie_training.generators.loading import gguf_path

    config = model_config(recipe.speaker)
    generation = GenerationConfig.from_model_config(config)
    if gguf_path(recipe.speaker.model) is None:
        with suppress(OSError):  # a model may have none of its own
            revision = recipe.speaker.revision or "main"
            generation = GenerationConfig.from_pretrained(recipe.speaker.model, revision=revision)
    ends = generation.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return {int(token) for token in [*ends, tokenizer.eos_token_id] if token is not None}
