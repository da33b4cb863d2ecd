"""Both sides at once through the engine's process: interleaved, each as if alone, stopped together."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import Collected, ask
from random_adapter import write_random_adapter

from lacie_chat.engine import (
    ChatTurn,
    Delta,
    EngineProcess,
    EngineSettings,
    Failed,
    Finished,
    GenerationEvent,
    Sampling,
    Side,
)

STORY = "Write a very long story."
SIDES: tuple[Side, Side] = ("baseline", "speaker")
SHORT = Sampling(temperature=0.8, seed=11, max_tokens=16)
LONG = Sampling(temperature=0.8, seed=11, max_tokens=900)


@pytest.fixture
def adapted(embedded_model: Path, tmp_path: Path) -> Iterator[EngineProcess]:
    adapter = write_random_adapter(tmp_path / "random-LoRA.gguf", strength=0.3)
    settings = EngineSettings(embedded_model, adapter_path=adapter, n_ctx=1024)
    with EngineProcess(settings, log_path=tmp_path / "engine.log") as process:
        process.load()
        yield process


class Both:
    """Both sides answer, each read by a thread of its own; `order` is which side each piece of text came from."""

    def __init__(self, engine: EngineProcess, sampling: Sampling) -> None:
        self.order: list[Side] = []
        self.events: dict[Side, list[GenerationEvent]] = {side: [] for side in SIDES}
        turns = [ChatTurn("user", STORY)]
        self.answers = {side: engine.generate(turns, sampling, side=side) for side in SIDES}
        self.threads = [threading.Thread(target=self._read, args=(side,)) for side in SIDES]
        for thread in self.threads:
            thread.start()

    def _read(self, side: Side) -> None:
        for event in self.answers[side]:
            self.events[side].append(event)
            if isinstance(event, Delta):
                self.order.append(side)

    def wait(self) -> "Both":
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        return self

    def until_both_write(self) -> None:
        deadline = time.monotonic() + 30
        while min(self.order.count(side) for side in SIDES) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def end(self, side: Side) -> GenerationEvent:
        return self.events[side][-1]

    def text(self, side: Side) -> str:
        return "".join(event.text for event in self.events[side] if isinstance(event, Delta))


def test_both_stream_interleaved_and_each_says_what_it_says_alone(adapted: EngineProcess) -> None:
    alone: dict[Side, Collected] = {side: ask(adapted, STORY, SHORT, side) for side in SIDES}
    both = Both(adapted, SHORT).wait()
    for side in SIDES:
        assert both.text(side) == alone[side].text
    assert both.text("speaker") != both.text("baseline")
    changes = sum(before != after for before, after in zip(both.order, both.order[1:], strict=False))
    assert changes > len(both.order) // 2, f"token by token in turn: {both.order}"


def test_cancel_stops_both_and_closing_one_leaves_the_other(adapted: EngineProcess) -> None:
    both = Both(adapted, LONG)
    both.until_both_write()
    started = time.perf_counter()
    adapted.cancel()
    both.wait()
    assert time.perf_counter() - started < 1
    for side in SIDES:
        end = both.end(side)
        assert isinstance(end, Finished) and end.reason == "cancelled" and both.text(side)

    turns = [ChatTurn("user", STORY)]
    first = adapted.generate(turns, SHORT, side="baseline")
    second = adapted.generate(turns, SHORT, side="speaker")
    next(event for event in first if isinstance(event, Delta))
    first.close()  # type: ignore[attr-defined]
    *_, last = second
    assert isinstance(last, Finished) and last.completion_tokens == SHORT.max_tokens


def test_a_death_ends_both_in_one_line(adapted: EngineProcess) -> None:
    both = Both(adapted, LONG)
    both.until_both_write()
    os.kill(adapted.pid or 0, signal.SIGKILL)
    both.wait()
    for side in SIDES:
        end = both.end(side)
        assert isinstance(end, Failed) and end.engine_died and "SIGKILL" in end.message
        assert both.text(side)
