"""A second round: what the samples are drawn with, what the training goes on from, and adapters that can't be used."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lacie_training import dpo, sample
from lacie_training.errors import TrainingError
from lacie_training.learning.adapters import ADAPTER_FILES
from lacie_training.run_folder import RunFolder, read_rows
from safetensors.torch import load_file, save_file
from tiny_pairs import write_pairs
from tiny_recipes import small

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = ("dpo.select=last", "dpo.lora.dropout=0", "dpo.gradient_checkpointing=false", "dpo.pairs_per_step=4")


def folder_of(path: Path, model: Path, *more: str) -> RunFolder:
    folder = RunFolder.open(path, small("mistral-7b", model, *SETTINGS, *more))
    write_pairs(folder)
    return folder


def trained(path: Path, model: Path, *more: str) -> RunFolder:
    folder = folder_of(path, model, *more)
    dpo.run(folder)
    return folder


def tensors(folder: RunFolder) -> dict[str, torch.Tensor]:
    return load_file(folder.path / "adapter" / ADAPTER_FILES[1])


@pytest.fixture(scope="module")
def first(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A first round that changes its model a good deal."""
    torch.set_num_threads(1)
    return trained(tmp_path_factory.mktemp("first"), tiny("mistral"), "dpo.steps=8", "dpo.learning_rate=0.02")


def test_the_training_goes_on_from_the_adapter_and_counts_from_the_base_model(
    first: RunFolder, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    start = f"start={first.path / 'adapter'}"
    second = trained(tmp_path, tiny("mistral"), "dpo.steps=1", "dpo.learning_rate=1e-12", start)
    before = tensors(first)
    for name, value in tensors(second).items():
        torch.testing.assert_close(value, before[name], atol=1e-9, rtol=0)
    reference = {row["id"]: row for row in read_rows(first.path / "reference.jsonl")}
    assert all(row == pytest.approx(reference[row["id"]]) for row in read_rows(second.path / "reference.jsonl"))
    [loss] = [row["loss"] for row in read_rows(second.path / "training_log.jsonl")]
    assert loss < read_rows(first.path / "training_log.jsonl")[0]["loss"] - 0.05


def test_samples_are_drawn_with_the_adapter(first: RunFolder, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    start = f"start={first.path / 'adapter'}"
    said = []
    for name, more in (("base", ()), ("again", ()), ("second", (start,))):
        folder = folder_of(tmp_path / name, tiny("mistral"), *more)
        sample.run(folder)
        said.append([row["response"] for row in read_rows(folder.path / "samples.jsonl")])
    assert said[0] == said[1] != said[2]


def test_a_run_without_a_start_keeps_its_identity(tiny: Callable[[str], Path]) -> None:
    recipe = small("mistral-7b", tiny("mistral"))
    assert "start" not in recipe.identity()
    assert recipe.model_copy(update={"start": Path("adapter")}).digest() != recipe.digest()


def change(adapter: Path, **values: object) -> None:
    path = adapter / ADAPTER_FILES[0]
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def halve(adapter: Path) -> None:
    """Leave half of an adapter's modules: those of another model."""
    path = adapter / ADAPTER_FILES[1]
    whole = load_file(path)
    modules = sorted({name.partition(".lora_")[0] for name in whole})[::2]
    save_file({name: tensor for name, tensor in whole.items() if name.partition(".lora_")[0] in modules}, path)


def lose_a_b(adapter: Path) -> None:
    """Leave an A without its B."""
    path = adapter / ADAPTER_FILES[1]
    whole = load_file(path)
    del whole[next(name for name in whole if ".lora_B." in name)]
    save_file(whole, path)


def lose_a_number(adapter: Path) -> None:
    """Leave a NaN in its weights, as of a training that diverged."""
    path = adapter / ADAPTER_FILES[1]
    whole = load_file(path)
    next(iter(whole.values()))[0, 0] = float("nan")
    save_file(whole, path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, "holds no adapter that can be read"),
        (lambda adapter: (adapter / ADAPTER_FILES[0]).write_text("[1"), "holds no adapter that can be read"),
        (lambda adapter: (adapter / ADAPTER_FILES[0]).write_text("[1]"), "holds no adapter that can be read"),
        (lambda adapter: (adapter / ADAPTER_FILES[1]).write_bytes(b"nothing"), "holds no adapter that can be read"),
        (lambda adapter: change(adapter, r=None), "is damaged: it names no rank"),
        (lose_a_b, "without its B"),
        (lose_a_number, "holds a NaN or an infinity"),
        (lambda adapter: change(adapter, r=4), "has r 4 and alpha 32; set dpo.lora.r and dpo.lora.alpha to those"),
        (halve, "is an adapter of another model"),
    ],
)
def test_a_start_that_can_t_be_used_is_named_in_one_line(
    first: RunFolder, tiny: Callable[[str], Path], tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(first.path / "adapter", adapter)
    spoil(adapter)
    folder = folder_of(tmp_path / "run", tiny("mistral"), f"start={adapter}")
    stages = [dpo.run] if spoil is halve else [dpo.run, sample.run]
    for stage in stages:
        with pytest.raises(TrainingError) as error:
            stage(folder)
        assert str(error.value).startswith(f"start={adapter} ") and words in str(error.value)
        assert "\n" not in str(error.value)
