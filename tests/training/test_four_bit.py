"""The 4-bit path of the 7B, 8B and 70B recipes, on a CPU, where bitsandbytes can do it slowly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lacie_training import dpo
from lacie_training.errors import TrainingError
from lacie_training.run_folder import RunFolder, read_rows
from tiny_pairs import write_pairs
from tiny_recipes import FOUR_BIT, small

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("name", "architecture", "storage"),
    [
        ("mistral-7b", "mistral", torch.uint8),
        ("llama3-8b", "llama", torch.uint8),
        ("llama3-70b", "llama", torch.bfloat16),
    ],
)
def test_an_adapter_is_trained_over_four_bit_weights(
    name: str,
    architecture: str,
    storage: torch.dtype,
    tiny: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the refusal without CUDA is taken away; loading, LoRA, training and checkpoints are the recipe's own."""
    from bitsandbytes.nn import Linear4bit, Params4bit
    from lacie_training.learning.trainer import PairTrainer
    from safetensors.torch import load_file

    seen: dict[str, Any] = {}
    train = PairTrainer.train

    def watched(trainer: Any, *args: Any, **options: Any) -> Any:
        seen["model"] = trainer.model
        return train(trainer, *args, **options)

    monkeypatch.setattr(PairTrainer, "train", watched)
    monkeypatch.setattr("lacie_training.generators.loading.need_cuda", lambda device: None)
    more = ("dpo.select=last", "dpo.learning_rate=0.01", "dpo.mixed_precision=true")
    folder = RunFolder.open(tmp_path, small(name, tiny(architecture, 64), *FOUR_BIT, *more))
    write_pairs(folder)
    dpo.run(folder)

    model = seen["model"]
    linears = [module for module in model.modules() if isinstance(module, Linear4bit)]
    assert len(linears) == 2 * 7, "two layers of seven projections"
    for linear in linears:
        weight = linear.weight
        assert isinstance(weight, Params4bit) and not weight.requires_grad
        assert (weight.quant_state.quant_type, weight.quant_state.nested) == ("nf4", True)
        assert linear.compute_dtype == torch.bfloat16
        assert weight.quant_storage == storage
    dtypes = {parameter.dtype for parameter in model.parameters() if not isinstance(parameter, Params4bit)}
    assert dtypes == {torch.bfloat16}, "norms, embeddings and adapter"
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert all(value.dtype == torch.bfloat16 for value in adapter.values())
    assert sum(value.abs().sum() for key, value in adapter.items() if "lora_B" in key) > 0
    first = read_rows(tmp_path / "training_log.jsonl")[0]
    assert first["loss"] == pytest.approx(0.693, abs=0.02), "policy and reference are the same before the first step"


def test_four_bit_without_a_gpu_is_refused(tiny: Callable[..., Path], tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this is the error of a machine without CUDA")
    folder = RunFolder.open(tmp_path, small("mistral-7b", tiny("mistral"), *FOUR_BIT, "dpo.select=last"))
    write_pairs(folder)
    with pytest.raises(TrainingError, match=r"needs a CUDA device; set .*dpo\.quantize=none"):
        dpo.run(folder)
