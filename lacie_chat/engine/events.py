"""What an engine reports while it works: small typed values, the same in one process and across two.

Interfaces subscribe to these and never look into the engine. A generation's last event is `Finished` or `Failed`.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

FinishReason = Literal["stop", "length", "context", "cancelled"]
"""Why an answer ended: the model ended it, `max_tokens` were drawn, the context was full, or it was cancelled."""
ALTERNATIVES = 5
"""Tokens that are kept for each place of an answer."""


class Alternatives(NamedTuple):
    """What could have stood at the place of a drawn token.

    `text` is the drawn token's own; `likeliest` the most probable tokens there, each with its log-probability under the
    model's plain softmax, the first one first; `drawn` which of them was drawn, None if it isn't one of them. Bytes
    that are no whole character are written as ‹0xE2›, a control token by its marker.
    """

    text: str
    likeliest: tuple[tuple[str, float], ...]
    drawn: int | None


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """The model file is being read; `fraction` 0 to 1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is loaded. `metadata` are the GGUF's own scalar keys, as strings. `asked_as`: in one line how the model is
    asked, where it has no chat template or one that can't be used; else empty. `machine`: the settings that it runs
    with and why they are so, for people; `thinks`: it can think before it answers, so that switching this on and off
    means something."""

    name: str
    architecture: str
    parameters: int
    size_bytes: int
    n_ctx: int
    n_ctx_train: int
    vocabulary: int
    threads: int
    adapter: str | None
    metadata: dict[str, str]
    asked_as: str = ""
    machine: dict[str, str] = field(default_factory=dict)
    thinks: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The conversation was longer than the context, and this was left out: so many of the oldest turns (`system`: the
    system prompt is one of them), and where the last question is too long by itself, the characters `question` of it
    (first, end), which are `question_tokens`."""

    dropped_turns: int
    dropped_tokens: int
    kept_tokens: int
    system: bool = False
    question: tuple[int, int] | None = None
    question_tokens: int = 0


@dataclass(frozen=True, slots=True)
class PromptSize:
    """How many tokens a conversation takes as a prompt, and those of its last question alone, where there is `room` for
    so many of the context's `n_ctx`: the others are kept for the answer. `cut` is what would be left out.
    `said`: so many of the tokens are of an answer that is to go on."""

    tokens: int
    question: int
    room: int
    n_ctx: int
    cut: Cut | None = None
    said: int = 0

    @property
    def question_fits(self) -> bool:
        """Would the question stay whole?"""
        return self.cut is None or self.cut.question is None


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """`done` of `total` prompt tokens are read (cached ones count as done)."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Delta:
    """New text of the answer; always whole code points. `drawn`: how many tokens the engine has drawn by now, those of
    the thought too; 0 where it doesn't say."""

    text: str
    drawn: int = 0


@dataclass(frozen=True, slots=True)
class Reasoning:
    """New text of what the model thinks before it answers, without the marks around it; always whole code points.

    Kept beside the answer and no part of it: not heard, not masked, not sent back (DESIGN.md). `drawn`: see Delta.
    """

    text: str
    drawn: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer has ended. Times in seconds, from the call on; `cached_tokens` of the prompt were not read again.

    `generation_seconds` runs from the end of the prompt's reading. `mean_logprob`: of the drawn tokens, natural log,
    under the model's plain softmax (before penalty, temperature and cuts). `tokens`: those that wrote the answer, each
    with the characters of it that it had a part in and its log-probability (confidence/signals.py); `alternatives`: of
    each of these what could have stood there.

    What the model thought first is counted apart: `reasoning_tokens` are part of `completion_tokens`,
    `reasoning_seconds` of `generation_seconds`, and of neither `tokens` nor `mean_logprob`. `reasoning_open`: it ended
    inside the thought, and there is no answer to assess.
    """

    reason: FinishReason
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    time_to_first_token: float | None
    prompt_seconds: float
    generation_seconds: float
    mean_logprob: float | None = None
    tokens: tuple[tuple[int, int, float], ...] = ()
    alternatives: tuple[Alternatives, ...] = ()
    reasoning_tokens: int = 0
    reasoning_seconds: float = 0.0
    reasoning_open: bool = False

    @property
    def answer_tokens(self) -> int:
        """Tokens of the answer, without its thought."""
        return self.completion_tokens - self.reasoning_tokens

    @property
    def tokens_per_second(self) -> float | None:
        """Generation speed without the prompt; None for fewer than two tokens."""
        if self.completion_tokens < 2 or self.generation_seconds <= 0:
            return None
        return self.completion_tokens / self.generation_seconds

    def usage(self) -> dict[str, int]:
        """The `usage` object of DESIGN.md's JSON."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "cached_tokens": self.cached_tokens,
            "completion_tokens": self.completion_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            **({"reasoning_open": True} if self.reasoning_open else {}),
        }

    def timings(self) -> dict[str, float | None]:
        """The `timings` object of DESIGN.md's JSON; seconds and tokens a second."""
        return {
            "time_to_first_token": self.time_to_first_token,
            "prompt_seconds": self.prompt_seconds,
            "generation_seconds": self.generation_seconds,
            "reasoning_seconds": self.reasoning_seconds,
            "tokens_per_second": self.tokens_per_second,
        }


@dataclass(frozen=True, slots=True)
class Failed:
    """The generation could not go on; `message` is one line for the user. `engine_died`: the child process is gone."""

    message: str
    engine_died: bool = False


GenerationEvent = Cut | PromptProgress | Reasoning | Delta | Finished | Failed
