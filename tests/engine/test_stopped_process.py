"""A child that does nothing (it was stopped, or the system lets it do nothing): it is said, and nobody waits for it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answers import GREEDY, ask, collect

from lacie_chat.engine import ChatTurn, Delta, EngineProcess, EngineSettings, EngineStopped, Failed, Finished, Sampling
from lacie_chat.engine import child as child_module

LONG = [ChatTurn("user", "Write a very long story.")]
ENDLESS = Sampling(max_tokens=3000)


@pytest.fixture
def engine(embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProcess]:
    monkeypatch.setattr(child_module, "BEAT_SECONDS", 0.2)
    with EngineProcess(EngineSettings(embedded_model, n_ctx=4096), log_path=tmp_path / "engine.log") as process:
        process.load()
        yield process
        if process.pid is not None and process.silent:
            os.kill(process.pid, signal.SIGCONT)


def wait_for(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.02)


def begun(engine: EngineProcess) -> Iterator[object]:
    """An answer in which something has been said."""
    events = engine.generate(LONG, ENDLESS)
    next(event for event in events if isinstance(event, Delta))
    return events


def stop(engine: EngineProcess) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)


def test_what_was_called_off_ends_and_who_comes_back_goes_on(engine: EngineProcess) -> None:
    expected = ask(engine).text
    events = begun(engine)
    assert not engine.silent
    stop(engine)
    wait_for(lambda: engine.silent)
    engine.cancel()
    end = collect(events).end  # type: ignore[arg-type]
    assert isinstance(end, Finished) and end.reason == "cancelled"
    wait_for(lambda: not engine.silent)  # nothing is asked of it
    engine_pid = engine.pid
    assert engine_pid is not None
    os.kill(engine_pid, signal.SIGCONT)
    assert ask(engine).text == expected and engine.pid == engine_pid


def test_it_is_patient_with_one_that_only_just_stopped(engine: EngineProcess) -> None:
    events = begun(engine)
    stop(engine)
    engine.cancel()
    end = collect(events).end  # type: ignore[arg-type]
    assert isinstance(end, Finished) and end.reason == "cancelled"


def test_a_measuring_ends_too_and_a_long_prompt_does_not_hang_who_sends_it(engine: EngineProcess) -> None:
    stop(engine)
    threading.Timer(0.3, engine.cancel).start()
    with pytest.raises(EngineStopped):
        engine.measure([ChatTurn("user", "to and fro " * 200_000)], GREEDY)  # more than a pipe holds


def test_its_end_is_a_death(engine: EngineProcess) -> None:
    events = begun(engine)
    stop(engine)
    engine.end()
    end = collect(events).end  # type: ignore[arg-type]
    assert isinstance(end, Failed) and end.engine_died and "no sign of life" in end.message
    assert isinstance(ask(engine).end, Failed)


def test_closing_ends_one_that_is_stopped(engine: EngineProcess) -> None:
    stop(engine)
    pid = engine.pid
    engine.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid or 0, 0)
