"""`lacie models` on what is really there: the embedded model, and a Hub that doesn't know a name."""

import json
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
