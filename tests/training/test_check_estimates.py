"""What `lacie train check` estimates, beside what it is an estimate of: real weights, real backward passes, files."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lacie_training import dpo
from lacie_training.check.disk import checkpoints_bytes, rows_bytes
from lacie_training.check.findings import Findings
from lacie_training.check.forecast import forecast
from lacie_training.check.machine import Gpu, Machine, check_machine
from lacie_training.check.memory import judging, sampling, training
from lacie_training.check.rehearsal import Rehearsed
from lacie_training.check.skeleton import NF4_BYTES, kept_for_backward, skeleton, trained, weight_bytes
from lacie_training.run_folder import RunFolder
from tiny_pairs import write_pairs
from tiny_recipes import FOUR_BIT, small
from torch.autograd.graph import saved_tensors_hooks

pytestmark = pytest.mark.usefixtures("one_thread")


def test_activations_are_those_that_a_real_forward_pass_keeps(tiny: Callable[..., Path]) -> None:
    from peft import get_peft_model

    recipe = small("mistral-7b", tiny("mistral"), "dpo.lora.dropout=0.1")
    found = kept_for_backward(
        trained(recipe.speaker, recipe.dpo, torch.float32).tuned, sequences=6, tokens=40, autocast=False
    )
    base = dpo.base_model(recipe)
    model = get_peft_model(base, dpo.lora_config(recipe.dpo.lora, base))
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    ids = torch.ones(6, 40, dtype=torch.long)
    mask = torch.ones_like(ids)
    mask[0, -5:] = 0  # pairs differ in length: without any padding no mask would be made
    model.train()
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        model.get_base_model().base_model(input_ids=ids, attention_mask=mask, use_cache=False)
    real = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    assert found == pytest.approx(real, rel=0.05)


def test_four_bit_weights_take_what_is_reckoned(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from bitsandbytes.nn import Params4bit

    monkeypatch.setattr("lacie_training.generators.loading.need_cuda", lambda device: None)
    recipe = small("mistral-7b", tiny("mistral", 64), *FOUR_BIT)
    real = 0
    for parameter in dpo.base_model(recipe).parameters():
        real += parameter.numel() * parameter.element_size()
        if isinstance(parameter, Params4bit):
            state = parameter.quant_state
            real += state.absmax.nbytes + state.state2.absmax.nbytes
    assert weight_bytes(skeleton(recipe.speaker, torch.bfloat16), "nf4") == pytest.approx(real, rel=0.01)
    assert pytest.approx(4.127 / 8, abs=1e-3) == NF4_BYTES, "QLoRA's 4.127 bits"


def test_a_7b_is_estimated_from_its_configuration_alone(tmp_path: Path) -> None:
    """Mistral-7B's shapes on a GPU of 24 GB: 4-bit training fits, without checkpointing it doesn't."""
    from lacie_training.generators.loading import load_tokenizer
    from transformers import MistralConfig

    MistralConfig(num_hidden_layers=32, num_key_value_heads=8, intermediate_size=14336).save_pretrained(tmp_path)
    load_tokenizer("embedded").save_pretrained(tmp_path)
    from lacie_training.recipes.files import load_recipe

    machine = Machine((Gpu("a GPU", 24_000_000_000, 25_000_000_000, True),), 64_000_000_000)
    models = [f"speaker.model={tmp_path}", f"listener.model={tmp_path}"]
    recipe = load_recipe("mistral-7b", [*models, "speaker.batch_size=80"])
    model = trained(recipe.speaker, recipe.dpo, torch.bfloat16)
    assert model.parameters == pytest.approx(7.24e9, rel=0.01) and model.adapter == 41_943_040
    found = training(recipe, machine, model)
    assert found.place == "gpu" and found.parts["weights"] == pytest.approx(4.0e9, rel=0.05)
    assert found.total < 24e9
    without = load_recipe("mistral-7b", [*models, "dpo.gradient_checkpointing=false"])
    assert training(without, machine, model).total > 30e9
    each = sampling(recipe, machine).parts
    batch = next(size for what, size in each.items() if what.startswith("a batch of"))
    assert batch > 80 * recipe.speaker.context * 2 * 32 * 8 * 128 * 2, "more than keys and values"
    assert judging(recipe, machine).parts["weights"] == found.parts["weights"]


def test_what_a_gpu_lacks_is_said(tiny: Callable[..., Path]) -> None:
    found = Findings(lambda line: None)
    old = Machine((Gpu("Tesla T4", 15_000_000_000, 16_000_000_000, False),), 8_000_000_000)
    recipe = small("mistral-7b", tiny("mistral"), "speaker.data_parallel=2", "dpo.adapter_dtype=bfloat16")
    check_machine(recipe, old, 4, found)
    said = [finding.said for finding in found.failures]
    assert said[0] == "1 can be seen; dpo wants 4, speaker wants 2"
    assert said[1].startswith("Tesla T4 can't compute in bfloat16")


def test_a_library_that_can_not_be_imported_is_said(tiny: Callable[..., Path]) -> None:
    found = Findings(lambda line: None)
    recipe = small("mistral-7b", tiny("mistral"), "speaker.generator=vllm")
    check_machine(recipe, Machine((), 8_000_000_000), 1, found)
    assert "vLLM" in {finding.subject for finding in found.failures}
    assert "No module named 'vllm'" in next(f.said for f in found.failures if f.subject == "vLLM")


def test_the_disk_holds_what_is_reckoned(tiny: Callable[..., Path], tmp_path: Path) -> None:
    recipe = small("mistral-7b", tiny("mistral"), "dpo.select=last", "dpo.max_length=64")
    folder = RunFolder.open(tmp_path, recipe)
    write_pairs(folder)
    dpo.run(folder)
    written = sum(path.stat().st_size for path in (tmp_path / "checkpoints").rglob("*") if path.is_file())
    adapter = trained(recipe.speaker, recipe.dpo, torch.float32).adapter
    assert written <= checkpoints_bytes(recipe, adapter) < written + 4 * 20_000_000 + adapter * 100
    assert rows_bytes(recipe, 1000) > 1000 * recipe.sample.per_question * 100


def test_hours_are_rates_times_counts(tiny: Callable[..., Path]) -> None:
    recipe = small("mistral-7b", tiny("mistral"), "questions.train={source: trivia_qa, count: 3600}")
    rates = {"sample": 1.0, "judge": 3.0, "dpo reference": 0.0, "dpo": 0.5, "evaluate": 2.0}
    found = Findings(lambda line: None)
    forecast(recipe, Rehearsed(rates, 1, 60.0), found)
    [line] = [finding.said for finding in found.all]
    assert "sample 1:00:00" in line and "judge 1:00:00" in line, "3,600 questions, and their three samples each"
    assert "dpo 8 s" in line, "two steps of two pairs, where a step of one took two seconds"
    assert "not known: reference (too slow" in line and "by one question's rates" in line
