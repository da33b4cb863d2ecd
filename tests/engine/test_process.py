"""The engine in a child process: the same answers, and a death that costs no more than an answer."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from answers import GREEDY, QUESTION, ask, collect

from lacie_chat.confidence import PromptedListener, Reader, TunedListener
from lacie_chat.engine import (
    ChatTurn,
    Delta,
    Engine,
    EngineDied,
    EngineError,
    EngineProcess,
    EngineSettings,
    Failed,
    Finished,
    Sampling,
)
from lacie_chat.models import tuned_listener

CANCEL_LIMIT = 1.0
CHOICES = [[" yes"], [" no"]]
READ = ("Is it wet?\n", ["It rains. Wet:", "It is dry. Wet:"], CHOICES)


@pytest.fixture(scope="module")
def remote(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    settings = EngineSettings(embedded_model, listener=tuned_listener())
    process = EngineProcess(settings, log_path=tmp_path_factory.mktemp("log") / "engine.log")
    yield process
    process.close()


@pytest.fixture
def mortal(embedded_model: Path, tmp_path: Path) -> Iterator[EngineProcess]:
    """One that a test may kill."""
    process = EngineProcess(EngineSettings(embedded_model, n_ctx=1024), log_path=tmp_path / "engine.log")
    process.load()
    yield process
    process.close()


def reader_of(engine: EngineProcess) -> Reader:
    """What hears the wording, in the child."""
    listener = engine.listener
    assert isinstance(listener, TunedListener | PromptedListener)
    return listener.hearing if isinstance(listener, TunedListener) else listener.reader


def gone(pid: int, within: float = 5.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]:
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_same_as_in_process(engine: Engine, remote: EngineProcess) -> None:
    fractions: list[float] = []
    info = remote.load(lambda progress: fractions.append(progress.fraction))
    here = engine.load()
    free = {"memory": info.machine["memory"]}  # is another at every moment
    assert info == replace(here, machine=here.machine | free) and remote.load() == info
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(fractions) > 5
    warm = Sampling(temperature=0.9, seed=5, max_tokens=24, stop=("zebra",))
    for question, sampling in ((QUESTION, GREEDY), ("\ud800 [b] 🦜 \x00", warm)):
        here, there = ask(engine, question, sampling), ask(remote, question, sampling)
        assert there.text == here.text
        assert there.finished.usage()["completion_tokens"] == here.finished.usage()["completion_tokens"]
    assert reader_of(remote).choice_probabilities(*READ) == engine.reader("hearing").choice_probabilities(*READ)
    assert reader_of(remote).complete("", ["One, two,"], max_tokens=5, stop=["\n"]) == engine.reader(
        "hearing"
    ).complete("", ["One, two,"], max_tokens=5, stop=["\n"])


def test_the_child_hears_as_this_process_does(engine: Engine, remote: EngineProcess) -> None:
    texts = ["Perhaps it is [answer].", "It is [answer].", "Maybe [answer], who knows?"]
    items = [("Who was it?", "I believe that it was Anna Berg."), ("What is it?", "A way to cook.")]
    pairs = ((remote.listener, engine.listener), (remote.patient_listener, engine.patient_listener))
    for there, here in pairs:
        assert there.version == here.version
        assert there.acceptances(texts) == here.acceptances(texts)
        assert there.answer_spans(items) == here.answer_spans(items)


def test_errors_come_over_as_they_are(remote: EngineProcess) -> None:
    with pytest.raises(EngineError, match="can't tell") as caught:
        reader_of(remote).choice_probabilities("x\n", ["y"], [["a"], ["a"]])
    assert not isinstance(caught.value, EngineDied)
    end = collect(remote.generate([], GREEDY)).end
    assert isinstance(end, Failed) and not end.engine_died
    assert ask(remote).finished.completion_tokens == GREEDY.max_tokens


def test_bugs_in_the_child_become_one_line_and_a_log_entry(remote: EngineProcess) -> None:
    with pytest.raises(EngineError, match=r"unexpected error.*engine\.log") as caught:
        reader_of(remote).complete("x", [3], max_tokens=2, stop=[])  # type: ignore[list-item]
    assert "\n" not in str(caught.value)
    assert "Traceback" in remote._log_path.read_text(errors="replace")


def test_cancel_while_generating_and_while_reading(remote: EngineProcess) -> None:
    expected = ask(remote).text
    for question, what in (("Write a very long story.", "generating"), ("The boats were still. " * 1200, "reading")):
        timer = threading.Timer(0.7, remote.cancel)
        started = time.perf_counter() + 0.7
        timer.start()
        answer = ask(remote, question, Sampling(max_tokens=2000))
        took = time.perf_counter() - started
        print(f"cancelled in {took * 1000:.0f} ms while {what}")
        assert answer.finished.reason == "cancelled"
        assert took < CANCEL_LIMIT
        assert ask(remote).text == expected


def test_closing_or_dropping_the_iterator_cancels_only_that(remote: EngineProcess) -> None:
    remote.load()
    events = remote.generate([ChatTurn("user", "Write a very long story.")], Sampling(max_tokens=4000))
    next(event for event in events if isinstance(event, Delta))
    events.close()
    assert list(events) == []
    for event in remote.generate([ChatTurn("user", "Write a very long story.")], Sampling(max_tokens=4000)):
        if isinstance(event, Delta):
            break
    started = time.perf_counter()
    assert ask(remote).finished.completion_tokens == GREEDY.max_tokens
    assert time.perf_counter() - started < 20  # not after 4000 tokens


def test_kill_in_mid_answer_fails_it_and_a_new_process_goes_on(
    mortal: EngineProcess, embedded_model: Path, tmp_path: Path
) -> None:
    events = []
    for event in mortal.generate([ChatTurn("user", "Write a very long story.")], Sampling(max_tokens=900)):
        events.append(event)
        if isinstance(event, Delta) and sum(isinstance(event, Delta) for event in events) == 3:
            os.kill(mortal.pid or 0, signal.SIGKILL)
    end = events[-1]
    assert isinstance(end, Failed) and end.engine_died
    assert "SIGKILL" in end.message and "memory" in end.message and "\n" not in end.message
    assert ask(mortal).end == end
    with pytest.raises(EngineDied):
        reader_of(mortal).choice_probabilities(*READ)
    with pytest.raises(EngineDied):
        mortal.load()
    mortal.cancel()
    with EngineProcess(EngineSettings(embedded_model, n_ctx=1024), log_path=tmp_path / "engine.log") as after:
        assert ask(after).finished.completion_tokens == GREEDY.max_tokens


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_death_under_a_readers_call(mortal: EngineProcess, number: signal.Signals) -> None:
    threading.Timer(0.5, os.kill, (mortal.pid, number)).start()
    with pytest.raises(EngineDied, match=number.name):
        reader_of(mortal).choice_probabilities("It rains. " * 350 + "\n", READ[1] * 50, CHOICES)


def test_kill_while_loading(embedded_model: Path, tmp_path: Path) -> None:
    process = EngineProcess(EngineSettings(embedded_model), log_path=tmp_path / "engine.log")
    with pytest.raises(EngineDied, match="while it loaded the model"):
        process.load(lambda _progress: os.kill(process.pid or 0, signal.SIGKILL))
    process.close()


def test_close_ends_the_child_and_whoever_waits_for_it(embedded_model: Path, tmp_path: Path) -> None:
    process = EngineProcess(EngineSettings(embedded_model, n_ctx=1024), log_path=tmp_path / "engine.log")
    process.load()
    pid = process.pid
    assert pid is not None
    threading.Timer(0.5, process.close).start()
    end = ask(process, "Write a very long story.", Sampling(max_tokens=900)).end
    assert isinstance(end, Failed) and end.message == "The engine is closed." and not end.engine_died
    assert gone(pid)
    with pytest.raises(EngineError, match="closed"):
        process.load()
    assert isinstance(ask(process).end, Failed)
    process.close()
    EngineProcess(EngineSettings(embedded_model)).close()  # never started


PARENT = """
import sys, threading, time
from pathlib import Path
from lacie_chat.engine import ChatTurn, Delta, EngineProcess, EngineSettings, Sampling
engine = EngineProcess(EngineSettings(Path(sys.argv[1]), n_ctx=2048), log_path=Path(sys.argv[2]))
starter = threading.Thread(target=engine.load)  # a worker that ends must not take the child with it
starter.start()
starter.join()
time.sleep(0.3)
for event in engine.generate([ChatTurn("user", "Write a very long story.")], Sampling(max_tokens=int(sys.argv[3]))):
    if isinstance(event, Delta) and engine.pid:
        print(engine.pid, flush=True)
"""


def test_child_ends_when_the_parent_is_killed(embedded_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(embedded_model), str(tmp_path / "engine.log"), "1900"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
        assert gone(child)


def test_native_output_stays_out_of_the_parents_streams(embedded_model: Path, tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    command = [sys.executable, "-c", PARENT, str(embedded_model), str(log), "5"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and result.stderr == ""
    assert all(line.isdigit() for line in result.stdout.split())
    assert "llama_model_loader" in log.read_text(errors="replace")


def test_works_without_a_place_for_the_log(embedded_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with EngineProcess(EngineSettings(embedded_model, n_ctx=256), log_path=tmp_path / "file" / "engine.log") as process:
        assert isinstance(ask(process, sampling=Sampling(max_tokens=2)).end, Finished)


def test_files_in_the_working_folder_are_not_imported(
    embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    with EngineProcess(EngineSettings(embedded_model, n_ctx=256), log_path=tmp_path / "engine.log") as process:
        process.load()


def test_importing_the_package_loads_no_native_code() -> None:
    code = (
        "import sys, lacie_chat.engine as e; e.EngineProcess; "
        "print([m for m in ('llama_cpp', 'numpy', 'jinja2') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
