"""Reading side by side, and answers drawn aside: true, repeatable, stoppable, and no harm to the conversation."""

import threading
import time
from pathlib import Path

import pytest
from answers import GREEDY, ask

from lacie_chat.confidence import PromptedListener
from lacie_chat.confidence.prompted import CHOICES, LISTENER_PREFIX, listener_suffix
from lacie_chat.engine import (
    ChatTurn,
    Engine,
    EngineError,
    EngineProcess,
    EngineSettings,
    EngineStopped,
    Finished,
    Sampling,
)
from lacie_chat.engine.listening import KVReader
from lacie_chat.engine.parallel import SEQUENCES, ParallelReader, _waves

SENTENCES = [
    "[answer] is the river that flows through Vienna.",
    "It rises in Germany, and I am certain that it ends in the Black Sea.",
    "Perhaps it is the second longest river in Europe.",
    "It passes ten countries, I think.",
    "Maybe the name is Celtic, but I'm not sure about that.",
]
SUFFIXES = [listener_suffix(sentence) for sentence in SENTENCES]


@pytest.fixture(scope="module")
def reader(by_itself: Engine) -> ParallelReader:
    reader = by_itself.reader("hearing", patient=True)
    assert isinstance(reader, ParallelReader)
    return reader


@pytest.fixture(scope="module")
def rows(reader: ParallelReader) -> list[list[float]]:
    return reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES)


def acceptance(row: list[float]) -> float:
    return row[0] / sum(row)


def test_it_reads_what_one_by_one_reads(by_itself: Engine, rows: list[list[float]]) -> None:
    alone = by_itself.reader("hearing").choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES)
    assert [acceptance(row) for row in rows] == pytest.approx([acceptance(row) for row in alone], abs=0.08)
    assert min(map(acceptance, rows[:2])) > 0.5 > max(map(acceptance, rows[2:])), "each row is its own sentence's"


def test_same_bits_again_after_others_and_fresh(
    embedded_model: Path, reader: ParallelReader, rows: list[list[float]]
) -> None:
    reader.choice_probabilities("Another prefix.\n", ["x", "a longer one " * 9], [[" yes"], [" no"]])
    assert reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == rows
    with Engine(EngineSettings(embedded_model)) as fresh:
        assert fresh.reader("hearing", patient=True).choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == rows


def test_more_than_fit_at_once_are_read_in_waves(by_itself: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lacie_chat.engine.parallel.MOST_CTX", 256)
    beside = by_itself.reader("hearing")
    assert by_itself._model is not None and isinstance(beside, KVReader)
    reader = ParallelReader(by_itself._model, by_itself._gate, beside)
    many = ["Short prefix.\n", [f"Number {number}: yes or no?" for number in range(SEQUENCES + 2)], [[" yes"], [" no"]]]
    found = reader.choice_probabilities(*many)  # type: ignore[arg-type]
    assert len(found) == SEQUENCES + 2 and all(0 < sum(row) <= 1 for row in found)
    assert reader.choice_probabilities("", [], CHOICES) == []
    (long,) = reader.choice_probabilities("", ["word " * 600 + "\nSure:"], CHOICES)
    assert 0 < sum(long) <= 1, "what is longer than the cache is cut"
    with pytest.raises(EngineError, match="too long"):
        reader.choice_probabilities("word " * 150, ["x"], CHOICES)
    reader.free()
    with pytest.raises(EngineError, match="closed"):
        reader.choice_probabilities(*many)  # type: ignore[arg-type]


def test_waves() -> None:
    assert _waves([3, 3, 3, 9, 1], 9) == [[0, 1, 2], [3], [4]]
    assert _waves([1] * (SEQUENCES + 1), 100) == [list(range(SEQUENCES)), [SEQUENCES]]


def test_cancel_stops_it_and_it_can_be_asked_again(
    by_itself: Engine, reader: ParallelReader, rows: list[list[float]]
) -> None:
    stopped = threading.Event()

    def read() -> None:
        with pytest.raises(EngineStopped):
            reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES * 8, CHOICES)  # several seconds
        stopped.set()

    before = reader._flag
    thread = threading.Thread(target=read)
    thread.start()
    while reader._flag is before:  # a call has a flag of its own from its beginning
        time.sleep(0.005)
    by_itself.cancel()
    assert stopped.wait(120)
    thread.join()
    assert reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == rows


def test_in_the_child_it_is_the_same_and_stops_too(embedded_model: Path, rows: list[list[float]]) -> None:
    with EngineProcess(EngineSettings(embedded_model, n_ctx=1024)) as child:
        child.load()
        now, later = child.listener, child.patient_listener
        assert isinstance(now, PromptedListener) and isinstance(later, PromptedListener)
        reader, patient = now.reader, later.reader
        assert patient.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == rows
        timer = threading.Timer(0.4, child.cancel)
        timer.start()
        with pytest.raises(EngineStopped):
            patient.choice_probabilities(LISTENER_PREFIX, SUFFIXES * 8, CHOICES)
        timer = threading.Timer(0.3, child.make_way)
        timer.start()
        with pytest.raises(EngineStopped):
            patient.complete("", ["One, two, three, four,"], max_tokens=400, stop=[])
        (row,) = reader.choice_probabilities("x\n", ["y:"], CHOICES)
        assert 0 < sum(row) <= 1, "the assessment's own reader is not stopped"


def test_an_answer_drawn_aside_leaves_the_conversations_cache(engine: Engine) -> None:
    question = ChatTurn(
        "user", "I like rivers, lakes, ponds, brooks, streams and canals. " * 8 + "Name one in Austria."
    )
    answer = ask(engine, question.content, GREEDY).text
    sample = Sampling(temperature=0.7, max_tokens=8, seed=1)
    for _ in range(2):
        *_, last = engine.generate([question], sample, aside=True)
        assert isinstance(last, Finished) and last.reason in ("stop", "length")
    assert last.cached_tokens > 0, "the second sample reads the prompt from its own cache"
    cached = last.prompt_tokens
    following = [question, ChatTurn("assistant", answer), ChatTurn("user", "And in Hungary?")]
    *_, last = engine.generate(following, Sampling(temperature=0, max_tokens=1))
    assert isinstance(last, Finished) and last.cached_tokens > cached


def test_only_what_can_wait_makes_way(engine: Engine) -> None:
    turns = [ChatTurn("user", "Tell me about the sea.")]
    sampling = Sampling(temperature=0, max_tokens=24)
    aside, answer = engine.generate(turns, sampling, aside=True), engine.generate(turns, sampling)
    for _ in range(2):
        next(aside), next(answer)
    engine.make_way()
    ends = [list(events)[-1] for events in (aside, answer)]
    assert [end.reason for end in ends if isinstance(end, Finished)] == ["cancelled", "length"]


def test_closing_ends_a_reading(embedded_model: Path) -> None:
    engine = Engine(EngineSettings(embedded_model))
    reader = engine.reader("hearing", patient=True)
    timer = threading.Timer(0.4, engine.close)
    timer.start()
    with pytest.raises(EngineError):
        reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES * 8, CHOICES)
    timer.join()
