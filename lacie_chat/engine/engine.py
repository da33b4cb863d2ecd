"""The engine in this process: one model, a context a role, each made when it is first needed."""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lacie_chat.confidence.listener import Listener, listener_over
from lacie_chat.engine import native, template_sandbox
from lacie_chat.engine.context import Context
from lacie_chat.engine.draft import Thinker
from lacie_chat.engine.ears import Ears, bytes_beside, needs_over_speaker
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import GenerationEvent, LoadProgress, ModelInfo, PromptSize
from lacie_chat.engine.fitting import ContextNeed
from lacie_chat.engine.going_on import size_behind, tokens_of
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import Gate, StopFlag
from lacie_chat.engine.prompt import size_of
from lacie_chat.engine.settings import ChatTurn, EngineSettings, Said, Sampling
from lacie_chat.engine.speaker import Answer
from lacie_chat.engine.template import ChatTemplate
from lacie_chat.listener_files import Part

if TYPE_CHECKING:
    from lacie_chat.confidence.reader import Reader

ASIDE_CTX = 2048
"""Room of an answer that is drawn aside; a longer conversation loses its oldest turns there."""


class Engine:
    """See EngineLike. What needs the model loads it. `log_path` takes llama.cpp's log (default: in the log folder)."""

    def __init__(self, settings: EngineSettings, *, log_path: Path | None = None) -> None:
        self._settings, self._log_path = settings, log_path
        self._lock = threading.RLock()
        self._hearing = threading.Lock()
        self._gate = Gate()
        self._model: Model | None = None
        self._template: ChatTemplate | None = None
        self._thinker: Thinker | None = None
        self._contexts: dict[Path | None, Context] = {}  # by the adapter over it
        self._asides: dict[Path | None, Context] = {}
        self._ears: Ears | None = None
        self._info: ModelInfo | None = None
        self._answers: weakref.WeakSet[Answer] = weakref.WeakSet()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def load(self, on_progress: Callable[[LoadProgress], None] | None = None) -> ModelInfo:
        """Load the model (once; later calls return the same info). Raises EngineError, one line, if it can't be."""
        with self._lock:
            if self._closed:
                raise EngineError("The engine is closed.")
            if self._info is None:
                native.start(self._log_path)
                template_sandbox.begin()  # it is ready when the model is
                try:
                    settings = self._settings
                    needs = [*_speaking(settings), *needs_over_speaker(settings)]
                    self._model = Model(
                        settings, on_progress, needs=needs, beside=lambda runs: bytes_beside(settings, runs)
                    )
                    self._template = ChatTemplate(self._model)
                    self._thinker = Thinker(self._model, self._template)
                    thinks = self._thinker.habit is not None
                    n_ctx = self._context(self._settings.adapter_path).n_ctx
                    self._info = self._model.info(n_ctx, self._template.asked_as, thinks=thinks)
                except BaseException:
                    self._free()
                    raise
            return self._info

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
        return self.begin(turns, sampling, baseline=baseline, adapter=adapter, aside=aside, going_on=going_on)

    def begin(
        self,
        turns: Sequence[ChatTurn],
        sampling: Sampling,
        *,
        baseline: bool = False,
        adapter: Path | None = None,
        aside: bool = False,
        going_on: Said | None = None,
    ) -> Answer:
        """As `generate`; what it returns can also be cancelled by itself."""

        def prepare() -> tuple[Context, Model, Thinker]:
            with self._lock:
                self.load()
                assert self._model is not None and self._thinker is not None
                over = adapter or (None if baseline else self._settings.adapter_path)
                return self._context(over, aside=aside), self._model, self._thinker

        answer = Answer(prepare, turns, sampling, going_on)
        answer.aside = aside
        self._answers.add(answer)
        return answer

    def measure(self, turns: Sequence[ChatTurn], sampling: Sampling, going_on: Said | None = None) -> PromptSize:
        """How much of the context these turns would take, asked so, with whichever adapter; reads nothing. Raises
        EngineError as `generate` fails."""
        with self._lock:
            n_ctx = self.load().n_ctx
            assert self._model is not None and self._thinker is not None
            model, thinker = self._model, self._thinker
        opened, room = thinker.opened(turns, sampling.reasoning), thinker.room(sampling)
        if going_on is None:
            return size_of(turns, model, opened.template, n_ctx=n_ctx, max_tokens=room)
        said = len(tokens_of(going_on, thinker, model, opened.opening))
        return size_behind(turns, model, opened.template, n_ctx=n_ctx, said=said, max_tokens=room)

    def cancel(self) -> None:
        """Stop every generation in progress within 200 ms, also while one reads its prompt, and what is read in
        parallel. No-op when idle."""
        for answer in list(self._answers):
            answer.cancel()
        self.make_way()

    def answer_now(self) -> None:
        """End the thoughts in progress and go to their answers; answers drawn aside go on. No-op when idle."""
        for answer in list(self._answers):
            if not answer.aside:
                answer.answer_now()

    def make_way(self) -> None:
        """Stop what can wait: answers drawn aside, and what `patient_listener` reads. No-op when idle."""
        for answer in list(self._answers):
            if answer.aside:
                answer.cancel()
        if self._ears is not None:
            self._ears.stop()

    silent = False
    """Who calls an engine in their own process can't outlive it."""

    def end(self) -> None:
        """As `close`."""
        self.close()

    @property
    def listener(self) -> Listener:
        """Who hears; loaded with the first use of a part."""
        return listener_over(self._settings.ears, self.reader)

    @property
    def patient_listener(self) -> Listener:
        """The same for what can wait: many texts side by side, stopped by `cancel`."""
        return listener_over(self._settings.ears, lambda part: self.reader(part, patient=True))

    def reader(self, part: Part, *, patient: bool = False) -> "Reader":
        """What reads for a part of the listener. Raises EngineError where the listener can't be loaded."""
        self.load()
        with self._hearing:  # not the engine's own lock: an answer need not wait for a listener that is being made
            if self._closed:
                raise EngineError("The engine is closed.")
            if self._ears is None:
                self._ears = Ears(
                    self._settings.ears,
                    gate=self._gate,
                    speaker=self._model,
                    machine=self._settings.of_listener(),
                )
            return self._ears.patient_reader(part) if patient else self._ears.reader(part)

    def close(self) -> None:
        """Free everything; answers in progress end. The engine can't be used afterwards."""
        self._closed = True
        self.cancel()
        if self._ears is not None:
            self._ears.stop_all()
        with self._hearing, self._lock, self._gate.passed(StopFlag()):
            self._free()

    def _context(self, over: Path | None, *, aside: bool = False) -> Context:
        """The context with this adapter over the weights, made when it is first wanted."""
        assert self._model is not None
        contexts = self._asides if aside else self._contexts
        if over not in contexts:
            adapter = None if over is None else self._model.adapter_of(over)
            n_ctx = min(self._model.n_ctx, ASIDE_CTX) if aside else self._model.n_ctx
            contexts[over] = Context(self._model, n_ctx, self._gate, adapter=adapter, checkpoints=True)
        return contexts[over]

    def _free(self) -> None:
        if self._ears is not None:
            self._ears.free()
            self._ears = None
        for context in (*self._contexts.values(), *self._asides.values()):
            context.free()
        self._contexts.clear()
        self._asides.clear()
        if self._model is not None:
            self._model.free()
            self._model = None


def _speaking(settings: EngineSettings) -> list[ContextNeed]:
    """The contexts that `Engine._context` may come to make."""
    purposes = ["answers"] + ["answers without the adapter"] * (settings.adapter_path is not None)
    purposes += ["answers with further adapters"] * len(settings.further_adapters)
    aside = ContextNeed("answers aside", ASIDE_CTX, follows=True, keeps=True)
    return [*(ContextNeed(purpose, keeps=True) for purpose in purposes), *[aside] * len(purposes)]
