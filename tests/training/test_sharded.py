"""The 70B's training with its weights sharded: through the real trainer, saved and resumed, by two processes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lacie_training import dpo
from lacie_training.errors import TrainingError
from lacie_training.learning.batches import check_sharding
from lacie_training.recipes.files import load_recipe
from lacie_training.run import accelerate_config
from lacie_training.run_folder import RunFolder
from short_trainings import COMMON, assert_same_training, losses, trained, weights
from tiny_pairs import write_pairs
from tiny_recipes import small

pytestmark = pytest.mark.usefixtures("one_thread")

FOUR_BIT = ("dpo.quantize=nf4", "dpo.dtype=bfloat16", "dpo.mixed_precision=true", "dpo.gradient_checkpointing=true")


def opened(path: Path, model: Path, *settings: str) -> RunFolder:
    folder = RunFolder.open(path, small("llama3-70b", model, *COMMON, *settings))
    write_pairs(folder)
    return folder


def sharded(folder: RunFolder, out: Path) -> list[dict[str, object]]:
    """Train by our launcher and `sharding.py`; what each process saw."""
    script = str(Path(__file__).parent / "sharding.py")
    line = [sys.executable, "-m", "lacie_training.launch", "--config_file", str(accelerate_config("fsdp"))]
    line += ["--num_processes", "2", "--main_process_port", "0", script, str(out)]
    line += ["--recipe", str(folder.path / "recipe.yaml"), "--run", str(folder.path)]
    cpu = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "ACCELERATE_TORCH_DEVICE": "cpu"}
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, **cpu})
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((out / f"rank-{rank}.json").read_text()) for rank in (0, 1)]


def test_a_sharded_training_equals_a_whole_one(tiny: Callable[..., Path], tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", tiny("llama", 64))
    folder = opened(tmp_path / "sharded", tiny("llama", 64))
    found = sharded(folder, tmp_path)
    assert_same_training(folder, whole, atol=2e-4)
    assert sum(int(str(each["here"])) for each in found) == found[0]["all"] == found[1]["all"]
    for each in found:
        assert "LlamaDecoderLayer" in str(each["units"]) and each["whole"] == []


def test_four_bit_weights_are_sharded_saved_and_resumed(tiny: Callable[..., Path], tmp_path: Path) -> None:
    """As the 70B's recipe has it: packed 4-bit weights, an adapter in float32, computed in bfloat16."""
    settings = (*FOUR_BIT, "dpo.adapter_dtype=float32", "dpo.lora.dropout=0.05")
    folder = opened(tmp_path / "run", tiny("llama", 64), *settings)
    found = sharded(folder, tmp_path)
    for each in found:
        assert each["buffers"] == ["torch.float32"], "RoPE's frequencies are not rounded"
        assert each["trained"] == ["torch.float32"] and each["whole"] == []
        assert int(str(each["here"])) < 0.6 * int(str(each["all"])), "a half of the packed weights, too"
    told = losses(folder)
    assert told[0] == pytest.approx(0.6931, abs=1e-4), "log-probabilities are whole, and the loss with them"
    assert torch.tensor(told).bfloat16().tolist() != told

    again = RunFolder(tmp_path / "again", folder.recipe)
    shutil.copytree(folder.path, again.path)
    shutil.rmtree(again.path / "adapter")
    shutil.rmtree(again.path / "checkpoints" / "checkpoint-8")
    sharded(again, tmp_path)
    assert losses(again) == told
    kept = weights(folder)
    assert all(torch.equal(value, kept[name]) for name, value in weights(again).items())


@pytest.mark.parametrize(
    ("setting", "instead"),
    [
        ("dpo.select=during", "set dpo.select=after"),
        ("dpo.precompute_reference=true", "set dpo.precompute_reference=false"),
        ("dpo.optimizer=paged_adamw_32bit", "set dpo.optimizer=adamw_torch"),
        ("dpo.quant_storage=uint8", "set dpo.quant_storage=bfloat16"),
    ],
)
def test_what_a_sharded_training_cannot_do_is_said(
    setting: str, instead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_sharding(load_recipe("llama3-70b").dpo)
    with pytest.raises(TrainingError, match=instead):
        check_sharding(load_recipe("llama3-70b", [setting]).dpo)
    folder = RunFolder.open(tmp_path, load_recipe("llama3-70b", [setting]))
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(TrainingError, match=instead):
        dpo.run(folder)
