"""Training and evaluation, killed at random points: nothing is lost or made twice, and the outcome is the same."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lacie_training import dpo, evaluate
from lacie_training.errors import TrainingError
from lacie_training.learning.checkpoints import BEST, checkpoint_steps
from lacie_training.run_folder import RunFolder, read_rows, write_rows
from lives import live_and_die
from tiny_pairs import write_pairs
from tiny_recipes import small

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = (
    "dpo.steps=8",
    "dpo.save_every=2",
    "dpo.pairs_per_step=4",
    "dpo.per_device_batch=2",
    "dpo.learning_rate=0.001",
    "dpo.lora.dropout=0.05",
    "questions.test={sample: {source: sample, count: 9}}",
    "evaluate.other_listeners=[lexicon]",
)


def opened(path: Path, model: Path, *settings: str) -> RunFolder:
    folder = RunFolder.open(path, small("mistral-7b", model, *SETTINGS, *settings))
    write_pairs(folder)
    return folder


def weights(folder: RunFolder, where: str = "adapter") -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder.path / where / "adapter_model.safetensors")


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(value, right[name]) for name, value in left.items())


@pytest.fixture(scope="module")
def quiet(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The uninterrupted life: trained with the listener's choice of the checkpoint, and evaluated."""
    torch.set_num_threads(1)
    folder = opened(tmp_path_factory.mktemp("quiet"), tiny("mistral"))
    dpo.run(folder)
    evaluate.run(folder)
    return folder


def state(path: Path) -> object:
    """What a killed life may have left behind."""
    rows = [*sorted(path.glob("evaluation/*/*/answers.jsonl")), path / "validation.jsonl", path / "reference.jsonl"]
    return checkpoint_steps(path / "checkpoints"), [file.stat().st_size for file in rows if file.exists()]


def test_kill_9_while_training_and_evaluating_changes_nothing(
    quiet: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    folder = opened(tmp_path, tiny("mistral"))
    assert live_and_die("dpo", tmp_path, lambda: state(tmp_path), kills=4) >= 3
    assert same(weights(folder), weights(quiet))
    for name in ("validation.jsonl", "reference.jsonl"):
        assert (tmp_path / name).read_bytes() == (quiet.path / name).read_bytes()
    ours, theirs = (read_rows(each / "training_log.jsonl") for each in (tmp_path, quiet.path))
    assert [(row["step"], row["loss"]) for row in ours] == [(row["step"], row["loss"]) for row in theirs]
    assert live_and_die("evaluate", tmp_path, lambda: state(tmp_path), kills=3) >= 2
    for side in ("baseline", "adapter"):
        rows = f"evaluation/sample/{side}/answers.jsonl"
        assert (tmp_path / rows).read_bytes() == (quiet.path / rows).read_bytes()
    assert (tmp_path / "metrics.json").read_bytes() == (quiet.path / "metrics.json").read_bytes()


def test_a_last_checkpoint_that_was_not_scored_yet_is(quiet: RunFolder, tmp_path: Path) -> None:
    """The moment between the last checkpoint and its score, which no random kill is sure to meet."""
    path = tmp_path / "run"
    shutil.copytree(quiet.path, path)
    shutil.rmtree(path / "adapter")
    shutil.rmtree(path / BEST)
    scored = read_rows(path / "validation.jsonl")
    assert [row["step"] for row in scored] == [2, 4, 6, 8]
    write_rows(path / "validation.jsonl", scored[:-1])
    folder = RunFolder(path, quiet.recipe)
    dpo.run(folder)
    assert read_rows(path / "validation.jsonl") == scored
    assert same(weights(folder), weights(quiet))


def test_the_best_adapter_outlives_its_checkpoint(
    quiet: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    folder = opened(tmp_path, tiny("mistral"), "dpo.keep_checkpoints=1")
    dpo.run(folder)
    assert checkpoint_steps(tmp_path / "checkpoints") == [8]
    best = max(read_rows(tmp_path / "validation.jsonl"), key=lambda row: (row["f1"] or 0, -row["step"]))["step"]
    assert best < 8, "this test is about a best one that is not the last"
    assert same(weights(folder), weights(quiet, f"checkpoints/checkpoint-{best}"))
    assert not same(weights(folder), weights(quiet, "checkpoints/checkpoint-8"))


def test_listener_figures_reach_the_trackers(quiet: RunFolder) -> None:
    told: list[dict[str, Any]] = json.loads(
        (quiet.path / "checkpoints" / "checkpoint-8" / "trainer_state.json").read_text()
    )["log_history"]
    assert [row["step"] for row in told if "listener/accuracy" in row] == [2, 4, 6]
    assert all("rewards/accuracies" in row for row in told if "loss" in row), "TRL's own figures are not lost by that"


def test_a_finished_run_is_looked_at_anew_without_answering(
    quiet: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    shutil.copytree(quiet.path, path)
    (path / "metrics.json").unlink()

    def no_model(*_args: object, **_options: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("lacie_training.generators.sharing.load_shared", no_model)
    monkeypatch.setattr("lacie_training.generators.sharing.load_listener", no_model)
    again = small("mistral-7b", Path(quiet.recipe.speaker.model), *SETTINGS, "evaluate.bootstrap=7")
    evaluate.run(RunFolder.open(path, again))
    metrics = json.loads((path / "metrics.json").read_text())
    assert set(metrics["other_listeners"]["lexicon"]["sample"]) == {"baseline", "adapter"}
    assert "## Heard by lexicon" in (path / "report.md").read_text()
    first = json.loads((quiet.path / "metrics.json").read_text())
    assert metrics["sets"]["sample"]["adapter"]["ece"] == first["sets"]["sample"]["adapter"]["ece"]


def test_a_disk_that_is_full_while_a_checkpoint_is_saved(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    folder = opened(tmp_path, tiny("mistral"), "dpo.select=last")
    checkpoint = tmp_path / "checkpoints" / "checkpoint-4"
    checkpoint.mkdir(parents=True)
    (checkpoint / "optimizer.pt").symlink_to("/dev/full")
    with pytest.raises(TrainingError) as error:
        dpo.run(folder)
    assert str(error.value).startswith("the disk is full")
    assert "\n" not in str(error.value)
    assert checkpoint_steps(tmp_path / "checkpoints") == [2]
    shutil.rmtree(checkpoint)
    dpo.run(folder)
    assert checkpoint_steps(tmp_path / "checkpoints") == [2, 4, 6, 8]
