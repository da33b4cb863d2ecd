"""The engine in a child process, for the chat: a crash in native code, or the kernel's out-of-memory kill, costs an
answer and not the conversation.
"""

import contextlib
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.engine import wire
from lacie_chat.engine.child import ChildProcess
from lacie_chat.engine.errors import EngineDied, EngineError, EngineStopped
from lacie_chat.engine.events import Failed, Finished, GenerationEvent, LoadProgress, ModelInfo, PromptSize
from lacie_chat.engine.settings import ChatTurn, EngineSettings, Said, Sampling
from lacie_chat.listener_files import Part

if TYPE_CHECKING:
    from lacie_chat.confidence.listener import Listener


class EngineProcess(ChildProcess):
    """See EngineLike. `log_path` takes native output. After EngineDied or Failed(engine_died=True), make another."""

    def __init__(self, settings: EngineSettings, *, log_path: Path | None = None) -> None:
        super().__init__(log_path, model=settings.model_path)
        self._settings = settings
        self._info: ModelInfo | None = None

    def load(self, on_progress: Callable[[LoadProgress], None] | None = None) -> ModelInfo:
        """Start the process and load the model (once). Raises EngineError, one line, if it can't be."""
        if self._info is not None and self._gone is None:
            return self._info
        settings = wire.settings_data(self._settings)
        with self._request(op="load", settings=settings, log_path=str(self._log_path)) as replies:
            while True:
                event = wire.read_event(self._checked(replies.get()))
                if isinstance(event, ModelInfo):
                    self._info, self._loaded = event, True
                    return event
                if isinstance(event, LoadProgress) and on_progress is not None:
                    on_progress(event)

    def begin(self) -> None:
        """As `load`."""
        self.load()

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
        """Answer the last user turn. Yields events, the last one Finished or Failed; closing the iterator cancels."""
        return RemoteAnswer(
            self,
            turns=[asdict(turn) for turn in turns],
            sampling=asdict(sampling),
            baseline=baseline,
            adapter=str(adapter.absolute()) if adapter else None,
            aside=aside,
            going_on=asdict(going_on) if going_on else None,
        )

    def measure(self, turns: Sequence[ChatTurn], sampling: Sampling, going_on: Said | None = None) -> PromptSize:
        """How many tokens `generate` would read for the same, and what it would leave out. Raises EngineError."""
        self.load()
        said = asdict(going_on) if going_on else None
        asked = {"turns": [asdict(turn) for turn in turns], "sampling": asdict(sampling), "going_on": said}
        with self._request(op="measure", **asked) as replies:
            return wire.read_size(self._checked(replies.get())["value"])

    def cancel(self) -> None:
        """Stop the generations in progress within 200 ms, also while they read their prompts, and what is read in
        parallel; where the child doesn't do it, they end here all the same. No-op when idle."""
        self._cancel(None)
        self._call_off()

    def make_way(self) -> None:
        """Stop only what can wait: answers drawn aside, and what is read in parallel. No-op when idle."""
        self._tell("make_way")

    def answer_now(self) -> None:
        """End the thoughts in progress and go to their answers. No-op when idle."""
        self._tell("answer_now")

    @property
    def listener(self) -> "Listener":
        """Who hears, in the child."""
        from lacie_chat.confidence.listener import listener_over

        return listener_over(self._settings.ears, lambda part: RemoteReader(self, part))

    @property
    def patient_listener(self) -> "Listener":
        """The same for what can wait: many texts side by side, stopped by `cancel`."""
        from lacie_chat.confidence.listener import listener_over

        return listener_over(self._settings.ears, lambda part: RemoteReader(self, part, patient=True))

    def _cancel(self, request: int | None) -> None:
        self._tell("cancel", request=request)


class RemoteAnswer:
    """An answer made in the child; the request goes out at once. Closing it, or letting it go, cancels it."""

    def __init__(self, engine: EngineProcess, **asked: Any) -> None:
        self._engine = engine
        self._request: int | None = None
        self._failed: Failed | None = None
        self._replies: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        try:
            engine.load()
            self._request, self._replies = engine._send({"op": "generate", **asked})
        except EngineError as error:
            self._failed = Failed(str(error), engine_died=isinstance(error, EngineDied))

    def __iter__(self) -> Iterator[GenerationEvent]:
        return self

    def __next__(self) -> GenerationEvent:
        if self._failed is not None:
            failed, self._failed = self._failed, None
            return failed
        if self._request is None:
            raise StopIteration
        try:
            event = wire.read_event(self._engine._checked(self._replies.get()))
        except EngineStopped:  # it was called off, and the child says nothing
            event = Finished("cancelled", 0, 0, 0, None, 0.0, 0.0)
        except EngineError as error:
            event = Failed(str(error), engine_died=isinstance(error, EngineDied))
        assert not isinstance(event, (LoadProgress, ModelInfo))
        if isinstance(event, (Finished, Failed)):
            self._end()
        return event

    def close(self) -> None:
        """Cancel, unless it has ended."""
        self._failed = None
        if self._request is not None:
            self._engine._cancel(self._request)
            self._end()

    def __del__(self) -> None:
        with contextlib.suppress(RuntimeError):  # collected in the middle of another write: it then runs to its end
            self.close()

    def _end(self) -> None:
        assert self._request is not None
        self._engine._forget(self._request)
        self._request = None


class RemoteReader:
    """A Reader (confidence/reader.py) of one part in the child; of none: over the speaker's own weights. Raises
    EngineDied when that ends under a call."""

    def __init__(self, engine: ChildProcess, part: Part | None, *, patient: bool = False) -> None:
        self._engine, self._part, self._patient = engine, part, patient

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """See Reader."""
        rows: list[list[float]] = self._call(
            op="choices",
            prefix=prefix,
            suffixes=list(suffixes),
            choices=[list(choice) for choice in choices],
            part=self._part,
            patient=self._patient,
        )
        return rows

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See Reader."""
        texts: list[str] = self._call(
            op="complete",
            prefix=prefix,
            suffixes=list(suffixes),
            max_tokens=max_tokens,
            stop=list(stop),
            part=self._part,
            patient=self._patient,
        )
        return texts

    def _call(self, **message: Any) -> Any:
        self._engine.begin()
        with self._engine._request(**message) as replies:
            return self._engine._checked(replies.get())["value"]
