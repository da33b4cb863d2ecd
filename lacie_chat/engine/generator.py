"""The one interface over everything that produces text: responses for prompts, and (as a Reader) choice probabilities.

A stage works in chunks whose make-up hangs on its input alone, and hands a whole chunk over; so whatever a generator's
arithmetic owes to its batch is the same in every run of the same hardware. Each response has a seed of its own.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lacie_chat.confidence.reader import Reader
from lacie_chat.confidence.signals import TokenProbability
from lacie_chat.engine.settings import ChatTurn, Sampling


@dataclass(frozen=True, slots=True)
class Response:
    """One drawn text, stripped. `finish`: `stop` (end token or stop string) or `length` (cut at max_tokens).
    `probabilities`: its tokens' own, where the generator knows them. `reasoning`: what was thought before it, where the
    generator tells the two apart; `reasoning_tokens` are part of `tokens`; `reasoning_open`: it ended within the
    thought, and `text` is empty."""

    text: str
    finish: Literal["stop", "length"]
    tokens: int
    probabilities: tuple[TokenProbability, ...] = ()
    reasoning: str = ""
    reasoning_tokens: int = 0
    reasoning_open: bool = False


class Generator(Protocol):
    """A loaded speaker."""

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        """The text of a chat prompt by the model's own template, ready for the answer; without BOS.

        With `arguments` (perhaps none, `{}`) for the template the model is asked to answer without a thought.
        """
        ...

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """Draw `len(seeds[i])` responses to `prompts[i]`, one for each seed. Same seed, same chunk: same text.

        `sampling.seed` is not looked at: `seeds` are in its place. `stop` comes on top of `sampling.stop`.
        """
        ...

    @property
    def reader(self) -> Reader:
        """The same weights as listener and extractor, without the adapter."""
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


def seed_of(*parts: object) -> int:
    """A 31-bit seed from what names a row (recipe seed, purpose, question id, number): the same in every process."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:4], "big") >> 1


def choice_tokens(encode: Callable[[str], list[int]], prompt: str, choices: Sequence[Sequence[str]]) -> list[set[int]]:
    """First tokens of each choice's spellings as written after `prompt`; a token of two choices counts for neither."""
    before = encode(prompt)
    found: list[set[int]] = []
    for spellings in choices:
        tokens: set[int] = set()
        for spelling in spellings:
            after = encode(prompt + spelling)
            if after[: len(before)] == before and len(after) > len(before):
                tokens.add(after[len(before)])
        found.append(tokens)
    return [tokens.difference(*(other for j, other in enumerate(found) if j != i)) for i, tokens in enumerate(found)]
