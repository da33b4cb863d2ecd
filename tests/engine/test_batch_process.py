"""Answers in batches, made in a child process: the same to the bit, and its death is one line."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_architectures import write_tiny

from lacie_chat.confidence.listener import PromptedListener
from lacie_chat.confidence.version import version_of_prompted
from lacie_chat.engine import ChatTurn, EngineDied, EngineError, Sampling
from lacie_chat.engine.batch_process import BatchProcess
from lacie_chat.engine.batches import LlamaCppGenerator
from lacie_chat.listener_files import ListenerFiles

WARM = Sampling(temperature=0.9, max_tokens=12, stop=("zebra",))
QUESTIONS = ("What is the capital of France?", "Who was \ud800 it?")
SEEDS = [[1, 2], [3]]
CHOICES = [[" yes"], [" no"]]


@pytest.fixture(scope="module")
def tiny(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf", "qwen2", embedded_model)


@pytest.fixture
def remote(tiny: Path, tmp_path: Path) -> Iterator[BatchProcess]:
    hears = ListenerFiles(tiny, version_of_prompted("tiny"))
    log = tmp_path / "engine.log"
    with BatchProcess.load(tiny, batch_size=3, context=256, listener=hears, log_path=log) as process:
        yield process


def test_the_same_as_in_this_process(remote: BatchProcess, tiny: Path) -> None:
    here = LlamaCppGenerator.load(tiny, batch_size=3, context=256)
    try:
        prompts = [here.render([ChatTurn("user", question)]) for question in QUESTIONS]
        assert [remote.render([ChatTurn("user", question)]) for question in QUESTIONS] == prompts
        assert remote.render([ChatTurn("user", "a")], {}) == here.render([ChatTurn("user", "a")], {})
        drawn = here.respond(prompts, WARM, SEEDS, stop=["x"])
        assert remote.respond(prompts, WARM, SEEDS, stop=["x"]) == drawn
        assert any(response.probabilities for each in drawn for response in each)
        assert remote.reader.choice_probabilities("Is it? ", QUESTIONS[:1], CHOICES) == (
            here.reader.choice_probabilities("Is it? ", QUESTIONS[:1], CHOICES)
        )
        assert isinstance(remote.listener, PromptedListener)
        assert all(0 <= each <= 1 for each in remote.listener.acceptances(["It is so.", "Perhaps."]))
    finally:
        here.close()


def test_its_end_and_its_refusals_are_one_line(remote: BatchProcess) -> None:
    with pytest.raises(EngineError, match="batch_size=5"):
        remote.respond(["a"], WARM, [[1, 2, 3, 4, 5]])
    assert remote.pid is not None
    os.kill(remote.pid, signal.SIGABRT)
    with pytest.raises(EngineDied, match=r"SIGABRT.*tiny\.gguf") as caught:
        remote.respond(["a"], WARM, [[1]])
    assert "\n" not in str(caught.value)


def test_what_cannot_be_loaded_leaves_no_process(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none\.gguf"):
        BatchProcess.load(tmp_path / "none.gguf", batch_size=1, context=256)
