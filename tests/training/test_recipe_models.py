"""Speaker and listener in a recipe: chunk and batch, and what is refused before it fails after hours."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lacie_training.errors import TrainingError
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.models import ModelSettings, SpeakerSettings, same_weights, shares_of_memory

IN_BATCHES = ("speaker={model: a/b, batch_size: 80}", "listener={model: a/b, batch_size: 64}")
"""Recipes from before there were chunks, and those of one's own, state batches alone."""
VLLM = ("speaker.generator=vllm", "speaker.quantize=none", "listener.generator=vllm", "listener.quantize=none")


def digest(*settings: str) -> str:
    return load_recipe("mistral-7b", [*IN_BATCHES, *settings]).digest()


def test_with_a_chunk_the_batch_is_no_part_of_the_identity() -> None:
    stated = digest("speaker.chunk=1280", "listener.chunk=1024")
    assert stated != digest(), "other samples are drawn together"
    for batch in ("1", "320", "auto"):
        same = (f"speaker.batch_size={batch}", f"listener.batch_size={batch}", "speaker.data_parallel=4")
        assert digest("speaker.chunk=1280", "listener.chunk=1024", *same) == stated
    assert digest("speaker.chunk=640", "listener.chunk=1024") != stated


def test_without_a_chunk_the_batch_is_the_chunk() -> None:
    assert digest("speaker.batch_size=80") != digest("speaker.batch_size=40")
    recipe = load_recipe("mistral-7b", [*IN_BATCHES, "speaker.batch_size=40"])
    assert recipe.speaker.together == 40
    assert "chunk" not in recipe.identity()["speaker"], "runs without it keep the digest that they had before"
    assert load_recipe("mistral-7b", ["speaker.batch_size=40", "speaker.chunk=1280"]).speaker.together == 1280


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("speaker.generator=vllm", "speaker.quantize=nf4"), "speaker: vllm no longer loads 4-bit NF4 weights"),
        (("listener.generator=vllm",), "listener: vllm no longer loads 4-bit NF4 weights"),
        (("speaker.batch_size=auto", "speaker.chunk=null"), "speaker: batch_size auto needs a chunk"),
        (("speaker.batch_size=0",), "speaker.batch_size: Input should be 'auto'; or Input should be greater than"),
        (("speaker.generator=llama_cpp", "speaker.batch_size=auto", "speaker.chunk=8"), "llama_cpp needs a number"),
        ((*VLLM, "dpo.select=during"), "set dpo.select to after"),
        (
            (*VLLM, "dpo.select=after", "listener.model=a/b", "speaker.gpu_memory=0.7", "listener.gpu_memory=0.3"),
            "at most 0.95 together and at least 0.05 each, not 0.70 and 0.30",
        ),
        ((*VLLM, "dpo.select=after", "listener.model=a/b", "speaker.gpu_memory=0.9"), "not 0.90 and 0.00"),
    ],
)
def test_what_would_fail_after_hours_is_refused_in_one_line(settings: tuple[str, ...], message: str) -> None:
    with pytest.raises(TrainingError) as error:
        load_recipe("mistral-7b", settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def shares(*settings: str) -> tuple[float, float]:
    recipe = load_recipe("mistral-7b", [*VLLM, "dpo.select=after", *settings])
    return shares_of_memory(recipe.speaker, recipe.listener)


def test_two_models_in_vllm_share_the_memory_and_one_has_it_to_itself() -> None:
    assert shares() == (0.9, 0.9), "the same weights are one engine"
    assert shares("listener.model=a/b") == (0.45, 0.45)
    assert shares("listener.model=a/b", "speaker.gpu_memory=0.65") == pytest.approx((0.65, 0.25))
    assert shares("listener.model=a/b", "listener.gpu_memory=0.2") == pytest.approx((0.7, 0.2))
    assert shares("listener.model=a/b", "speaker.gpu_memory=0.6", "listener.gpu_memory=0.3") == (0.6, 0.3)
    assert shares("listener.generator=transformers") == (0.45, 0.45), "what transformers loads needs room, too"
    assert shares("listener={model: tuned, generator: llama_cpp}")[0] == 0.9


def test_weights_are_the_same_whatever_runs_beside_them() -> None:
    speaker = SpeakerSettings(model="a/b", instruction="{question}", batch_size=8, context=512)
    assert same_weights(speaker, ModelSettings(model="a/b", batch_size=64, context=2048, tensor_parallel=2))
    for other in ({"model": "a/c"}, {"revision": "v2"}, {"quantize": "nf4"}, {"dtype": "float16"}):
        assert not same_weights(speaker, ModelSettings.model_validate({"model": "a/b"} | other))


def test_a_batch_that_fits_hangs_on_model_context_and_memory(
    tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lacie_training.generators import memory
    from transformers import AutoConfig, AutoModelForCausalLM

    mistral = AutoConfig.for_model(
        "mistral", hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_key_value_heads=8
    )
    each = memory.bytes_per_sequence(mistral, 512, 2)
    assert 128 * 2**10 * 512 < each < 3 * 128 * 2**10 * 512, "a token's keys and values are 128 KiB in this model"
    model = AutoModelForCausalLM.from_pretrained(tiny("llama"))
    assert 1 <= memory.batch_that_fits(model, 256) <= 1024, "by this machine's own memory"
    fits = []
    for free in (0, 10 * each, 1000 * each):
        monkeypatch.setattr(memory, "free_memory", lambda device, free=free: free)
        monkeypatch.setattr(model, "config", mistral)
        fits.append(memory.batch_that_fits(model.bfloat16(), 512))
    assert fits == [1, 8, 800]


def test_a_folder_of_its_own_goes_on_with_another_batch(tmp_path: Path) -> None:
    from lacie_training.run_folder import RunFolder

    RunFolder.open(tmp_path, load_recipe("mistral-7b", [*IN_BATCHES, "speaker.chunk=1280"]))
    RunFolder.open(tmp_path, load_recipe("mistral-7b", [*IN_BATCHES, "speaker.chunk=1280", "speaker.batch_size=auto"]))
    with pytest.raises(TrainingError, match=r"it differs in speaker\.chunk"):
        RunFolder.open(tmp_path, load_recipe("mistral-7b", [*IN_BATCHES, "speaker.chunk=640"]))
