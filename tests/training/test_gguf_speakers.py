"""A GGUF of any family as the model that is trained: transformers reads out of it the model that llama.cpp runs."""

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf_copies import copy_into
from lacie_export.closeness import BOUNDS, compare
from lacie_export.native import probe
from lacie_training.errors import TrainingError
from lacie_training.generators.loading import load_model, load_tokenizer
from lacie_training.recipes.models import ModelSettings
from tiny_architectures import ARCHITECTURES, write_tiny

TEXTS = (
    "Question: Which planet is closest to the sun?\nAnswer:",
    "It is Mercury, I think;  not Venus... naïve, 123 and ½",
)


@pytest.fixture
def speaker(embedded_model: Path, tmp_path: Path) -> Callable[..., Path]:
    """A tiny GGUF of an architecture with the tensors that its published files have, `less` one key or tensor."""

    def make(name: str, less: str = "") -> Path:
        whole = write_tiny(tmp_path / "whole.gguf", name, embedded_model)
        path = tmp_path / f"{name}.gguf"
        optional = (".bias", "scale")  # llama.cpp takes these where they are; transformers knows none in these families
        copy_into(
            gguf.GGUFWriter(path, ARCHITECTURES[name][0]),
            whole,
            without=lambda found: found == less or (found.startswith("blk.") and found.endswith(optional)),
        )
        return path

    return make


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", ["gemma3", "llama", "mistral"])
def test_transformers_reads_the_model_that_llama_cpp_runs(
    name: str, speaker: Callable[..., Path], tmp_path: Path
) -> None:
    import torch

    path = speaker(name)
    tokenizer = load_tokenizer(str(path))
    settings = ModelSettings(model=str(path))
    model = load_model(settings, dtype=torch.float32, device=torch.device("cpu"), quantize="none").eval()
    prompts = [[5, 300, 301, 302, 700, 20, 21, 22], [17, 400, 401, 402]]
    answer = probe(
        {
            "model": str(path),
            "adapter": None,
            "texts": list(TEXTS),
            "prompts": prompts,
            "continued": 0,
            "tokens": 0,
            "logits": str(tmp_path / "logits.bin"),
        }
    )
    assert [tokenizer(text).input_ids for text in TEXTS] == answer["with_special"]
    found = np.fromfile(tmp_path / "logits.bin", dtype=np.float32).reshape(-1, answer["vocabulary"])
    with torch.inference_mode():
        wanted = [model(torch.tensor([prompt])).logits[0].numpy() for prompt in prompts]
    closeness = compare(wanted, np.split(found, [len(prompts[0])]))
    assert closeness.top1 == 1
    assert closeness.kl < BOUNDS["f16"].kl


@pytest.mark.parametrize(
    ("less", "reason"),
    [
        ("blk.1.ffn_up.weight", "{name} has no model.layers.1.mlp.up_proj.weight that transformers could find"),
        ("gemma3.feed_forward_length", "its weights have other shapes than its configuration says"),
    ],
)
def test_what_transformers_would_fill_with_random_numbers_is_refused(
    less: str, reason: str, speaker: Callable[..., Path]
) -> None:
    import torch

    path = speaker("gemma3", less)
    settings = ModelSettings(model=str(path))
    with pytest.raises(TrainingError) as error:
        load_model(settings, dtype=torch.float32, device=torch.device("cpu"), quantize="none")
    assert str(error.value) == f"the model {path} can't be loaded: {reason.format(name=path.name)}"
