"""Answers in batches, and a listener, in a child process: for evaluate, compare, calibrate, train and listen.

They take any file, and what llama.cpp dies of is to be one line, as in the chat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lacie_chat.engine import wire
from lacie_chat.engine.child import ChildProcess
from lacie_chat.engine.client import RemoteReader
from lacie_chat.engine.generator import Response
from lacie_chat.engine.settings import USUAL, ChatTurn, Machine, ReasoningChoice, Sampling
from lacie_chat.listener_files import ListenerFiles

if TYPE_CHECKING:
    from lacie_chat.confidence.listener import Listener
    from lacie_chat.confidence.reader import Reader


class BatchProcess(ChildProcess):
    """A Generator (generator.py) over a GGUF, perhaps with an adapter GGUF, and the listener beside it. Everything
    raises EngineError, one line; EngineDied where the child ended."""

    def __init__(self, opened: dict[str, Any], listener: ListenerFiles | None, log_path: Path | None) -> None:
        file = opened["model"] or (listener.model_path if listener is not None else None)
        super().__init__(log_path, model=Path(file) if file else None)
        self._opened, self._listener_files = opened, listener

    @classmethod
    def load(
        cls,
        path: Path | None,
        *,
        adapter: Path | None = None,
        batch_size: int = 1,
        context: int = 0,
        reasoning: ReasoningChoice = None,
        machine: Machine = USUAL,
        listener: ListenerFiles | None = None,
        log_path: Path | None = None,
    ) -> Self:
        """Start a process and load what is named into it: see LlamaCppGenerator.load, and Ears. Without a `path` it
        only listens."""
        opened = {
            "model": str(path.absolute()) if path is not None else None,
            "adapter": str(adapter.absolute()) if adapter is not None else None,
            "batch_size": batch_size,
            "context": context,
            "reasoning": reasoning,
            "machine": asdict(machine),
            "listener": wire.settings_data(listener) if listener is not None else None,
        }
        child = cls(opened, listener, log_path)
        try:
            child.begin()
        except BaseException:
            child.close()
            raise
        return child

    def begin(self) -> None:
        """Load, once."""
        if not self._loaded:
            self._value(op="open", log_path=str(self._log_path), **self._opened)
            self._loaded = True

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        """See Generator."""
        given = dict(arguments) if arguments is not None else None
        return str(self._value(op="render", turns=[asdict(turn) for turn in turns], arguments=given))

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """See Generator."""
        drawn = self._value(
            op="respond",
            prompts=list(prompts),
            sampling=asdict(sampling),
            seeds=[list(each) for each in seeds],
            stop=list(stop),
        )
        return [[_response(response) for response in each] for each in drawn]

    @property
    def reader(self) -> "Reader":
        """See Generator."""
        return RemoteReader(self, None)

    @property
    def listener(self) -> "Listener":
        """Who hears; named at the load."""
        from lacie_chat.confidence.listener import listener_over

        assert self._listener_files is not None
        return listener_over(self._listener_files, lambda part: RemoteReader(self, part))

    def _value(self, **message: Any) -> Any:
        with self._request(**message) as replies:
            return self._checked(replies.get())["value"]


def _response(data: dict[str, Any]) -> Response:
    """As it was before it went through JSON, which knows no tuples."""
    probabilities = tuple((start, end, logprob) for start, end, logprob in data["probabilities"])
    return Response(**{**data, "probabilities": probabilities})
