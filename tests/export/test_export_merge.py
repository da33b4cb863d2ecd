"""The merge is PEFT's, to the last bit; it stays small; and what it can't do is refused in one line before any work."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lacie_export.bases import Base, find_base, open_base
from lacie_export.errors import ExportError
from lacie_export.files import need_space
from lacie_export.merge import merge
from lacie_export.peft_adapter import Adapter, read_adapter
from lacie_export.reference import merge_strength
from safetensors.torch import load_file, save_file
from tiny_models import make_adapter, shapes

from lacie_chat.cli import main


def opened(folder: Path) -> Base:
    return open_base(find_base(str(folder)), folder)


def all_weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for path in folder.glob("*.safetensors") for name, tensor in load_file(path).items()}


def merged_by_peft(base: Path, adapter: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=dtype), adapter)
    return dict(model.merge_and_unload().state_dict())


def test_merge_in_float32_is_that_of_peft_to_the_last_bit(gemma: Path, gemma_adapter: Path, tmp_path: Path) -> None:
    ours = all_weights(merge(opened(gemma), read_adapter(gemma_adapter), tmp_path / "merged"))
    theirs = merged_by_peft(gemma, gemma_adapter, torch.float32)
    assert ours
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize("kind", ["mistral", "llama"])
def test_merge_in_16_bit_is_peft_in_float32_rounded_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    base, adapter = request.getfixturevalue(kind), request.getfixturevalue(f"{kind}_adapter")
    before = all_weights(base)
    ours = all_weights(merge(opened(base), read_adapter(adapter), tmp_path / "merged"))
    theirs = merged_by_peft(base, adapter, torch.float32)
    assert ours.keys() == before.keys()
    for name, tensor in ours.items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, theirs[name].to(tensor.dtype)), name
    assert any(not torch.equal(tensor, before[name]) for name, tensor in ours.items())


def test_merged_folder_is_a_whole_model(mistral: Path, mistral_adapter: Path, tmp_path: Path) -> None:
    status = main(
        ["export", "merge", "--adapter", str(mistral_adapter), "--base", str(mistral), "--out", str(tmp_path)]
    )
    assert status == 0
    merged = tmp_path / "merged"
    assert len(list(merged.glob("*.safetensors"))) == len(list(mistral.glob("*.safetensors"))) > 1
    assert (merged / "tokenizer.model").read_bytes() == (mistral / "tokenizer.model").read_bytes()
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "config.json"):
        assert (merged / name).is_file(), name
    assert str(mistral.parent) not in (merged / "config.json").read_text()
    assert not list(tmp_path.glob(".*"))


def test_strength_tells_a_merge_done_once_from_one_done_twice(gemma: Path, gemma_adapter: Path, tmp_path: Path) -> None:
    base, adapter = opened(gemma), read_adapter(gemma_adapter)
    once = merge(base, adapter, tmp_path / "once")
    twice = merge(open_base(find_base(str(once)), once), adapter, tmp_path / "twice")
    assert merge_strength(gemma, once, adapter) == pytest.approx(1.0, abs=1e-3)
    assert merge_strength(gemma, twice, adapter) == pytest.approx(2.0, abs=1e-3)
    assert merge_strength(gemma, gemma, adapter) == 0.0


def _memory_of_merge(folder: Path, layers: int) -> int:
    """Peak resident bytes of a process that merges a model of `layers` matrices of 4096 x 4096, of 32 MB each."""
    base = folder / f"base-{layers}"
    base.mkdir()
    weights = {
        f"model.layers.{i}.mlp.up_proj.weight": torch.full((4096, 4096), 0.01, dtype=torch.bfloat16)
        for i in range(layers)
    }
    save_file(weights, base / "model.safetensors")
    (base / "config.json").write_text("{}")
    adapter = make_adapter(folder / f"adapter-{layers}", shapes(base), str(base), r=8)
    script = (
        "import sys; from pathlib import Path; import torch; torch.set_num_threads(1)\n"
        "from lacie_export.peft_adapter import read_adapter; from lacie_export.bases import find_base, open_base\n"
        "from lacie_export.merge import merge\n"
        "base = open_base(find_base(sys.argv[1]), Path(sys.argv[1]))\n"
        "merge(base, read_adapter(Path(sys.argv[2])), Path(sys.argv[3]))\n"
        "status = Path('/proc/self/status').read_text()\n"  # ru_maxrss would count the parent at the fork, too
        "print(1024 * int(status.split('VmHWM:')[1].split()[0]))\n"
    )
    arguments = [sys.executable, "-c", script, str(base), str(adapter), str(folder / f"merged-{layers}")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    shutil.rmtree(base)
    shutil.rmtree(folder / f"merged-{layers}")
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_a_merge_does_not_grow_with_the_model(tmp_path: Path) -> None:
    small, large = _memory_of_merge(tmp_path, 2), _memory_of_merge(tmp_path, 10)
    assert large - small < 0.25 * 8 * 4096 * 4096 * 2, f"{small / 1e6:.0f} MB, then {large / 1e6:.0f} MB"


Change = Callable[[Path], None]


def _config(**values: object) -> Change:
    def change(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def _weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / "adapter_model.safetensors")
        change(tensors)
        save_file(tensors, folder / "adapter_model.safetensors")

    return apply


def _first(tensors: dict[str, torch.Tensor], part: str) -> str:
    return next(name for name in sorted(tensors) if part in name)


def _with_nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors[_first(tensors, "lora_B")][0, 0] = float("nan")


def _renamed(tensors: dict[str, torch.Tensor]) -> None:
    for part in ("lora_A", "lora_B"):
        name = _first(tensors, part)
        tensors[name.replace("layers.0", "layers.9")] = tensors.pop(name)


def _cut(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


REFUSED: list[tuple[str, Change, str]] = [
    ("dora", _config(use_dora=True), "DoRA"),
    ("rank pattern", _config(rank_pattern={"q_proj": 2}), "rank pattern"),
    ("alpha pattern", _config(alpha_pattern={"q_proj": 2}), "alpha pattern"),
    ("bias", _config(bias="all"), "biases"),
    ("lora bias", _config(lora_bias=True), "LoRA biases"),
    ("modules to save", _config(modules_to_save=["lm_head"]), "modules_to_save"),
    ("transposed", _config(fan_in_fan_out=True), "fan_in_fan_out"),
    ("tokens", _config(trainable_token_indices=[1]), "retrained tokens"),
    ("pissa", _config(init_lora_weights="pissa_niter_4"), "changes the base's weights"),
    ("no lora", _config(peft_type="IA3"), "only LoRA"),
    ("no language model", _config(task_type="SEQ_CLS"), "not for a language model"),
    ("rank", _config(r=3), "of rank [4] where its config says 3"),
    ("nan", _weights(_with_nan), "a NaN or an infinity"),
    ("unknown target", _weights(_renamed), "which Tiny-Mistral doesn't have"),
    ("lone A", _weights(lambda tensors: tensors.pop(_first(tensors, "lora_B"))), "without its B"),
    (
        "other shape",
        _weights(lambda tensors: tensors.update({_first(tensors, "lora_A"): torch.ones(4, 64)})),
        "it was made for another model",
    ),
    (
        "embeddings",
        _weights(lambda t: t.update({"base_model.model.model.embed_tokens.weight": torch.ones(4, 4)})),
        "its vocabulary differs from the base's",
    ),
    ("cut short", _cut, "is damaged"),
    (
        "no weights",
        lambda folder: (folder / "adapter_model.safetensors").unlink(),
        "holds no adapter_model.safetensors",
    ),
    ("no config", lambda folder: (folder / "adapter_config.json").unlink(), "holds no adapter"),
    ("other base", _config(base_model_name_or_path="example/other-7B"), "was made for example/other-7B, not for"),
    ("no base", _config(base_model_name_or_path=None), "was made for a base that it does not name"),
]


@pytest.mark.parametrize(("change", "line"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_in_one_line_before_any_work(
    change: Change, line: str, mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter, out = tmp_path / "adapter", tmp_path / "out"
    shutil.copytree(mistral_adapter, adapter)
    change(adapter)
    assert main(["export", "merge", "--adapter", str(adapter), "--base", str(mistral), "--out", str(out)]) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert line in errors[0]
    assert not out.exists() or not list(out.iterdir())


def test_same_base_under_another_name_is_allowed_when_asked_for(
    mistral: Path, mistral_adapter: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(mistral_adapter, adapter)
    _config(base_model_name_or_path="example/tiny")(adapter)
    arguments = ["--adapter", str(adapter), "--base", str(mistral), "--out", str(tmp_path / "out"), "--same-base"]
    assert main(["export", "merge", *arguments]) == 0


def test_tokenizer_that_grew_in_training_is_refused(
    mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(mistral_adapter, adapter)
    tokenizer = json.loads((mistral / "tokenizer.json").read_text())
    tokenizer["added_tokens"].append({**tokenizer["added_tokens"][0], "id": 512, "content": "<new>"})
    (adapter / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert (
        main(["export", "merge", "--adapter", str(adapter), "--base", str(mistral), "--out", str(tmp_path / "out")])
        == 1
    )
    assert "has 513 entries, that of Tiny-Mistral has 512" in capsys.readouterr().err


def _damage_shard(folder: Path, how: str) -> None:
    path = sorted(folder.glob("*.safetensors"))[0]
    data = bytearray(path.read_bytes())
    if how == "cut":
        del data[-500:]
    elif how == "header":
        data[20:40] = b"\x00" * 20
    elif how == "length":
        data[:8] = (1 << 60).to_bytes(8, "little")
    elif how == "nan":
        data[-2:] = b"\xff\x7f"  # a NaN in bfloat16
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "header", "length", "nan"])
def test_broken_base_leaves_one_line_and_no_files(
    how: str, mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, out = tmp_path / "Tiny-Mistral", tmp_path / "out"
    shutil.copytree(mistral, base)
    _damage_shard(base, how)
    arguments = ["--adapter", str(mistral_adapter), "--base", str(base), "--out", str(out), "--same-base"]
    assert main(["export", "merge", *arguments]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lacie:")]
    assert len(errors) == 1
    assert "is damaged" in errors[0]
    assert not list(out.iterdir())


def test_overflow_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    save_file(
        {"model.layers.0.q_proj.weight": torch.full((8, 8), 6e4, dtype=torch.float16)}, base / "model.safetensors"
    )
    (base / "config.json").write_text("{}")
    adapter = read_adapter(make_adapter(tmp_path / "adapter", shapes(base), str(base), strength=1e5))
    with pytest.raises(ExportError, match="overflows F16"):
        merge(opened(base), adapter, tmp_path / "merged")


def test_target_that_exists_asks_for_force(
    mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--adapter", str(mistral_adapter), "--base", str(mistral), "--out", str(tmp_path)]
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "mine.txt").write_text("keep")
    assert main(["export", "merge", *arguments]) == 1
    assert "give --force" in capsys.readouterr().err
    assert (tmp_path / "merged" / "mine.txt").read_text() == "keep"
    assert main(["export", "merge", *arguments, "--force"]) == 0
    assert not (tmp_path / "merged" / "mine.txt").exists()
    assert (tmp_path / "merged" / "config.json").is_file()


def test_space_is_asked_for_before(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"not enough space in .* for the merged model: it needs 1000000000\.1 GB"):
        need_space(tmp_path / "not" / "there" / "yet", 10**18, "the merged model")


def test_missing_bases_are_one_line(mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for ref, line in (
        ("/no/such/model", "no base model /no/such/model"),
        (str(mistral_adapter / "adapter_config.json"), "neither a GGUF nor a folder"),
        (str(mistral_adapter), "holds no config.json"),
    ):
        arguments = ["--adapter", str(mistral_adapter), "--base", ref, "--out", str(tmp_path), "--same-base"]
        assert main(["export", "merge", *arguments]) == 1
        assert line in capsys.readouterr().err
    assert main(["export", "merge", "--out", str(tmp_path)]) == 1
    assert "name what to export" in capsys.readouterr().err
    assert main(["export", "merge", "--run", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "is not a run folder" in capsys.readouterr().err


def test_scale_of_rslora(llama_adapter: Path, mistral_adapter: Path) -> None:
    plain: Adapter = read_adapter(mistral_adapter)
    rslora: Adapter = read_adapter(llama_adapter)
    assert plain.scale == 8 / 4
    assert rslora.scale == 4 / 4**0.5
