"""An engine that says what a test tells it to: for what a real model can't be asked to do on cue.

It keeps to the engine's contract (events, cancelling, dying) and its reader to the listener's. Tests of what people see
with a real model use the real engine (test_real_engine.py).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from threading import Event
from typing import Any

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.confidence import ASSESSMENT_VERSION, TunedListener, lexical_cues
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import (
    Alternatives,
    Delta,
    Failed,
    Finished,
    GenerationEvent,
    LoadProgress,
    ModelInfo,
    PromptProgress,
    PromptSize,
    Reasoning,
)
from lacie_chat.engine.settings import ChatTurn, Said, Sampling

INFO = ModelInfo(
    name="Scripted-135M",
    architecture="llama",
    parameters=135_000_000,
    size_bytes=98_000_000,
    n_ctx=2048,
    n_ctx_train=2048,
    vocabulary=49152,
    threads=1,
    adapter=None,
    metadata={},
)


@dataclass
class Answer:
    """One generation: `events` before the text, then the text in `pieces`. After `hold_after` pieces it waits until the
    engine's `go_on` is set (or it is cancelled); `dies` or `fails` end it there. `tokens` and `alternatives` are those
    of Finished, `reason` too.

    Before the pieces it thinks `thought`, and waits after `hold_thought_after` pieces of that; `answer_now` ends the
    thought there. Without pieces it ends inside the thought."""

    pieces: Sequence[str]
    events: Sequence[GenerationEvent] = ()
    hold_after: int | None = None
    dies: bool = False
    fails: str = ""
    tokens: tuple[tuple[int, int, float], ...] = ()
    alternatives: tuple[Alternatives, ...] = ()
    thought: Sequence[str] = ()
    hold_thought_after: int | None = None
    reason: str = "stop"


@dataclass
class ScriptedReader:
    """Extracts `spans[response]`-like answers and accepts by wording, both as told."""

    answer: str = "none"
    acceptance: float = 0.8
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        self._check()
        self.asked += suffixes
        return [[self.acceptance * 0.9, (1 - self.acceptance) * 0.9, *[0.0] * (len(choices) - 2)] for _ in suffixes]

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        self._check()
        return [f" {self.answer}" for _ in suffixes]

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


class ByWording(ScriptedReader):
    """Sounds unsure of what has hedges; fails as often as `failures` says."""

    failures: Sequence[Exception] = ()

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        if len(suffixes) > 1 and self.failures:
            error, *self.failures = self.failures
            raise error
        super().choice_probabilities(prefix, suffixes, choices)
        return [[0.2, 0.7] if lexical_cues(suffix)[0] else [0.8, 0.1] for suffix in suffixes]


class ScriptedEngine:
    """See the module. `held` is set while an answer waits for `go_on`."""

    def __init__(
        self,
        answers: Sequence[Answer] = (),
        reader: ScriptedReader | None = None,
        *,
        load_error: EngineError | None = None,
        load_gate: Event | None = None,
        sample_texts: Sequence[str] = ("It is the Danube.",),
        sample_gate: Event | None = None,
        sample_thought: str = "",
        thinks: bool = False,
        sizes: Sequence[PromptSize] = (),
    ) -> None:
        self.answers = list(answers)
        self.scripted_reader = reader or ScriptedReader()
        self.load_error = load_error
        self.load_gate = load_gate
        self.sample_texts = sample_texts
        self.sample_gate = sample_gate
        self.sample_thought = sample_thought
        self.thinks = thinks
        self.sizes = list(sizes)
        """What it measures, one after the other; then a few words that fit."""
        self.samples: list[Sampling] = []
        self.version = ASSESSMENT_VERSION
        """Of the assessment in which it hears."""
        self._made_way = Event()
        self.prompts: list[list[ChatTurn]] = []
        self.samplings: list[Sampling] = []
        self.going_on: list[Said | None] = []
        """Of each answer: what it has said before."""
        self.baselines: list[bool] = []
        """Of each answer: was the baseline asked for?"""
        self.adapters: list[Path | None] = []
        """Of each answer: with which adapter instead of the engine's own?"""
        self.held = Event()
        self.go_on = Event()
        self.dead = False
        self.silent = False
        self.closed = False
        self._cancelled = Event()
        self._answer_now = Event()
        self.hurried = 0
        """How often it was asked to answer now."""

    def load(self, on_progress: Callable[[LoadProgress], None] | None = None) -> ModelInfo:
        if on_progress is not None:
            on_progress(LoadProgress(0.4))
        deadline = time.monotonic() + 20
        while self.load_gate is not None and not self.load_gate.wait(0.005):
            assert time.monotonic() < deadline, "the test never let it load"
            if self.closed or self.dead:
                raise EngineDied("the engine was closed")
        if self.load_error is not None:
            raise self.load_error
        return replace(INFO, thinks=self.thinks)

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
        if self.dead:
            raise EngineDied("the engine's process is gone")
        if aside:
            yield from self._sample(sampling)
            return
        self.prompts.append(list(turns))
        self.samplings.append(sampling)
        self.baselines.append(baseline)
        self.going_on.append(going_on)
        self.adapters.append(adapter)
        self._cancelled.clear()
        self._answer_now.clear()
        answer = self.answers.pop(0)
        yield from answer.events
        thought = 0
        for number in range(len(answer.thought) + 1):
            if number == answer.hold_thought_after:
                self._hold()
            if self._cancelled.is_set():
                yield thinking(finished(number, reason="cancelled"), number, is_open=True)
                return
            if self._answer_now.is_set() or number == len(answer.thought):
                break
            yield Reasoning(answer.thought[number])
            thought = number + 1
        for number, piece in enumerate(answer.pieces):
            if number == answer.hold_after:
                self._hold()
            if self.dead:
                yield Failed("the engine was ended", engine_died=True)
                return
            if self._cancelled.is_set():
                yield thinking(finished(thought + number, reason="cancelled"), thought)
                return
            yield Delta(piece)
        if answer.hold_after == len(answer.pieces) and answer.pieces:
            self._hold()
        if answer.dies:
            self.dead = True
            yield Failed("the engine's process was killed (signal 9)", engine_died=True)
        elif answer.fails:
            yield Failed(answer.fails)
        else:
            reason = "cancelled" if self._cancelled.is_set() else answer.reason
            end = thinking(finished(thought + len(answer.pieces), reason), thought, is_open=not answer.pieces)
            yield replace(end, tokens=answer.tokens, alternatives=answer.alternatives)

    def measure(self, turns: Sequence[ChatTurn], sampling: Sampling, going_on: Said | None = None) -> PromptSize:
        if self.dead:
            raise EngineDied("the engine's process is gone")
        return self.sizes.pop(0) if self.sizes else PromptSize(41, 12, INFO.n_ctx - 512, INFO.n_ctx)

    def _sample(self, sampling: Sampling) -> Iterator[GenerationEvent]:
        """A sample drawn aside; a test that holds it lets it go by `sample_gate`, or `make_way` does."""
        self.samples.append(sampling)
        self._made_way.clear()
        while self.sample_gate is not None and not self.sample_gate.is_set() and not self._made_way.is_set():
            yield PromptProgress(0, 1)
            self._made_way.wait(0.005)
        if self._made_way.is_set():
            yield finished(0, reason="cancelled")
        else:
            text = self.sample_texts[sampling.seed % len(self.sample_texts)]
            if self.sample_thought:
                yield Reasoning(self.sample_thought)
            if text:
                yield Delta(text)
            yield thinking(finished(4), 2 if self.sample_thought else 0, is_open=not text)

    def _hold(self) -> None:
        self.held.set()
        assert self.go_on.wait(20), "the test never let the answer go on"
        self.held.clear()
        self.go_on.clear()

    def make_way(self) -> None:
        self._made_way.set()

    def answer_now(self) -> None:
        self.hurried += 1
        self._answer_now.set()
        self.go_on.set()

    def cancel(self) -> None:
        self.make_way()
        self._cancelled.set()
        self.go_on.set()

    @property
    def listener(self) -> TunedListener:
        return TunedListener(self.scripted_reader, self.scripted_reader, self.version)

    @property
    def patient_listener(self) -> TunedListener:
        return self.listener

    def end(self) -> None:
        self.dead, self.silent = True, False
        self.go_on.set()

    def close(self) -> None:
        self.closed = True
        self.cancel()


def finished(tokens: int, reason: str = "stop") -> Finished:
    """Figures that never change, for snapshots."""
    return Finished(
        reason=reason,  # type: ignore[arg-type]
        prompt_tokens=41,
        cached_tokens=12,
        completion_tokens=tokens,
        time_to_first_token=0.21,
        prompt_seconds=0.2,
        generation_seconds=tokens / 40,
    )


def thinking(end: Finished, tokens: int, *, is_open: bool = False) -> Finished:
    """The same after a thought of so many tokens, a second each."""
    return replace(end, reasoning_tokens=tokens, reasoning_seconds=float(tokens), reasoning_open=is_open and tokens > 0)


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait for what other threads do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def speaker_first(make: Callable[[], Any], model_name: str, arguments: dict[str, Any]) -> ChatSpeaker:
    """A speaker with those of the arguments that are its own, which are taken out: the others are the chat's."""
    own = {each.name for each in fields(ChatSpeaker)} & set(arguments)
    return ChatSpeaker(make, model_name, **{name: arguments.pop(name) for name in own})
