"""Text to token ids and back to a prompt's form, as all that runs on a transformers tokenizer does it.

Ids are made here and nowhere else, so that the same prompt is the same tokens in transformers, in vLLM and while the
model learns, whatever a library adds to a text by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lacie_chat.engine.generator import choice_tokens
from lacie_chat.engine.settings import ChatTurn
from lacie_training.generators.chat_prompts import chat_prompt

Choices = Sequence[Sequence[str]]


class Encoding:
    """A tokenizer, and what was looked up with it."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        bos = getattr(tokenizer, "bos_token_id", None)
        self.bos = bos if bos is not None and list(tokenizer("a").input_ids)[:1] == [bos] else None
        self._choices: dict[tuple[str, tuple[tuple[str, ...], ...]], list[set[int]]] = {}

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        """A chat prompt by the tokenizer's template, see `chat_prompt`."""
        text = chat_prompt(self.tokenizer, turns, arguments)
        return text.removeprefix(self.tokenizer.bos_token) if self.bos is not None else text

    def encode(self, text: str) -> list[int]:
        """Token ids with the BOS in front where this tokenizer wants one (and only one)."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, of many texts in one call of the tokenizer."""
        if not texts:
            return []
        found = [list(ids) for ids in self.tokenizer(list(texts), add_special_tokens=False).input_ids]
        return [[self.bos, *ids] if self.bos is not None and ids[:1] != [self.bos] else ids for ids in found]

    def choices_after(self, text: str, choices: Choices) -> list[set[int]]:
        """See `choice_tokens`; once for each last line: a token never reaches over the line break before it."""
        key = text.rpartition("\n")[2], tuple(tuple(each) for each in choices)
        if key not in self._choices:
            self._choices[key] = choice_tokens(self.encode, text, choices)
        return self._choices[key]


def cut_at(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop string; those that it begins with (after line breaks and spaces) don't count."""
    lead = len(text) - len(text.lstrip("\n "))
    return text[: min((place for mark in stop if (place := text.find(mark, lead)) >= 0), default=len(text))]
