"""Answers in batches and the listener beside them, as the engine's process serves them (process.py).

What is asked goes through JSON (wire.py); batches.py and ears.py do the work, and whatever they die of costs the
process that asked nothing but the answers.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.engine import wire
from lacie_chat.engine.batches import LlamaCppGenerator
from lacie_chat.engine.ears import Ears
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.settings import Machine

if TYPE_CHECKING:
    from lacie_chat.confidence.reader import Reader


class BatchService:
    """What one `open` names: a speaker, a listener, or both. Raises EngineError."""

    def __init__(self, message: dict[str, Any]) -> None:
        machine = Machine(**message["machine"])
        self._generator: LlamaCppGenerator | None = None
        self._ears: Ears | None = None
        if message["model"] is not None:
            self._generator = LlamaCppGenerator.load(
                Path(message["model"]),
                adapter=Path(message["adapter"]) if message["adapter"] else None,
                batch_size=message["batch_size"],
                context=message["context"],
                reasoning=message["reasoning"],
                machine=machine,
            )
        if message["listener"] is not None:
            speaker = self._generator.model if self._generator is not None else None
            self._ears = Ears(wire.read_listener(message["listener"]), speaker=speaker, machine=machine)

    def render(self, message: dict[str, Any]) -> str:
        """A chat prompt's text."""
        return self._speaker.render(wire.read_turns(message["turns"]), message["arguments"])

    def respond(self, message: dict[str, Any]) -> list[list[dict[str, Any]]]:
        """The responses to each prompt."""
        drawn = self._speaker.respond(
            message["prompts"], wire.read_sampling(message["sampling"]), message["seeds"], stop=message["stop"]
        )
        return [[asdict(response) for response in each] for each in drawn]

    def reader(self, message: dict[str, Any]) -> "Reader":
        """That of a part of the listener; with none, that over the speaker's own weights."""
        if message["part"] is None:
            return self._speaker.reader
        if self._ears is None:
            raise EngineError("There is no listener.")
        return self._ears.reader(message["part"])

    @property
    def _speaker(self) -> LlamaCppGenerator:
        if self._generator is None:
            raise EngineError("There is no speaker.")
        return self._generator
