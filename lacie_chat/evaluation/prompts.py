"""How a question becomes the speaker's prompt; the same for sampling, training and evaluation.

`chat` models get a user turn through their own chat template, as the chat sends it. `plain` models (base models)
get text that ends without a space, and their completions begin with one, because that is how their tokenizers cut
words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lacie_chat.engine.generator import Generator
from lacie_chat.engine.settings import ChatTurn

PLAIN_STOP = "\n"
"""A base model goes on with further questions after its answer; the answer is one paragraph."""


@dataclass(frozen=True, slots=True)
class PromptForm:
    """How a speaker is asked; `instruction` holds `{question}`. The default is the chat's.

    `arguments` are given to the chat template, and a model that can think is then asked to answer at once
    (engine/reasoning.py); None: no arguments, and as the model does.
    """

    format: Literal["plain", "chat"] = "chat"
    system: str | None = None
    instruction: str = "{question}"
    arguments: Mapping[str, Any] | None = None


def turns(form: PromptForm, question: str, instruction: str | None = None) -> list[ChatTurn]:
    """The turns of a chat prompt; `instruction` replaces the plain one (style-diversified sampling)."""
    text = (instruction or form.instruction).replace("{question}", question)
    system = [ChatTurn("system", form.system)] if form.system else []
    return [*system, ChatTurn("user", text)]


def plain(form: PromptForm, question: str, instruction: str | None = None) -> str:
    """The text of a plain prompt."""
    text = (instruction or form.instruction).replace("{question}", question).rstrip()
    return f"{form.system.strip()}\n\n{text}" if form.system else text


def prompt_text(generator: Generator, form: PromptForm, question: str, instruction: str | None = None) -> str:
    """The speaker's prompt as text, plain or by the model's chat template."""
    if form.format == "plain":
        return plain(form, question, instruction)
    return generator.render(turns(form, question, instruction), form.arguments)


def stop_strings(form: PromptForm) -> tuple[str, ...]:
    """Where a response ends, besides the model's end token."""
    return (PLAIN_STOP,) if form.format == "plain" else ()


def separator(form: PromptForm) -> str:
    """What stands between prompt and completion in training."""
    return " " if form.format == "plain" else ""
