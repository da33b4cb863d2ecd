"""With and without the adapter at once, through the engine's process: interleaved, each as if alone, stopped
together.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import ask
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
)

STORY = "Write a very long story."
BOTH = (True, False)
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
    """With and without the adapter at once, each read by a thread of its own; `order` is where each piece of text came
    from (True: from the baseline).
    """

    def __init__(self, engine: EngineProcess, sampling: Sampling) -> None:
        self.order: list[bool] = []
        self.wrote = threading.Condition()
        self.events: dict[bool, list[GenerationEvent]] = {baseline: [] for baseline in BOTH}
        turns = [ChatTurn("user", STORY)]
        self.answers = {baseline: engine.generate(turns, sampling, baseline=baseline) for baseline in BOTH}
        self.threads = [threading.Thread(target=self._read, args=(baseline,)) for baseline in BOTH]
        for thread in self.threads:
            thread.start()

    def _read(self, baseline: bool) -> None:
        for event in self.answers[baseline]:
            with self.wrote:
                self.events[baseline].append(event)
                if isinstance(event, Delta):
                    self.order.append(baseline)
                self.wrote.notify()

    def wait(self) -> "Both":
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        return self

    def until_both_write(self) -> None:
        with self.wrote:
            assert self.wrote.wait_for(lambda: min(self.order.count(baseline) for baseline in BOTH) >= 3, timeout=60)

    def end(self, baseline: bool) -> GenerationEvent:
        return self.events[baseline][-1]

    def text(self, baseline: bool) -> str:
        return "".join(event.text for event in self.events[baseline] if isinstance(event, Delta))


def test_both_stream_interleaved_and_each_says_what_it_says_alone(adapted: EngineProcess) -> None:
    alone = {baseline: ask(adapted, STORY, SHORT, baseline) for baseline in BOTH}
    both = Both(adapted, SHORT).wait()
    for baseline in BOTH:
        assert both.text(baseline) == alone[baseline].text
    assert both.text(False) != both.text(True)
    changes = sum(before != after for before, after in zip(both.order, both.order[1:], strict=False))
    assert changes > len(both.order) // 2, f"token by token in turn: {both.order}"


def test_cancel_stops_both_and_closing_one_leaves_the_other(adapted: EngineProcess) -> None:
    both = Both(adapted, LONG)
    both.until_both_write()
    started = time.perf_counter()
    adapted.cancel()
    both.wait()
    assert time.perf_counter() - started < 1
    for baseline in BOTH:
        end = both.end(baseline)
        assert isinstance(end, Finished) and end.reason == "cancelled" and both.text(baseline)

    turns = [ChatTurn("user", STORY)]
    first = adapted.generate(turns, SHORT, baseline=True)
    second = adapted.generate(turns, SHORT, baseline=False)
    next(event for event in first if isinstance(event, Delta))
    first.close()  # type: ignore[attr-defined]
    *_, last = second
    assert isinstance(last, Finished) and last.completion_tokens == SHORT.max_tokens


def test_a_death_ends_both_in_one_line(adapted: EngineProcess) -> None:
    both = Both(adapted, LONG)
    both.until_both_write()
    os.kill(adapted.pid or 0, signal.SIGKILL)
    both.wait()
    for baseline in BOTH:
        end = both.end(baseline)
        assert isinstance(end, Failed) and end.engine_died and "SIGKILL" in end.message
        assert both.text(baseline)
