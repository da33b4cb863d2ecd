"""The one thing that an assessment needs of a model: to read, and to say what comes next.

Extraction and listening are prompts that share a long fixed prefix and end in a short suffix, so the interface is cut
there: an engine keeps the prefix in its KV cache and reads only the suffix. llama.cpp (in this process or in the chat's
child process), transformers and vLLM each implement it; the assessment cannot tell them apart.
"""

from collections.abc import Sequence
from typing import Protocol


class Reader(Protocol):
    """A model that reads text prompts (plain text, no chat template; the tokenizer's BOS is added where it has one)."""

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Next-token probability of each choice after `prefix + suffix`, one row a suffix, one column a choice.

        A choice is a list of spellings (" yes", "Yes", …). Its probability is the sum over the distinct first tokens of
        its spellings *as the model's tokenizer writes them in that place*; a token that two choices share counts for
        neither. The values are absolute (a softmax over the whole vocabulary), so a row sums to at most 1.
        """
        ...

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """Greedy continuation of each `prefix + suffix`, cut before the first stop string or after `max_tokens`."""
        ...
