"""The mean of adapters: of what they add to the weights, at their own rank; and runs that have no mean."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lacie_training import dpo
from lacie_training.learning.adapters import ADAPTER_FILES, mean_of
from lacie_training.run_folder import RunFolder, read_recipe
from safetensors.torch import load_file, save_file
from tiny_pairs import write_pairs
from tiny_recipes import small

from lacie_chat.cli import main

NAME = "base_model.model.layers.0.q_proj.lora_{}.weight"
A, B = NAME.format("A"), NAME.format("B")


def lora(seed: int, rank: int = 4, scale: float = 1.0) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {A: scale * torch.randn(rank, 12, generator=draw), B: torch.randn(20, rank, generator=draw)}


def added(adapter: dict[str, torch.Tensor]) -> torch.Tensor:
    return adapter[B] @ adapter[A]


def test_of_one_adapter_in_two_guises_the_mean_is_what_it_adds() -> None:
    one = lora(0)
    turned = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(9)))[0]
    other = {A: 3 * turned @ one[A], B: one[B] @ turned.T / 3}
    mean, share = mean_of((one, other), rank=4)
    assert share == pytest.approx(1)
    torch.testing.assert_close(added(mean), added(one), atol=1e-4, rtol=1e-4)
    halved = {name: (tensor + other[name]) / 2 for name, tensor in one.items()}
    assert not torch.allclose(added(halved), added(one), atol=0.1), "the mean of A and of B would be something else"


def test_the_mean_is_the_nearest_of_its_rank() -> None:
    adapters = lora(1), lora(2, scale=0.5), lora(3)
    exact = sum(map(added, adapters)) / 3  # type: ignore[arg-type]
    mean, share = mean_of(adapters, rank=4)
    u, values, v = torch.linalg.svd(exact)
    torch.testing.assert_close(added(mean), u[:, :4] @ values[:4].diag() @ v[:4], atol=1e-4, rtol=1e-4)
    assert share == pytest.approx(float(values[:4].square().sum() / values.square().sum()), rel=1e-4)
    assert 0.5 < share < 0.99
    whole, all_of_it = mean_of(adapters, rank=12)
    torch.testing.assert_close(added(whole), exact, atol=1e-4, rtol=1e-4)
    assert all_of_it == pytest.approx(1)


@pytest.fixture(scope="module")
def runs(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two trainings on the same pairs in another order."""
    torch.set_num_threads(1)
    found = []
    for seed in (1, 2):
        settings = ("dpo.select=last", "dpo.steps=2", "dpo.pairs_per_step=4", f"seed={seed}")
        folder = RunFolder.open(tmp_path_factory.mktemp(f"run{seed}"), small("mistral-7b", tiny("mistral"), *settings))
        write_pairs(folder)
        dpo.run(folder)
        found.append(folder.path)
    return found


def run(*arguments: object) -> int:
    return main(["train", "mean", *map(str, arguments)])


def test_two_runs_give_a_third(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*runs, "--run", tmp_path / "mean") == 0
    assert "is the mean of 2" in capsys.readouterr().out
    made = [load_file(each / "adapter" / ADAPTER_FILES[1]) for each in (*runs, tmp_path / "mean")]
    mean, _ = mean_of((made[0], made[1]), rank=json.loads((runs[0] / "adapter" / ADAPTER_FILES[0]).read_text())["r"])
    assert made[2].keys() == made[0].keys()
    assert all(torch.equal(made[2][name], mean[name]) for name in mean)
    assert read_recipe(tmp_path / "mean").digest() == read_recipe(runs[0]).digest()
    assert json.loads((tmp_path / "mean" / "mean.json").read_text())["of"] == [str(each) for each in runs]
    assert run(*runs, "--run", tmp_path / "mean") == 0, "again, over itself"


def test_runs_that_have_no_mean(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*arguments: object) -> str:
        assert run(*arguments) == 1
        [line] = capsys.readouterr().err.splitlines()
        return line

    new = tmp_path / "mean"
    assert "two adapters or more" in refused(runs[0], "--run", new)
    assert "one of the runs themselves" in refused(*runs, "--run", runs[0])
    assert "adapter of its own" in refused(runs[0], runs[0], "--run", runs[1])
    assert "holds no adapter that can be read" in refused(runs[0], tmp_path, "--run", new)
    other = shutil.copytree(runs[1], tmp_path / "other")
    config = other / "adapter" / ADAPTER_FILES[0]
    config.write_text(config.read_text().replace('"lora_alpha": ', '"lora_alpha": 1'))
    assert "differ in lora_alpha" in refused(runs[0], other, "--run", new)
    weights = shutil.copytree(runs[1], tmp_path / "weights") / "adapter" / ADAPTER_FILES[1]
    save_file({name: tensor for name, tensor in load_file(weights).items() if "q_proj" in name}, weights)
    assert "not of the same modules" in refused(runs[0], weights.parent.parent, "--run", new)
    assert not new.exists()
