"""A scripted engine with an adapter: a script a side, so that two threads can ask at once, and ears for wording."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event

from scripted import INFO, Answer, ScriptedEngine, ScriptedReader

from lacie_chat.confidence import TunedListener
from lacie_chat.engine.events import GenerationEvent, LoadProgress, ModelInfo, PromptSize
from lacie_chat.engine.settings import ChatTurn, Said, Sampling


class Ears(ScriptedReader):
    """Accepts what doesn't say "think"; finds the city that stands in the response."""

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        found = []
        for suffix in suffixes:
            self.acceptance = 0.31 if "think" in suffix else 0.88
            found += super().choice_probabilities(prefix, [suffix], choices)
        return found

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        self._check()
        return [" Kyoto" if "Kyoto" in suffix else " Tokyo" for suffix in suffixes]


class TwoSided:
    """See the module. Each side is a ScriptedEngine with its own `held` and `go_on`; the baseline is left."""

    def __init__(self, baseline: Sequence[Answer], adapted: Sequence[Answer], load_gate: Event | None = None) -> None:
        self.sides = {"left": ScriptedEngine(baseline, Ears()), "right": ScriptedEngine(adapted, Ears())}
        self.load_gate = load_gate
        self.silent = False

    def load(self, on_progress: Callable[[LoadProgress], None] | None = None) -> ModelInfo:
        assert self.load_gate is None or self.load_gate.wait(20)
        return INFO

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
        return self.sides["left" if baseline else "right"].generate(
            turns, sampling, baseline=baseline, aside=aside, going_on=going_on
        )

    def measure(self, turns: Sequence[ChatTurn], sampling: Sampling, going_on: Said | None = None) -> PromptSize:
        return self.sides["right"].measure(turns, sampling, going_on)

    def cancel(self) -> None:
        for engine in self.sides.values():
            engine.cancel()

    def answer_now(self) -> None:
        for engine in self.sides.values():
            engine.answer_now()

    @property
    def listener(self) -> TunedListener:
        return self.sides["right"].listener

    @property
    def patient_listener(self) -> TunedListener:
        return self.listener

    def make_way(self) -> None:
        for engine in self.sides.values():
            engine.make_way()

    def end(self) -> None:
        for engine in self.sides.values():
            engine.end()

    def close(self) -> None:
        for engine in self.sides.values():
            engine.close()
