"""What makes transformers draw and read faster changes nothing that is drawn or read."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from lacie_training.errors import TrainingError
from lacie_training.generators import transformers as generator_module
from lacie_training.generators.drawing import Rows
from lacie_training.generators.encoding import cut_at
from lacie_training.generators.loading import load_tokenizer
from lacie_training.generators.transformers import TransformersGenerator
from transformers import AutoModelForCausalLM, DynamicCache

from lacie_chat.engine.generator import Response
from lacie_chat.engine.settings import Sampling

PROMPTS = [
    f"{start} Question {number}: what is it? Answer:" for number, start in enumerate(("Say.", "Well,", "A b c d"))
]
SEEDS = [[1, 2, 3, 4], [5], [6, 7, 8]]
DRAW = Sampling(temperature=1.0, top_p=1.0, top_k=0, repeat_penalty=1.0, max_tokens=24)
PREFIX = "One is white and two is red. " * 5
SUFFIXES = [f"Number {number} is{' very' * (number % 3)} blue. Answer:" for number in range(7)]
CHOICES = ((" yes", " Yes"), (" no", " No"))

pytestmark = pytest.mark.usefixtures("one_thread")


@cache
def tokenizer_of(model: str) -> Any:
    return load_tokenizer(model)


def loaded(folder: Path, *, window: int | None = None, batch_size: Any = 8) -> TransformersGenerator:
    model = AutoModelForCausalLM.from_pretrained(folder, **({"sliding_window": window} if window else {}))
    return TransformersGenerator(model.eval(), tokenizer_of(str(folder)), batch_size=batch_size, context=256)


def drawn(generator: TransformersGenerator) -> list[list[Response]]:
    # a common letter as a stop string: rows end one after the other, and the batch is cut down several times
    found = generator.respond(PROMPTS, DRAW, SEEDS, stop=["z"])
    return [[replace(each, probabilities=()) for each in of] for of in found]  # their last bits hang on the batch


@pytest.mark.parametrize(("architecture", "window"), [("llama", None), ("mistral", None), ("mistral", 16)])
def test_a_growing_cache_draws_what_transformers_own_does(
    architecture: str, window: int | None, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = drawn(loaded(tiny(architecture), window=window))
    monkeypatch.setattr(generator_module, "growing_cache", lambda config, room: DynamicCache(config=config))
    assert drawn(loaded(tiny(architecture), window=window)) == growing
    assert {response.finish for each in growing for response in each} == {"stop", "length"}


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_when_ended_rows_leave_changes_nothing(
    share: float, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = drawn(loaded(tiny("mistral")))
    monkeypatch.setattr(generator_module, "_ENOUGH_ENDED", share)
    assert drawn(loaded(tiny("mistral"))) == usual


def tokens_read(generator: TransformersGenerator) -> list[int]:
    """Filled with rows times tokens of every call of the model."""
    read: list[int] = []

    def note(_model: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        read.append(kwargs["input_ids"].numel())

    generator.model.register_forward_pre_hook(note, with_kwargs=True)
    return read


def test_a_readers_prefix_is_read_once(tiny: Callable[[str], Path]) -> None:
    generator = loaded(tiny("llama"), batch_size=3)
    read = tokens_read(generator)
    first = generator.choice_probabilities(PREFIX, SUFFIXES, CHOICES)
    prefix = len(generator.encode(PREFIX))
    assert sum(size >= prefix - 2 for size in read) >= 1 and len(read) == 4, "the prefix, and three batches"
    once = sum(read)
    again = generator.choice_probabilities(PREFIX, SUFFIXES, CHOICES)
    assert sum(read) - once < once - prefix + 3, "the second time its keys and values are there"
    assert again == first
    fresh = loaded(tiny("llama"), batch_size=3)
    for suffix, row in zip(SUFFIXES, first, strict=True):
        [alone] = fresh.choice_probabilities(PREFIX, [suffix], CHOICES)
        assert alone == pytest.approx(row, abs=1e-5)
    assert generator.complete(PREFIX, SUFFIXES, max_tokens=5, stop=["\n"]) == [
        fresh.complete(PREFIX, [suffix], max_tokens=5, stop=["\n"])[0] for suffix in SUFFIXES
    ]


def full_at(generator: TransformersGenerator, rows: int) -> None:
    """The model's device has no memory for more than so many rows."""

    def refuse(_model: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        if len(kwargs["input_ids"]) > rows:
            raise torch.OutOfMemoryError("no memory for that")

    generator.model.register_forward_pre_hook(refuse, with_kwargs=True)


def test_a_batch_that_was_to_fit_and_doesnt_is_halved(tiny: Callable[[str], Path]) -> None:
    expected = drawn(loaded(tiny("llama")))
    generator = loaded(tiny("llama"), batch_size="auto")
    full_at(generator, 4)
    assert drawn(generator) == expected
    assert generator.batch_size in (2, 3, 4)
    stated = loaded(tiny("llama"), batch_size=8)
    full_at(stated, 4)
    with pytest.raises(TrainingError, match=r"out of GPU memory; use a lower speaker\.batch_size"):
        drawn(stated)


def test_a_choices_tokens_are_looked_up_once(tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    generator = loaded(tiny("llama"))
    asked = []
    encode = generator._encoding.encode
    monkeypatch.setattr(generator._encoding, "encode", lambda text: asked.append(text) or encode(text))
    suffixes = [f"{suffix}\nConfident:" for suffix in SUFFIXES]
    generator.choice_probabilities(PREFIX, suffixes, CHOICES)
    generator.choice_probabilities(PREFIX, suffixes, CHOICES)
    assert len(asked) == 1 + 4, "the prompt, and it with each spelling"


def ended(tokens: Sequence[int], tokenizer: Any, stop: Sequence[str]) -> int | None:
    """After how many tokens a text has a stop string in it, each beginning of it decoded."""
    for count in range(1, len(tokens) + 1):
        text = tokenizer.decode(tokens[:count], skip_special_tokens=True)
        if cut_at(text, stop) != text:
            return count
    return None


@pytest.mark.parametrize("stop", [["\n"], ["é"], [" of ", "\n\n"], ["?", "東"], ["Q:"], [" "]])
def test_a_text_is_decoded_only_where_it_may_end_and_ends_there(stop: list[str]) -> None:
    tokenizer = tokenizer_of("embedded")
    pieces = ["\n", " of", " of ", "é", "東", "Q", ":", "Q:", "?", " it", " is", "\n\n", "!", "ĉ", " ", "a"]
    vocabulary = [token for piece in pieces for token in tokenizer(piece).input_ids]
    draw = Random(str(stop))
    for _ in range(60):
        tokens = [draw.choice(vocabulary) for _ in range(30)]
        rows = Rows(1, tokenizer, set(), stop, {})
        count = next((n for n, token in enumerate(tokens, start=1) if not rows.add([0], [token])), None)
        assert count == ended(tokens, tokenizer, stop)
