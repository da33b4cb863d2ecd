"""One sampler: an answer in the chat and an answer in a batch are drawn alike, the repeat penalty too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import ask

import lacie_chat
from lacie_chat.engine import ChatTurn, Engine, Sampling
from lacie_chat.engine.batches import LlamaCppGenerator

QUESTIONS = ("Count from one to five, twice.", "Write the word echo many times.", "What is the capital of Norway?")
STRONG = 1.4
"""A penalty at which these answers are others than without one."""


@pytest.fixture(scope="module")
def batches(embedded_model: Path) -> Iterator[LlamaCppGenerator]:
    generator = LlamaCppGenerator.load(embedded_model, batch_size=4, context=256)
    yield generator
    generator.close()


def in_a_batch(batches: LlamaCppGenerator, question: str, sampling: Sampling) -> str:
    """The answer, beside two others of the same prompt."""
    prompt = batches.render([ChatTurn("user", question)])
    [found] = batches.respond([prompt], sampling, [[sampling.seed, 5, 6]])
    return found[0].text


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("penalty", [1.0, STRONG])
def test_chat_and_batch_write_the_same(
    engine: Engine, batches: LlamaCppGenerator, question: str, penalty: float
) -> None:
    sampling = Sampling(temperature=0.0, repeat_penalty=penalty, max_tokens=20)
    assert in_a_batch(batches, question, sampling) == ask(engine, question, sampling).text.strip()


def test_the_penalty_counts_in_a_batch(batches: LlamaCppGenerator) -> None:
    samplings = [Sampling(temperature=0.0, repeat_penalty=penalty, max_tokens=40) for penalty in (1.0, STRONG)]
    plain, strong = ([in_a_batch(batches, each, sampling) for each in QUESTIONS] for sampling in samplings)
    assert plain != strong


def test_each_answer_of_a_batch_has_a_penalty_of_its_own(batches: LlamaCppGenerator) -> None:
    """Alone or beside others, and after others: what they said is no repeat of this one's."""
    sampling = Sampling(temperature=0.0, repeat_penalty=STRONG, max_tokens=20)
    prompts = [batches.render([ChatTurn("user", each)]) for each in QUESTIONS]
    together = [each[0].text for each in batches.respond(prompts, sampling, [[0]] * 3)]
    assert together == [in_a_batch(batches, each, sampling) for each in QUESTIONS]


def test_nothing_else_makes_contexts_adapters_batches_or_samplers() -> None:
    top = Path(lacie_chat.__file__).parent.parent
    made = re.compile(r"llama_(init_from_model|new_context|set_adapters?_lora|sampler_|batch_)")
    folders = [top / "lacie_chat", top / "training", top / "export"]
    found = [path for folder in folders for path in folder.rglob("*.py") if made.search(path.read_text())]
    # a dry run's contexts hold nothing and draw nothing; their parameters are those of decoding.py
    allowed = {"lacie_chat/engine/decoding.py", "lacie_chat/engine/dry_run.py"}
    assert {path.relative_to(top).as_posix() for path in found} == allowed
