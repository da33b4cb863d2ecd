"""What an engine is started with, and what one generation is asked for. Plain values, sent to the child as they are."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lacie_chat.listener_files import ListenerFiles

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message as the chat template sees it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`n_ctx` None: the model's own length, at most 8192. `threads` None: LACIE_THREADS, else half the cores (>= 1).
    `listener` None: the model itself hears, by a prompt.
    """

    model_path: Path
    adapter_path: Path | None = None
    n_ctx: int | None = None
    threads: int | None = None
    gpu_layers: int = -1
    listener: ListenerFiles | None = None

    @property
    def ears(self) -> ListenerFiles:
        """Who hears."""
        # not above: the package it is in brings numpy, and the interface must open at once
        from lacie_chat.confidence.version import version_of_prompted

        return self.listener or ListenerFiles(self.model_path, version_of_prompted(self.model_path.stem))


ReasoningChoice = Literal["on", "off"] | int | None
"""Whether the model thinks before it answers: `on`, `off`, at most so many tokens, or as the model does (None)."""

PENALTY_WINDOW = 64
"""Tokens of the answer that the repeat penalty looks back on. Not the question's: answers must repeat its names."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one answer is drawn, by whatever draws it: penalty, top-k, top-p, min-p, temperature, draw, in this order.

    Low temperature by default: greedy is right twice as often as 0.7. `temperature` 0 is greedy. `top_k` 0, `top_p`
    1.0, `min_p` 0 and `repeat_penalty` 1.0 switch those off. What a model's maker recommends: recommended.py. One seed
    gives one text on one machine, as long as no generated token is taken from the cache (context.py says why).
    `max_tokens` are of the answer: what the model thinks before it has room of its own (`reasoning`).
    """

    temperature: float = 0.2
    top_p: float = 0.95
    top_k: int = 40
    repeat_penalty: float = 1.05
    max_tokens: int = 512
    seed: int = 0
    stop: tuple[str, ...] = field(default=())
    reasoning: ReasoningChoice = None
    min_p: float = 0.0
    longest_thought: int | None = None
    """Tokens that a thought may take, whether it is asked for or the model's own way; None: what there is room for."""
