"""The training: a pinned loss curve, and equalities that must hold however its steps are cut up or interrupted."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lacie_training.dpo import run
from lacie_training.errors import TrainingError
from lacie_training.generators.loading import load_tokenizer
from lacie_training.learning.adapters import ADAPTER_FILES, keep_adapter
from lacie_training.learning.checkpoints import best_step, checkpoint_steps
from lacie_training.learning.lora import check_targets
from lacie_training.learning.tokens import tokenise_pairs, training_order
from lacie_training.recipes.schema import DpoSettings
from lacie_training.run_folder import RunFolder, read_rows, write_rows
from short_trainings import assert_same_training, losses, recipe_of, trained, weights
from tiny_pairs import write_pairs

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_loss_curve_is_pinned(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    """A fixed tiny training of 24 steps; measured on a CPU with AVX-512, the tolerance is for other CPUs' rounding."""
    folder = trained(tmp_path, tiny("mistral"), "dpo.steps=24", "dpo.save_every=24")
    curve = losses(folder)
    assert curve[0] == pytest.approx(0.6931, abs=1e-3), "before the first step policy and reference are the same"
    assert curve[::4] == pytest.approx(PINNED, abs=0.02)
    assert sum(curve[-4:]) < 0.6 * sum(curve[:4])


PINNED = [0.6931, 0.6683, 0.4511, 0.6049, 0.3515, 0.2347]


def test_accumulated_batches_equal_one_batch(reference: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    cut = trained(tmp_path, tiny("mistral"), "dpo.per_device_batch=1")
    assert_same_training(cut, reference, atol=2e-4)


def test_gradient_checkpointing_changes_nothing(
    reference: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    saved = trained(tmp_path, tiny("mistral"), "dpo.gradient_checkpointing=true")
    assert_same_training(saved, reference, atol=2e-4)


def test_the_reference_may_be_computed_on_the_way(
    reference: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    live = trained(tmp_path, tiny("mistral"), "dpo.precompute_reference=false")
    assert_same_training(live, reference, atol=2e-4)
    assert not (live.path / "reference.jsonl").exists()


def test_four_steps_resume_four_steps_equal_eight(
    reference: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    """The first life ends after step 4 by SIGTERM, the second one goes on from its checkpoint."""
    folder = RunFolder.open(tmp_path, recipe_of(tiny("mistral")))
    write_pairs(folder)
    with pytest.raises(TrainingError, match="dpo: stopped at step 4 of 8, with a checkpoint") as error:
        _run_until_step(folder, 4)
    assert error.value.exit_status == 143
    assert not (tmp_path / "adapter").exists()
    run(folder)
    assert_same_training(folder, reference, atol=0)


def test_a_resume_in_bfloat16_equals_eight_steps_to_the_last_bit(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    """Weights, adapter and the optimiser's state in bfloat16, as in the 7B recipes the first two, and with dropout."""
    halves = ("dpo.dtype=bfloat16", "dpo.adapter_dtype=bfloat16", "dpo.lora.dropout=0.1", "dpo.learning_rate=0.01")
    whole = trained(tmp_path / "whole", tiny("mistral"), *halves)
    folder = RunFolder.open(tmp_path / "resumed", recipe_of(tiny("mistral"), *halves))
    write_pairs(folder)
    with pytest.raises(TrainingError, match="dpo: stopped at step 4 of 8"):
        _run_until_step(folder, 4)
    run(folder)
    assert {value.dtype for value in weights(folder).values()} == {torch.bfloat16}
    assert_same_training(folder, whole, atol=0)
    states = [torch.load(each.path / "checkpoints/checkpoint-8/optimizer.pt")["state"] for each in (folder, whole)]
    for number, state in states[0].items():
        assert state["exp_avg"].dtype == torch.bfloat16
        assert all(torch.equal(value, states[1][number][name]) for name, value in state.items())


def _run_until_step(folder: RunFolder, step: int) -> None:
    from lacie_training.learning.trainer import StopCallback

    class Signalled(StopCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == step:
                signal.raise_signal(signal.SIGTERM)
            super().on_step_end(args, state, control, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lacie_training.learning.trainer.StopCallback", Signalled)
        run(folder)


def test_a_torn_checkpoint_is_not_resumed_from(tmp_path: Path) -> None:
    for step, state in ((2, '{"global_step": 2}'), (4, '{"glob'), (6, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert checkpoint_steps(tmp_path) == [2]


def test_the_reference_is_computed_once(reference: RunFolder) -> None:
    rows = read_rows(reference.path / "reference.jsonl")
    assert [row["id"] for row in rows] == [row["id"] for row in read_rows(reference.path / "pairs.jsonl")]
    assert all(row["ref_chosen_logps"] < 0 and row["ref_rejected_logps"] < 0 for row in rows)


def test_the_adapter_is_peft_and_names_its_targets(reference: RunFolder) -> None:
    config = json.loads((reference.path / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (16, 32)
    assert set(config["target_modules"]) == set(reference.recipe.dpo.lora.targets)
    trained_modules = {name.split(".lora_")[0].rpartition(".")[2] for name in weights(reference)}
    assert trained_modules == set(reference.recipe.dpo.lora.targets)
    assert any(value.abs().sum() > 0 for name, value in weights(reference).items() if "lora_B" in name)


def test_a_finished_training_is_not_done_again(reference: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    before = (reference.path / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns
    run(reference)
    assert "is trained" in capsys.readouterr().out
    assert (reference.path / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns == before


def test_a_strength_under_one_lies_between_the_base_and_the_tuned_model(reference: RunFolder, tmp_path: Path) -> None:
    weaker = reference.recipe.dpo.model_copy(update={"strength": 0.75})
    folder = RunFolder.open(tmp_path / "run", reference.recipe.model_copy(update={"dpo": weaker}))
    shutil.copytree(reference.path, folder.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("adapter", "*.yaml"))
    run(folder)
    whole = weights(reference)
    for name, value in weights(folder).items():
        assert torch.equal(value, whole[name] * 0.75 if "lora_B" in name else whole[name])


def test_sigterm_from_outside_leaves_a_checkpoint_and_an_honest_status(
    tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    folder = RunFolder.open(tmp_path, recipe_of(tiny("mistral"), "dpo.steps=4000", "dpo.save_every=100000"))
    write_pairs(folder)
    line = [
        sys.executable,
        "-m",
        "lacie_training.dpo",
        "--recipe",
        str(tmp_path / "recipe.yaml"),
        "--run",
        str(tmp_path),
    ]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for text in process.stderr:
        if re.search(r"\b[1-9]\d* of 4000 steps", text):
            break
    process.terminate()
    message = process.stderr.read()
    assert process.wait(60) == 143
    [step] = checkpoint_steps(tmp_path / "checkpoints")
    assert f"dpo: stopped at step {step} of 4000, with a checkpoint" in message


# -- pieces -------------------------------------------------------------------------------------------------------


def test_every_target_must_match_something() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=64, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    )
    check_targets(model, ["q_proj", "down_proj"], setting="dpo.lora.targets")
    with pytest.raises(TrainingError) as error:
        check_targets(model, ["q_proj", "out_proj", "fc_in", "wte"], setting="dpo.lora.targets")
    assert str(error.value) == (
        "dpo.lora.targets: out_proj, fc_in, wte match no module of the model; "
        "it has down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["dpo.optimizer=paged_adamw_32bit"], "the optimiser paged_adamw_32bit needs CUDA"),
        (["dpo.quantize=nf4"], "needs a CUDA device"),
        (["dpo.device=cuda"], "dpo.device is cuda, but no CUDA device is available"),
        (["dpo.lora.targets=[q_proj, wte]"], "wte match no module"),
        (["dpo.report_to=nowhere"], "dpo.report_to=nowhere: no such tracker is installed here"),
    ],
)
def test_what_cannot_be_trained_is_one_clear_line(
    settings: list[str], message: str, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("these are the errors of a machine without CUDA")
    with pytest.raises(TrainingError) as error:
        trained(tmp_path, tiny("mistral"), *settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_no_pairs_is_an_error(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    folder = RunFolder.open(tmp_path, recipe_of(tiny("mistral")))
    with pytest.raises(TrainingError, match="run the stage 'pairs' first"):
        run(folder)
    write_rows(tmp_path / "pairs.jsonl", [])
    with pytest.raises(TrainingError, match="holds no pairs"):
        run(folder)


def test_only_a_finished_response_teaches_to_end() -> None:
    tokenizer = load_tokenizer("embedded")
    pair = {"id": "a", "prompt": "Q:", "chosen": " Oslo.", "rejected": " It is perhaps", "chosen_finished": True}
    [row] = tokenise_pairs([{**pair, "rejected_finished": False}], tokenizer, 100)
    assert row["chosen_ids"][-1] == tokenizer.eos_token_id
    assert tokenizer.eos_token_id not in row["rejected_ids"]
    assert tokenizer.decode(row["prompt_ids"] + row["rejected_ids"]) == "Q: It is perhaps"
    with pytest.raises(TrainingError, match="all 1 prompts are longer"):
        tokenise_pairs([{**pair, "rejected_finished": False}], tokenizer, 1)


def test_the_order_reaches_every_pair_once_an_epoch_and_keeps_like_lengths_together() -> None:
    draw = random.Random(0)
    rows = [
        {"id": str(n), "prompt_ids": [1], "chosen_ids": [1] * draw.randint(1, 60), "rejected_ids": [1]}
        for n in range(64)
    ]
    settings = DpoSettings(steps=16, pairs_per_step=8, per_device_batch=8)
    used, order = training_order(rows, settings, seed=0)
    assert len(used) == 64 and len(order) == 128
    assert sorted(order[:64]) == sorted(order[64:]) == list(range(64))
    spread = [
        max(lengths) - min(lengths)
        for lengths in ([len(used[i]["chosen_ids"]) for i in order[s : s + 8]] for s in range(0, 128, 8))
    ]
    assert sum(spread) / len(spread) < 15
    few, few_order = training_order(rows, settings.model_copy(update={"steps": 2}), seed=0)
    assert len(few) == 16 and sorted(few_order) == list(range(16)), "pairs that no step reaches cost no reference pass"


def test_the_best_checkpoint_is_that_of_the_highest_f1_the_earlier_of_two() -> None:
    rows = [{"step": 10, "f1": 0.4}, {"step": 20, "f1": 0.6}, {"step": 30, "f1": 0.6}, {"step": 40, "f1": None}]
    assert best_step(rows) == 20
    assert best_step([{"step": 10, "f1": None}, {"step": 5, "f1": None}]) == 5


def test_keeping_an_adapter_replaces_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "adapter"
    for step in (1, 2):
        checkpoint = tmp_path / f"checkpoint-{step}"
        checkpoint.mkdir()
        for name in ADAPTER_FILES:
            (checkpoint / name).write_text(str(step))
        keep_adapter(checkpoint, target)
        assert sorted(path.name for path in target.iterdir()) == sorted(ADAPTER_FILES)
        assert (target / ADAPTER_FILES[0]).read_text() == str(step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "checkpoint-1", "checkpoint-2"]
