"""What the rest of the house knows of an engine, whether it runs here (`Engine`) or in a child (`EngineProcess`).

All calls block, and may be made from several threads: the interface calls from thread workers. `cancel` and `close` may
come from any thread at any time.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lacie_chat.engine.events import GenerationEvent, LoadProgress, ModelInfo, PromptSize
from lacie_chat.engine.settings import ChatTurn, Said, Sampling

if TYPE_CHECKING:  # the package it is in brings numpy, and the interface must open at once
    from lacie_chat.confidence.listener import Listener


class EngineLike(Protocol):
    """A loaded, or still to be loaded, model."""

    def load(self, on_progress: Callable[[LoadProgress], None] | None = None) -> ModelInfo:
        """Load the model (once; later calls return the same info). Raises EngineError, one line, if it can't be."""
        ...

    def generate(
        self,
        turns: Sequence[ChatTurn],
        sampling: Sampling,
        *,
        baseline: bool = False,
        adapter: Path | None = None,
        aside: bool = False,
        going_on: Said | None = None,
    ) -> Iterator[GenerationEvent]:
        """Answer the last user turn. Yields events, the last one `Finished` or `Failed`; closing it cancels.

        `baseline`: without the adapter, if there is one. `adapter`: with this one over the same weights instead of the
        engine's own; any that fits them, loaded when it is first asked for. `aside`: in a context of its own, so that
        the conversation's cache stays as it is for the next question. `going_on`: the answer has said this already,
        which stays whole; only what is new is told (places of tokens count from its first character).
        """
        ...

    def measure(self, turns: Sequence[ChatTurn], sampling: Sampling, going_on: Said | None = None) -> PromptSize:
        """How many tokens `generate` would read for the same, and what it would leave out. Raises EngineError."""
        ...

    def cancel(self) -> None:
        """Stop the generations in progress within 200 ms, also while they read their prompts, and what
        `patient_listener` reads. No-op when idle."""
        ...

    def answer_now(self) -> None:
        """End the thoughts in progress and go to their answers; also one that is still to begin. Answers drawn aside go
        on as they are. No-op when idle, and for an answer that has begun."""
        ...

    @property
    def silent(self) -> bool:
        """Has it given no sign of life for some seconds, though it is to do something? It may yet come back."""
        ...

    def end(self) -> None:
        """End it at once, as if it had died, whatever state it is in: who waits for it gets EngineDied."""
        ...

    @property
    def listener(self) -> "Listener":
        """Who hears what is answered, whichever model that is; in contexts of its own. Loaded when first used."""
        ...

    def make_way(self) -> None:
        """Stop only what can wait, as soon: answers drawn aside, and what `patient_listener` reads. No-op when idle."""
        ...

    @property
    def patient_listener(self) -> "Listener":
        """The same listener for what can wait: many texts side by side; stopped, it raises EngineStopped."""
        ...

    def close(self) -> None:
        """Free everything (ends the child process). The engine can't be used afterwards."""
        ...
