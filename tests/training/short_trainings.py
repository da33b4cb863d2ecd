"""Trainings of eight steps on eight pairs of random words, and what it takes for two of them to be the same."""

from pathlib import Path

import pytest
import torch
from lacie_training.dpo import run
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RunFolder, read_rows
from tiny_pairs import write_pairs
from tiny_recipes import small


def trained(path: Path, model: Path, *settings: str) -> RunFolder:
    """A run folder whose adapter was trained in this process, without asking the listener."""
    folder = RunFolder.open(path, recipe_of(model, *settings))
    write_pairs(folder)
    run(folder)
    return folder


COMMON = (
    "dpo.steps=8",
    "dpo.pairs_per_step=4",
    "dpo.per_device_batch=4",
    "dpo.learning_rate=0.001",
    "dpo.lora.dropout=0",
    "dpo.select=last",
    "dpo.save_every=4",
    "dpo.gradient_checkpointing=false",
)


def recipe_of(model: Path, *settings: str) -> Recipe:
    return small("mistral-7b", model, *COMMON, *settings)


def losses(folder: RunFolder) -> list[float]:
    return [row["loss"] for row in read_rows(folder.path / "training_log.jsonl")]


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder.path / "adapter" / "adapter_model.safetensors")


def assert_same_training(one: RunFolder, other: RunFolder, *, atol: float) -> None:
    assert losses(one) == pytest.approx(losses(other), abs=atol)
    left, right = weights(one), weights(other)
    assert left.keys() == right.keys()
    for name, value in left.items():
        torch.testing.assert_close(value, right[name], atol=atol, rtol=0)
