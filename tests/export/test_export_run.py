"""Whole exports: the embedded model and tiny random models of three architectures, through every stage, and what verify
catches."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fitted import calibrator
from hub_upload_server import TOKEN, hub_uploads
from lacie_export.bases import find_base, open_base, vocabulary_size
from lacie_export.gguf_layout import stamp
from lacie_export.merge import merge
from lacie_export.peft_adapter import read_adapter
from tiny_models import make_adapter

from lacie_chat.cli import main
from lacie_chat.confidence import ASSESSMENT_VERSION, Form
from lacie_chat.engine import ChatTurn, Delta, EngineProcess, EngineSettings, Sampling
from lacie_chat.models import find_calibrator, inspect_gguf

CALIBRATOR = calibrator(-0.3, Form(-0.2, {"acceptance": 0.8}), n=240, acceptance=0.5, span_sum=1.0)


def export(stage: str, *arguments: object) -> int:
    return main(["export", stage, *map(str, arguments)])


def verified(file: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(Path(f"{file}.verify.json").read_text())
    return record


def failed_checks(file: Path) -> set[str]:
    return {row["check"] for row in verified(file)["rows"] if not row["ok"]}


def answer(model: Path, adapter: Path | None, question: str) -> str:
    engine = EngineProcess(EngineSettings(model, adapter, n_ctx=512))
    try:
        engine.load()
        sampling = Sampling(temperature=0.0, max_tokens=24, repeat_penalty=1.0)
        events = engine.generate([ChatTurn("user", question)], sampling)
        return "".join(event.text for event in events if isinstance(event, Delta))
    finally:
        engine.close()


def make_run(folder: Path, adapter: Path, base: str) -> Path:
    """A run folder as the training leaves it: recipe, adapter, metrics, pictures, calibrator."""
    from lacie_training.recipes.files import load_recipe

    folder.mkdir()
    (folder / "recipe.yaml").write_text(load_recipe("smoke", [f"speaker.model={base}"]).to_yaml())
    shutil.copytree(adapter, folder / "adapter")
    figures = {"n": 40, "accuracy": 0.25, "auroc": 0.61, "ece": 0.2, "f1": 0.5, "abstention_rate": None, "bins": 9}
    p_right = {"n": 40, "given": 38, "auroc": 0.8, "ece": 0.04}
    sets = {"held-out": {"baseline": {**figures, "auroc": 0.52}, "adapter": {**figures, "p_right": p_right}}}
    made = {"recipe": "smoke", "digest": "feedc0de", "assessment_version": ASSESSMENT_VERSION}
    (folder / "metrics.json").write_text(json.dumps({**made, "sets": sets}))
    (folder / "reliability-held-out.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "calibrator.json").write_text(json.dumps(CALIBRATOR.to_dict()))
    return folder


@pytest.fixture(scope="module")
def embedded_adapter(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random LoRA for the embedded model, with the names and shapes that its GGUF implies."""
    width, inner, keys, layers = 576, 1536, 192, 30
    modules = {"self_attn.q_proj": (width, width), "self_attn.k_proj": (keys, width), "mlp.down_proj": (width, inner)}
    weights = {f"model.layers.{i}.{name}.weight": shape for i in range(layers) for name, shape in modules.items()}
    return make_adapter(tmp_path_factory.mktemp("adapters") / "embedded", weights, "embedded", r=8, strength=0.01)


@pytest.fixture(scope="module")
def exported(embedded_adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole export of a run on the embedded model, by one command in a process of its own."""
    run = make_run(tmp_path_factory.mktemp("runs") / "smoke", embedded_adapter, "embedded")
    out = run.parent / "out"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "lacie_export.run",
            "--run",
            str(run),
            "--out",
            str(out),
            "--quant",
            "f16,q4_k_m",
            "--with-base",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    return out


NAME = "SmolLM2-135M-Instruct"


def test_one_command_makes_all_files_and_each_is_verified(exported: Path) -> None:
    names = {path.name for path in exported.iterdir()}
    models = [f"{NAME}-LACIE-F16.gguf", f"{NAME}-LACIE-Q4_K_M.gguf", f"{NAME}-LACIE-F32-LoRA.gguf"]
    assert names == {
        *models,
        *(f"{model}.verify.{kind}" for model in models for kind in ("json", "md")),
        *(f"{NAME}-F16.gguf", "merged", "README.md", "reliability-held-out.png"),
    }
    for model in models:
        record = verified(exported / model)
        assert record["ok"], model
        assert record["positions"] > 200
    assert verified(exported / models[0])["top1"] == 1.0
    assert verified(exported / models[0])["mean_kl"] < 1e-4 < verified(exported / models[1])["mean_kl"]
    fell_back = [row["found"] for row in verified(exported / models[1])["rows"] if row["check"] == "tensors"]
    assert "rows not divisible by 256 fell back to: Q5_0" in fell_back[0]


def test_merged_folder_is_the_unpacked_gguf_with_its_tokenizer(exported: Path) -> None:
    merged = exported / "merged"
    config = json.loads((merged / "config.json").read_text())
    assert (config["dtype"], config["vocab_size"]) == ("float16", 49152)
    assert "_model_name_or_path" not in config
    assert (merged / "chat_template.jinja").is_file()
    assert vocabulary_size(merged) == 49152


def test_metadata_says_what_it_is_and_the_chat_finds_its_calibrator(exported: Path) -> None:
    for name in (f"{NAME}-LACIE-Q4_K_M.gguf", f"{NAME}-LACIE-F32-LoRA.gguf"):
        info = inspect_gguf(exported / name)
        assert info.metadata["general.license"] == "apache-2.0"
        assert info.metadata["general.base_model.0.organization"] == "HuggingFaceTB"
        assert info.lacie["method"] == "LACIE"
        assert info.lacie["recipe"] == "smoke"
        assert info.lacie["assessment_version"] == ASSESSMENT_VERSION
        assert info.lacie["recipe_digest"] == "feedc0de"
        assert info.lacie["accept_threshold"] == pytest.approx(0.66)
        assert info.lacie["evaluation.n"] == 40
        assert info.lacie["evaluation.auroc"] == pytest.approx(0.61)
        assert json.loads(str(info.lacie["evaluation"]))["held-out"]["baseline"]["auroc"] == 0.52
        assert str(exported.parent) not in str(info.metadata)
    assert inspect_gguf(exported / f"{NAME}-LACIE-Q4_K_M.gguf").quantisation == "Q4_K_M"
    assert find_calibrator(exported / f"{NAME}-LACIE-Q4_K_M.gguf") == CALIBRATOR
    assert find_calibrator(exported / f"{NAME}-F16.gguf", exported / f"{NAME}-LACIE-F32-LoRA.gguf") == CALIBRATOR
    assert not inspect_gguf(exported / f"{NAME}-F16.gguf").lacie


def test_merged_file_and_base_with_adapter_say_the_same(exported: Path) -> None:
    merged, base = exported / f"{NAME}-LACIE-F16.gguf", exported / f"{NAME}-F16.gguf"
    adapter = exported / f"{NAME}-LACIE-F32-LoRA.gguf"
    for question in ("What is the capital of France?", "Name a river in Egypt."):
        text = answer(merged, None, question)
        assert text
        assert text == answer(base, adapter, question)
    assert verified(adapter)["greedy"] == verified(merged)["greedy"]


def test_model_card_carries_licence_base_and_figures(exported: Path) -> None:
    import yaml

    card = (exported / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "apache-2.0"
    assert front["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert front["library_name"] == "gguf"
    assert {"lacie", "arxiv:2405.21028"} <= set(front["tags"])
    assert "| set | speaker | " in card
    assert "| AUROC of P(right) | ECE of P(right) |" in card
    assert "| held-out | adapter | 40 | 0.250 | 0.610 | 0.200 | n/a | n/a | 0.500 | n/a | 0.800 | 0.040 |" in card
    assert "| held-out | baseline | 40 | 0.250 | 0.520 | 0.200 | n/a | n/a | 0.500 | n/a | n/a | n/a |" in card
    assert "![Reliability: acceptance against the share of right answers](reliability-held-out.png)" in card
    assert "from acceptance, span_sum, fitted on 240 answers" in card
    assert f"lacie --model {NAME}-LACIE-F16.gguf" in card
    assert str(exported.parent) not in card


@pytest.fixture(scope="module")
def tiny_mistral(mistral: Path, mistral_adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Mistral exported stage by stage: merge, gguf in four quantisations, adapter."""
    out = tmp_path_factory.mktemp("mistral-out")
    source = ("--adapter", mistral_adapter, "--base", mistral, "--out", out)
    assert export("merge", *source) == 0
    assert export("gguf", *source, "--quant", "bf16,q8_0,q6_k,q5_k_m") == 0
    assert export("adapter", *source) == 0
    return out


def test_stages_one_by_one_on_mistral(tiny_mistral: Path) -> None:
    files = sorted(tiny_mistral.glob("*.gguf"))
    kinds = ("BF16", "F32-LoRA", "Q5_K_M", "Q6_K", "Q8_0")
    assert [file.name for file in files] == [f"Tiny-Mistral-LACIE-{kind}.gguf" for kind in kinds]
    for file in files:
        assert verified(file)["ok"]
        checks = {row["check"]: row["found"] for row in verified(file)["rows"]}
        assert checks["token ids, with BOS and EOS"].startswith("42 of 42")
    q6 = {row["check"]: row["found"] for row in verified(files[3])["rows"]}
    assert q6["tensors"].startswith("Q6_K 16")
    assert not list(tiny_mistral.glob(".*"))


@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_whole_run_on_other_architectures(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Llama with rslora, permuted q and k and a byte-level tokenizer; Gemma with tied embeddings and rows of 96."""
    base, adapter = request.getfixturevalue(kind), request.getfixturevalue(f"{kind}_adapter")
    quants = "f16,q4_k_m" if kind == "gemma" else "f16"
    assert export("run", "--adapter", adapter, "--base", base, "--out", tmp_path, "--quant", quants) == 0
    files = list(tmp_path.glob("*.gguf"))
    assert len(files) == quants.count(",") + 2
    assert all(verified(file)["ok"] for file in files)
    lora = next(file for file in files if file.stem.endswith("LoRA"))
    assert verified(lora)["mean_kl"] < 1e-5


def test_verify_catches_a_merge_that_was_scaled_by_two(
    mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubled, out = tmp_path / "doubled", tmp_path / "out"
    shutil.copytree(mistral_adapter, doubled)
    config = json.loads((doubled / "adapter_config.json").read_text())
    (doubled / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 2 * config["lora_alpha"]}))
    base = open_base(find_base(str(mistral)), tmp_path)
    merge(base, read_adapter(doubled), out / "merged")
    source = ("--adapter", mistral_adapter, "--base", mistral, "--out", out)
    assert export("gguf", *source, "--quant", "q8_0") == 1
    file = out / "Tiny-Mistral-LACIE-Q8_0.gguf"
    assert "merge: strength of the adapter" in failed_checks(file)
    assert "strength of the adapter: 2.0" in capsys.readouterr().err
    assert not file.exists()
    assert Path(f"{file}.failed").exists()
    # and without the merged folder beside it, by the file's answers alone
    shutil.rmtree(out / "merged")
    Path(f"{file}.failed").rename(file)
    assert export("verify", *source, "--file", file) == 1
    assert {"mean KL"} <= failed_checks(file)


def test_verify_catches_a_shifted_tokenizer(
    tiny_mistral: Path, mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "Tiny-Mistral-LACIE-Q8_0.gguf"
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(mistral / "tokenizer.model"))
    tokens = [model.id_to_piece(index) for index in range(model.get_piece_size())]
    shifted = tokens[:300] + tokens[301:] + tokens[300:301]
    stamp(tiny_mistral / file.name, file, {"tokenizer.ggml.tokens": shifted}, drop=lambda _: False)
    assert export("verify", "--adapter", mistral_adapter, "--base", mistral, "--out", tmp_path) == 1
    assert failed_checks(file) == {"token ids, texts as they are", "token ids, with BOS and EOS"}
    assert "is not the model that was trained: token ids" in capsys.readouterr().err


def test_verify_catches_a_corrupted_tensor(
    tiny_mistral: Path, mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gguf import GGUFReader

    file = tmp_path / "Tiny-Mistral-LACIE-BF16.gguf"
    shutil.copyfile(tiny_mistral / file.name, file)
    tensor = next(each for each in GGUFReader(file).tensors if each.name == "blk.1.ffn_down.weight")
    weights = np.asarray(tensor.data).reshape(-1).view(np.uint16)
    noise = np.random.default_rng(0).permutation(weights).tobytes()  # all of them still sound numbers
    with file.open("r+b") as stream:
        stream.seek(tensor.data_offset)
        stream.write(noise)
    source = ("--adapter", mistral_adapter, "--base", mistral, "--out", tmp_path)
    assert export("verify", *source) == 1
    assert "mean KL" in failed_checks(file)
    with file.open("r+b") as stream:
        stream.seek(tensor.data_offset)
        stream.write(b"\xff" * 256)  # NaNs
    capsys.readouterr()
    assert export("verify", *source) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lacie:")]
    assert len(errors) == 1
    assert file.name in errors[0]


def test_unknown_architecture_is_one_line_before_any_work(
    mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, out = tmp_path / "Tiny-Mistral", tmp_path / "out"
    shutil.copytree(mistral, base)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "architectures": ["HalfBakedForCausalLM"]}))
    source = ("--adapter", mistral_adapter, "--base", base, "--out", out, "--same-base")
    for stage in ("run", "gguf", "adapter"):
        assert export(stage, *source) == 1
        assert capsys.readouterr().err.strip() == (
            "lacie: llama.cpp's converter doesn't know the architecture HalfBakedForCausalLM, "
            "so this model can't become a GGUF"
        )
    assert not list(out.iterdir())


def test_existing_targets_and_wrong_options_are_one_line(
    tiny_mistral: Path, mistral: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ("--adapter", mistral_adapter, "--base", mistral, "--out", tiny_mistral)
    before = (tiny_mistral / "Tiny-Mistral-LACIE-Q8_0.gguf").stat().st_mtime_ns
    for arguments, line in (
        (("gguf", *source, "--quant", "q8_0"), "Tiny-Mistral-LACIE-Q8_0.gguf is there already; give --force"),
        (("adapter", *source), "Tiny-Mistral-LACIE-F32-LoRA.gguf is there already; give --force"),
        (("run", *source, "--quant", "f16"), "merged is there already; give --force"),
        (("gguf", *source, "--quant", "q3_k"), "there is no quantisation q3_k here"),
        (("verify", *source[:4], "--out", tmp_path), "holds no GGUF to verify"),
        (("run", *source[:4], "--out", tmp_path, "--push", "nobody"), "--push takes OWNER/REPO, not nobody"),
    ):
        assert export(str(arguments[0]), *arguments[1:]) == 1
        assert line in capsys.readouterr().err
    assert (tiny_mistral / "Tiny-Mistral-LACIE-Q8_0.gguf").stat().st_mtime_ns == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_export_leaves_nothing_behind(
    number: signal.Signals, llama: Path, llama_adapter: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    module = [sys.executable, "-m", "lacie_export.model_gguf"]
    command = [*module, "--adapter", llama_adapter, "--base", llama, "--out", out]
    child = subprocess.Popen(
        [*map(str, command), "--quant", "q8_0"],
        stderr=subprocess.PIPE,
        text=True,
        # as in a terminal: whoever runs the tests in the background hands down an interrupt that is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith("converting"):
            break
    child.send_signal(number)
    _, rest = child.communicate()
    assert child.returncode not in (0, 1)
    assert "Traceback" not in rest
    assert {path.name for path in out.iterdir()} <= {"merged"}


def test_leftovers_of_a_killed_export_are_swept_away(mistral: Path, mistral_adapter: Path, tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    leftovers = [tmp_path / f".merged.{gone.pid}.part", tmp_path / f".work.{gone.pid}.part"]
    for leftover in leftovers:
        leftover.mkdir()
        (leftover / "half").write_text("x")
    other = tmp_path / f".merged.{os.getppid()}.part"  # of an export that is still at work
    other.mkdir()
    assert export("merge", "--adapter", mistral_adapter, "--base", mistral, "--out", tmp_path) == 0
    assert not any(leftover.exists() for leftover in leftovers)
    assert other.exists()


def test_push_uploads_what_was_exported(mistral: Path, mistral_adapter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--adapter", mistral_adapter, "--base", mistral, "--out", out, "--quant", "bf16", "--no-verify"]
    with hub_uploads() as hub:
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": TOKEN,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_XET": "1",
        }
        command = [sys.executable, "-m", "lacie_export.run", *map(str, arguments), "--push", "someone/Tiny-LACIE-GGUF"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert hub.repos == {"someone/Tiny-LACIE-GGUF"}
        assert len(hub.commits) == 1
        names = {"Tiny-Mistral-LACIE-BF16.gguf", "Tiny-Mistral-LACIE-F32-LoRA.gguf", "README.md"}
        assert set(hub.commits[0]) == names
        for name in names:
            assert hub.commits[0][name] == (out / name).read_bytes()
        assert b"lacie --model someone/Tiny-LACIE-GGUF:BF16" in hub.commits[0]["README.md"]

        before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
        posts = [request for request in hub.requests if not request.startswith("GET")]
        stranger = {**environment, "HF_TOKEN": "hf_other"}
        refused = subprocess.run([*command, "--force"], env=stranger, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert refused.stderr.strip().startswith(
            "lacie: can't push to someone/Tiny-LACIE-GGUF: the Hub refuses it (401)"
        )
        # asked before any work, and nothing sent
        assert [request for request in hub.requests if not request.startswith("GET")] == posts
    offline = subprocess.run([*command, "--force"], env=environment, capture_output=True, text=True, check=False)
    assert offline.returncode == 1
    assert "the Hub can't be reached" in offline.stderr
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before  # asked before any work
