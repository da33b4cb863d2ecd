"""Where things come from: the command's options, the converter's scripts, bases of all kinds, licences."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hub_server import HubServer
from lacie_export.bases import find_base, open_base, same_base
from lacie_export.closeness import BOUNDS, Closeness, compare, unexplained
from lacie_export.commands import LAUNCHED, STAGES, add_arguments
from lacie_export.errors import ExportError
from lacie_export.gguf_layout import stamp, tensors
from lacie_export.licences import from_card, from_gguf, front_matter
from lacie_export.metadata import leaked_path
from lacie_export.quantize import parse_quants
from lacie_export.run_facts import public_name
from lacie_export.scripts import SDIST_VARIABLE, known_architectures, scripts_folder

from lacie_chat.cli import main
from lacie_chat.models import inspect_gguf


def test_options_cost_no_torch() -> None:
    script = (
        "import argparse, sys\nfrom lacie_export.commands import add_arguments\n"
        "parser = argparse.ArgumentParser()\nadd_arguments(parser)\n"
        "assert parser.parse_args(['run', '--out', 'x']).stage == 'run'\n"
        "print([name for name in ('torch', 'transformers', 'llama_cpp', 'peft', 'gguf') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("stage", [name for name, _, _ in STAGES])
def test_each_stage_is_a_module_too(stage: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args([stage, "--out", "x", "--adapter", "y"]).adapter == Path("y")
    module = f"lacie_export.{LAUNCHED.get(stage, stage)}"
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    assert f"python -m {module}" in done.stdout


def test_missing_extra_is_one_line(tmp_path: Path) -> None:
    """As where the extra isn't installed: none of its modules can be found."""
    missing = ["torch", "transformers", "peft", "safetensors", "sentencepiece", "google.protobuf"]
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
        "from lacie_chat.cli import main; sys.exit(main(['export', 'merge', '--out', 'x']))"
    )
    home = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(home), str(home / "export")])},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "lacie: exporting needs torch, transformers, peft, safetensors, sentencepiece, google.protobuf; "
        "install it with: pip install 'lacie-chat[export]'"
    ]


def test_converter_is_the_one_of_the_runtime() -> None:
    folder = scripts_folder()
    assert {"MistralForCausalLM", "LlamaForCausalLM", "GemmaForCausalLM"} <= known_architectures(folder)
    assert (folder / "gguf-py" / "gguf" / "constants.py").is_file()
    assert {path.name for path in folder.iterdir()} <= {
        *("convert_hf_to_gguf.py", "convert_lora_to_gguf.py", "LICENSE", "conversion", "gguf-py", "__pycache__"),
    }


def test_wrong_source_distribution_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "llama.tar.gz"
    wrong.write_bytes(b"not it")
    monkeypatch.setenv("LACIE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv(SDIST_VARIABLE, str(wrong))
    with pytest.raises(ExportError, match=r"is not the source distribution .*: its SHA-256 differs"):
        scripts_folder()
    monkeypatch.setenv(SDIST_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ExportError, match="can't be read"):
        scripts_folder()
    assert not list((tmp_path / "cache").iterdir())


def test_no_index_to_fetch_from_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACIE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.delenv(SDIST_VARIABLE, raising=False)
    with pytest.raises(ExportError, match=r"llama\.cpp's converter can't be fetched by pip: Could not find a version"):
        scripts_folder()


def test_embedded_base_is_known_by_its_file_and_folder(embedded_model: Path) -> None:
    base = find_base("embedded")
    assert (base.name, base.gguf) == ("SmolLM2-135M-Instruct", embedded_model)
    assert find_base(str(embedded_model)).name == base.name
    assert same_base("embedded", base)
    assert same_base("embedded", find_base(str(embedded_model)))
    assert same_base(str(embedded_model), base)
    assert same_base(str(embedded_model.parent), base)  # what PEFT notes for a model loaded from a GGUF
    assert not same_base("HuggingFaceTB/SmolLM2-135M-Instruct", base)  # other weights: not quantised
    assert not same_base("", base)


def test_base_out_of_the_hub_s_cache_is_known_by_its_repository(mistral: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models--example--Tiny-7B" / "snapshots" / "abc"
    shutil.copytree(mistral, folder)
    base = open_base(find_base(str(folder)), tmp_path)
    assert (base.name, base.repo) == ("Tiny-7B", "example/Tiny-7B")
    assert base.licence.identifier == "apache-2.0"
    assert base.languages == ("en",)
    assert same_base("example/tiny-7b", base.ref)
    assert not same_base("example/other", base.ref)


def test_base_that_is_not_here_and_no_hub_is_one_line(
    mistral_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    arguments = ["--adapter", str(mistral_adapter), "--base", "example/none", "--out", str(tmp_path), "--same-base"]
    assert main(["export", "merge", *arguments]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lacie:")]
    assert len(errors) == 1
    assert "can't reach http://127.0.0.1:9" in errors[0]


def test_base_comes_from_the_hub(mistral: Path, mistral_adapter: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(mistral_adapter, adapter)
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "example/Tiny-7B"}))
    out = tmp_path / "out"
    with HubServer() as hub:
        hub.add("example/Tiny-7B", {path.name: path for path in mistral.iterdir()} | {"original.bin": b"not wanted"})
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_XET": "1",
        }
        command = [sys.executable, "-m", "lacie_export.merge", "--adapter", str(adapter), "--out", str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        fetched = {request.path.rpartition("/")[2] for request in hub.contents_requests()}
    assert {path.name for path in mistral.glob("*.safetensors")} <= fetched
    assert "original.bin" not in fetched
    record = json.loads((out / "merged" / "lacie_merge.json").read_text())
    assert record["base"] == "example/Tiny-7B"
    # a second time, without the Hub: what is in the cache will do
    again = subprocess.run([*command, "--force"], env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr


def test_gguf_that_transformers_can_t_load_is_one_line(
    embedded_model: Path, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = tmp_path / "strange.gguf"
    stamp(embedded_model, strange, {"general.architecture": "halfbaked"}, drop=lambda _: False)
    arguments = [
        "--adapter",
        str(mistral_adapter),
        "--base",
        str(strange),
        "--out",
        str(tmp_path / "out"),
        "--same-base",
    ]
    assert main(["export", "merge", *arguments]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lacie:")]
    assert len(errors) == 1
    assert "transformers can't load" in errors[0]


def test_stamp_changes_keys_and_not_a_byte_of_the_tensors(embedded_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "stamped.gguf"
    keys = {"general.name": "Näme", "lacie.flag": True, "lacie.n": 7, "lacie.x": 0.5, "general.tags": ["a", "b"]}
    stamp(embedded_model, target, keys, drop=lambda key: key == "general.organization")
    before, after = inspect_gguf(embedded_model), inspect_gguf(target)
    assert after.name == "Näme"
    assert (after.lacie["flag"], after.lacie["n"], after.lacie["x"]) == (True, 7, 0.5)
    assert "general.organization" in before.metadata
    assert "general.organization" not in after.metadata
    assert after.metadata["tokenizer.chat_template"] == before.metadata["tokenizer.chat_template"]
    assert tensors(target) == tensors(embedded_model)
    data = embedded_model.stat().st_size - 2_000_000  # the header is smaller than that
    assert target.read_bytes()[-data:] == embedded_model.read_bytes()[-data:]


@pytest.mark.parametrize(
    ("front", "keys"),
    [
        ({"license": "mit"}, {"general.license": "mit"}),
        ({"license": "cc-by-4.0"}, {"general.license": "cc-by-4.0"}),
        ({"license": "llama3"}, {"general.license.name": "llama3"}),
        (
            {"license": "other", "license_name": "own", "license_link": "LICENSE"},
            {"general.license.name": "own", "general.license.link": "LICENSE"},
        ),
        ({}, {}),
    ],
)
def test_licences_as_gguf_writes_them(front: dict[str, str], keys: dict[str, str]) -> None:
    licence = from_card(front)
    assert licence.gguf_keys() == keys
    assert licence.card() == front
    assert from_gguf(keys).gguf_keys() == keys


def test_front_matter_that_is_none(tmp_path: Path) -> None:
    for text in ("", "# no front", "---\n: [\n---\n", "---\njust text\n---\n"):
        (tmp_path / "README.md").write_text(text)
        assert front_matter(tmp_path / "README.md") == {}
    assert front_matter(tmp_path / "none.md") == {}


def test_local_paths_are_found_and_addresses_are_not(tmp_path: Path) -> None:
    assert leaked_path({"general.base_model.0.repo_url": "https://huggingface.co/a/b", "lacie.listener": "a/b"}) is None
    assert leaked_path({"general.source.url": str(tmp_path / "x")}) is not None
    assert leaked_path({"lacie.recipe": "C:\\models\\x"}) is not None
    assert leaked_path({"general.name": "file:///x"}) is not None
    assert public_name(str(tmp_path / "model.gguf")) == "model.gguf"
    assert public_name("owner/repo") == "owner/repo"
    assert public_name("embedded") == "embedded"


def test_quantisations_are_named_once_and_known() -> None:
    assert parse_quants("Q4_K_M, q8_0,q4_k_m") == ("q4_k_m", "q8_0")
    with pytest.raises(ExportError, match="no quantisation q2_k here; there are: f16, bf16"):
        parse_quants("q2_k")
    with pytest.raises(ExportError, match="names no quantisation"):
        parse_quants(" ,")


def test_closeness_by_hand() -> None:
    reference = [torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]])).numpy()]
    same = compare(reference, reference)
    assert same == Closeness(2, 2, 2, 0.0, 0.0)
    # one best token moved to one that is 0.6 times as likely, the other to one 18 times less likely
    found = [torch.log(torch.tensor([[0.3, 0.5, 0.2], [0.05, 0.9, 0.05]])).numpy() + 3.0]
    other = compare(reference, found)
    assert (other.agreed, other.near) == (0, 1)
    expected = (0.5 * torch.tensor(5 / 3).log() + 0.3 * torch.tensor(0.6).log() + 0.85 * torch.tensor(18.0).log()) / 2
    assert other.kl == pytest.approx(float(expected), rel=1e-5)
    broken = compare(reference, [found[0] * float("nan")])
    assert not broken.kl <= BOUNDS["q4_k_m"].kl
    assert not broken.largest <= BOUNDS["q4_k_m"].largest


def test_texts_may_part_only_where_the_reference_wavered() -> None:
    assert unexplained([[1, 2, 3]], [[5.0, 0.1, 5.0]], [[1, 9, 9]], largest=0.1) == 0
    assert unexplained([[1, 2, 3]], [[5.0, 0.3, 5.0]], [[1, 9, 9]], largest=0.1) == 1
    assert unexplained([[1, 2, 3]], [[5.0, 0.3, 5.0]], [[1, 2, 3]], largest=0.1) == 0
