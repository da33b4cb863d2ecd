"""Generators: the same chunk gives the same texts, whatever came before; the two engines agree on the same weights."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lacie_training.errors import TrainingError
from lacie_training.generators import Generator, load_generator, seed_of
from lacie_training.recipes.models import ModelSettings

from lacie_chat.engine import EngineSettings, native
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.model import Model
from lacie_chat.engine.settings import ChatTurn, Sampling

QUESTIONS = ("Who wrote Emma?", "What is the capital of Norway?", "How many legs has a spider?")
SEEDS = [[seed_of(0, question, n) for n in range(2)] for question in QUESTIONS]
DRAW = Sampling(temperature=0.8, top_p=1.0, top_k=0, repeat_penalty=1.0, max_tokens=12)
GREEDY = replace(DRAW, temperature=0.0)
PREFIX = "Say whether it is true.\nSnow is white. Answer: yes\nGrass is red. Answer: no\n"
SUFFIXES = ("Water is wet. Answer:", "A spider has two legs. Answer:", "The Sun is a star. Answer:")
CHOICES = ((" yes", " Yes"), (" no", " No"))


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[Generator]:
    generator = load_generator(ModelSettings(model="embedded", generator="llama_cpp", batch_size=6, context=128))
    yield generator
    generator.close()


@pytest.fixture(scope="module")
def weights(embedded_model: Path) -> Iterator[Model]:
    """What the first of them runs, in this process."""
    native.start(None)
    model = Model(EngineSettings(embedded_model, n_ctx=256), None)
    yield model
    model.free()


@pytest.fixture(scope="module")
def transformers() -> Iterator[Generator]:
    settings = ModelSettings(model="embedded", generator="transformers", dtype="float32", batch_size=6, context=2048)
    generator = load_generator(settings)
    yield generator
    generator.close()


@pytest.fixture(params=["llama_cpp", "transformers"])
def generator(request: pytest.FixtureRequest) -> Generator:
    found: Generator = request.getfixturevalue(request.param)
    return found


def prompts(generator: Generator) -> list[str]:
    return [generator.render([ChatTurn("user", question)]) for question in QUESTIONS]


def test_same_chunk_same_texts(generator: Generator) -> None:
    first = generator.respond(prompts(generator), DRAW, SEEDS)
    generator.respond(prompts(generator)[:1], DRAW, [[1, 2, 3]])
    assert generator.respond(prompts(generator), DRAW, SEEDS) == first
    assert [len(each) for each in first] == [2, 2, 2]
    assert first[0][0].text != first[0][1].text
    other = [[seed + 1 for seed in each] for each in SEEDS]
    assert generator.respond(prompts(generator), DRAW, other) != first


def test_length_and_end(generator: Generator) -> None:
    [[short]] = generator.respond(prompts(generator)[1:2], GREEDY, [[0]])
    assert (short.text, short.finish) == ("The capital of Norway is Oslo.", "stop")
    [[cut]] = generator.respond(prompts(generator)[1:2], replace(GREEDY, max_tokens=3), [[0]])
    assert (cut.text, cut.finish, cut.tokens) == ("The capital of", "length", 3)


def test_stop_strings(generator: Generator) -> None:
    [[stopped]] = generator.respond(prompts(generator)[1:2], GREEDY, [[0]], stop=[" of"])
    assert (stopped.text, stopped.finish) == ("The capital", "stop")


def test_the_two_agree_on_the_embedded_model(llama_cpp: Generator, transformers: Generator) -> None:
    assert prompts(llama_cpp) == prompts(transformers)
    ours, theirs = (each.respond(prompts(each), GREEDY, [[0]] * 3) for each in (llama_cpp, transformers))
    assert [[r.text for r in each] for each in ours] == [[r.text for r in each] for each in theirs]
    rows = [each.reader.choice_probabilities(PREFIX, SUFFIXES, CHOICES) for each in (llama_cpp, transformers)]
    for left, right in zip(*rows, strict=True):
        assert left == pytest.approx(right, abs=0.08)  # llama.cpp computes with 8-bit activations
    texts = [each.reader.complete(PREFIX, SUFFIXES, max_tokens=3, stop=["\n"]) for each in (llama_cpp, transformers)]
    assert texts[0] == texts[1]


def test_the_two_agree_on_how_probable_the_tokens_were(llama_cpp: Generator, transformers: Generator) -> None:
    """Of the plain distribution, whatever penalty and cuts the drawing had; and at the same places of the text."""
    penalised = replace(GREEDY, repeat_penalty=1.3, top_k=40, top_p=0.95, max_tokens=24)
    ours, theirs = (each.respond(prompts(each), penalised, [[0]] * 3) for each in (llama_cpp, transformers))
    for [one], [other] in zip(ours, theirs, strict=True):
        assert one.text == other.text
        assert [token[:2] for token in one.probabilities] == [token[:2] for token in other.probabilities]
        # llama.cpp multiplies in 8 bits what transformers does in 32
        apart = [abs(a[2] - b[2]) for a, b in zip(one.probabilities, other.probabilities, strict=True)]
        assert max(apart) < 0.25 and sum(apart) / len(apart) < 0.08
        assert "".join(one.text[start:end] for start, end, _ in other.probabilities) == other.text


def test_characters_of_several_tokens_have_their_place(transformers: Generator) -> None:
    asked = transformers.render([ChatTurn("user", "Say: 😀 naïve 東京")])
    [[drawn]] = transformers.respond([asked + "😀 na"], replace(GREEDY, max_tokens=16), [[0]])
    places = [token[:2] for token in drawn.probabilities]
    assert places == sorted(places) and places[0][0] == 0 and places[-1][1] == len(drawn.text)
    assert all(before[1] == after[0] for before, after in pairwise(places))


def test_the_two_agree_on_the_repeat_penalty(llama_cpp: Generator, transformers: Generator) -> None:
    strong = replace(GREEDY, repeat_penalty=1.4, max_tokens=20)
    found = [each.respond(prompts(each), strong, [[0]] * 3) for each in (llama_cpp, transformers)]
    assert [[r.text for r in each] for each in found[0]] == [[r.text for r in each] for each in found[1]]
    assert found[0] != llama_cpp.respond(prompts(llama_cpp), replace(strong, repeat_penalty=1.0), [[0]] * 3)


def test_the_penalty_looks_back_on_the_answers_last_tokens() -> None:
    import torch
    from lacie_training.generators.drawing import penalise

    logits = torch.tensor([[2.0, -1.0, 0.5, 3.0], [2.0, -1.0, 0.5, 3.0]])
    found = penalise(logits, [[0, 1, 1], [3, *[2] * 64]], 2.0)
    assert found.tolist() == [[1.0, -2.0, 0.5, 3.0], [2.0, -1.0, 0.25, 3.0]]


@pytest.mark.parametrize("answer", [[0], [3, 3, 1], [2, *[0] * 63], [2, *[0] * 64], list(range(5)) * 40])
def test_the_penalty_is_llama_cpps(weights: Model, answer: list[int]) -> None:
    import torch
    from lacie_training.generators.drawing import penalise
    from llama_cpp import llama_cpp as low

    from lacie_chat.engine.decoding import free_sampler, make_sampler

    sampling = replace(GREEDY, repeat_penalty=1.3)
    logits = [1.5, -0.5, 0.25, 4.0, 0.0, 2.0]
    chain = make_sampler(sampling, weights, 0)
    for token in answer:
        low.llama_sampler_accept(chain, token)
    rows = (low.llama_token_data * len(logits))(*[(token, logit, 0.0) for token, logit in enumerate(logits)])
    candidates = low.llama_token_data_array(rows, len(logits), -1, False)
    low.llama_sampler_apply(chain, ctypes.byref(candidates))
    free_sampler(chain)
    [found] = penalise(torch.tensor([logits]), [answer], sampling.repeat_penalty).tolist()
    assert found == pytest.approx([candidates.data[place].logit for place in range(len(logits))])
    assert found != logits


def test_cut_before_the_temperature() -> None:
    """At temperature 5 the second token would come among the first 60 %; by the model's own distribution it doesn't."""
    import torch
    from lacie_training.generators.drawing import pick

    logits = torch.tensor([[0.8, 0.2]]).log()
    hot = Sampling(temperature=5.0, top_p=0.6, top_k=0)
    assert [pick(logits, hot, torch.tensor([u])).item() for u in (0.1, 0.5, 0.99)] == [0, 0, 0]


def test_digits_outside_of_ascii_are_cut_alike(weights: Model, transformers: Generator) -> None:
    for text in ("½ of it", "room \u0661\u0662", "1 12 123 1234", "Ⅻ ² x²", "in 1984 and 3.14"):
        assert transformers.encode(text) == weights.tokenise(text, special=True), text  # type: ignore[attr-defined]


def test_reading_in_batches_equals_reading_alone(transformers: Generator) -> None:
    together = transformers.reader.choice_probabilities(PREFIX, SUFFIXES, CHOICES)
    for suffix, row in zip(SUFFIXES, together, strict=True):
        [alone] = transformers.reader.choice_probabilities(PREFIX, [suffix], CHOICES)
        assert alone == pytest.approx(row, abs=1e-4)
        assert sum(row) <= 1


def test_a_token_of_two_choices_counts_for_neither(transformers: Generator) -> None:
    [[shared, alone]] = transformers.reader.choice_probabilities(PREFIX, SUFFIXES[:1], ((" yes",), (" yes", " no")))
    assert shared == 0
    assert alone > 0


@pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"top_p": 0.6}])
def test_tokens_are_drawn_with_their_probabilities(options: dict[str, Any]) -> None:
    import torch
    from lacie_training.generators.drawing import pick

    sampling = replace(DRAW, temperature=1.0, **options)
    probabilities = torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05])
    count = 20_000
    uniform = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    chosen = pick(probabilities.log().expand(count, -1), sampling, uniform)
    shares = torch.bincount(chosen, minlength=5).double() / count
    kept = probabilities.double().clone()
    if sampling.top_k:
        kept[3:] = 0
    if sampling.top_p < 1:
        kept[2:] = 0
    assert torch.allclose(shares, kept / kept.sum(), atol=1e-3)


def test_copies_share_the_work_and_change_nothing_but_who_reads_with_whom(tiny: Callable[[str], Path]) -> None:
    settings = ModelSettings(model=str(tiny("llama")), dtype="float32", device="cpu", batch_size=8, context=128)
    one, two = load_generator(settings), load_generator(settings.model_copy(update={"data_parallel": 2}))
    try:
        assert prompts(two) == prompts(one)
        ours, theirs = (each.respond(prompts(each), DRAW, SEEDS) for each in (two, one))
        assert [[each.text for each in of] for of in ours] == [[each.text for each in of] for of in theirs]
        left, right = (each.reader.choice_probabilities(PREFIX, SUFFIXES, CHOICES) for each in (one, two))
        for ours, theirs in zip(left, right, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-5)
    finally:
        two.close()


def test_copies_report_their_errors(tmp_path: Path) -> None:
    settings = ModelSettings(model=str(tmp_path / "nothing"), device="cpu", data_parallel=2)
    with pytest.raises(TrainingError, match="there is no model"):
        load_generator(settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "no-such-folder"}, "there is no model 'no-such-folder'"),
        ({"model": "embedded", "device": "cuda"}, "speaker.device is cuda, but no CUDA device"),
        ({"model": "embedded", "quantize": "nf4"}, "needs a CUDA device"),
        ({"model": "a/b", "generator": "vllm"}, "needs vLLM: pip install -c .constraints-vllm.txt"),
    ],
)
def test_what_cannot_be_loaded_is_one_clear_line(settings: dict[str, str], message: str) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("these are the errors of a machine without CUDA")
    with pytest.raises(TrainingError) as error:
        load_generator(ModelSettings.model_validate(settings))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_peft_folder_is_no_adapter_for_llama_cpp(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"llama\.cpp needs it as GGUF"):
        load_generator(ModelSettings(model="embedded", generator="llama_cpp"), adapter=tmp_path)


def test_too_many_samples_for_the_batch(llama_cpp: Generator) -> None:
    with pytest.raises(EngineError, match=r"need batch_size=7 \(it is 6\)"):
        llama_cpp.respond(prompts(llama_cpp)[:1], DRAW, [list(range(7))])
