"""`lacie models` on what is really there: the embedded model, and a Hub that doesn't know a name."""

import json
import os
from pathlib import Path

import pytest

from lacie_chat import cli


def test_list_names_the_embedded_model_and_better_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list"]) == 0
    shown = capsys.readouterr().out
    assert "embedded" in shown
    assert "GB of memory" in shown
    assert cli.main(["models", "list", "--json"]) == 0
    assert "embedded" in [model["ref"] for model in json.loads(capsys.readouterr().out)]


def test_info_reads_the_file(capsys: pytest.CaptureFixture[str], embedded_model: Path) -> None:
    assert cli.main(["models", "info", "embedded", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["architecture"] == "llama"
    assert facts["size_bytes"] == embedded_model.stat().st_size
    assert facts["chat_template"] is True
    assert facts["calibrator"]["n"] >= 400 and "span_sum" in facts["calibrator"]["signals"]
    assert cli.main(["models", "info", str(embedded_model)]) == 0
    assert "llama" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["info", "remove"])
def test_what_is_not_here_is_said_in_one_line(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", action, "nobody/nothing-GGUF:Q4_K_M"]) == 1
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert "nobody/nothing-GGUF" in error


def test_list_says_whose_a_model_is_what_fits_and_what_is_here(
    capsys: pytest.CaptureFixture[str], embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / ".lmstudio" / "models" / "unsloth" / "Qwen3.5-4B-GGUF"
    place.mkdir(parents=True)
    (place / "Qwen3.5-4B-Q8_0.gguf").symlink_to(embedded_model)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LACIE_MODELS_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr("lacie_chat.commands.models.available_bytes", lambda: 8_000_000_000)
    assert cli.main(["models", "list"]) == 0
    shown, said = capsys.readouterr()
    flat = " ".join(shown.split())
    assert "unsloth/Qwen3.5-4B-GGUF:Q8_0 LM Studio, Q8_0, 98 MB, fits this machine" in flat
    assert "Worth getting for 8 GB of memory" in flat
    assert "here as unsloth/Qwen3.5-4B-GGUF:Q8_0" in flat
    assert "too big for now: about 14.5 GB of memory, 8.0 GB are free" in flat
    assert said == f"lacie: LACIE_MODELS_DIR names {tmp_path / 'nowhere'}, which is not there\n"
    assert cli.main(["models", "list", "--json"]) == 0
    found = {model["ref"]: model for model in json.loads(capsys.readouterr().out)}
    assert found["unsloth/Qwen3.5-4B-GGUF:Q8_0"]["source"] == "LM Studio"
    assert found["embedded"]["fits"] is True


def test_names_that_are_no_text_are_listed_and_move_no_cursor(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (b"\xff-Q4_0.gguf", b"\x1b[31m-Q8_0.gguf", b"\x1b[2J\n-00001-of-00002.gguf")
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"GGUF")
    monkeypatch.setenv("LACIE_MODELS_DIR", str(tmp_path))
    assert cli.main(["models", "list"]) == 0
    shown, said = capsys.readouterr()
    assert "[31m-Q8_0.gguf" in shown and "\x1b" not in shown + said
    assert said.count("\n") == 1 and "1 of 2 parts is missing" in said
    assert cli.main(["models", "list", "--json"]) == 0
    text = capsys.readouterr().out
    text.encode()
    found = [model["path"] for model in json.loads(text)]
    assert os.fsencode(tmp_path) + b"/" + names[0] in [os.fsencode(path) for path in found]


def test_llama_cpps_option_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    from lacie_chat.cli import build_parser

    for words in (["-hf", "owner/repo:Q4_K_M"], ["-m", "owner/repo:Q4_K_M"], ["--model", "owner/repo:Q4_K_M"]):
        assert build_parser("ask").parse_args(["ask", *words, "Why?"]).model == "owner/repo:Q4_K_M"
    with pytest.raises(SystemExit) as caught:
        cli.main(["ask", "-h"])
    assert caught.value.code == 0
