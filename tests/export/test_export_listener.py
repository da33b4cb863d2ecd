"""A listener's adapter as GGUF: it says what it is for, under a name of its own."""

import json
import shutil
from pathlib import Path

import pytest

from lacie_chat.cli import main
from lacie_chat.models import inspect_gguf
from lacie_chat.models.peft_files import LISTENER


def with_task(adapter: Path, folder: Path, facts: object) -> Path:
    """A copy of the adapter that says what it is for."""
    shutil.copytree(adapter, folder)
    (folder / LISTENER).write_text(facts if isinstance(facts, str) else json.dumps(facts))
    return folder


@pytest.mark.parametrize(("task", "form"), [("listener", 2), ("extraction", 4)])
def test_the_gguf_says_its_task_and_form(
    task: str, form: int, mistral: Path, mistral_adapter: Path, tmp_path: Path
) -> None:
    adapter = with_task(mistral_adapter, tmp_path / "adapter", {"task": task, "form": form})
    words = ["export", "adapter", "--adapter", str(adapter), "--lora-type", "f16", "--no-verify", "--out"]
    assert main([*words, str(tmp_path / "gguf")]) == 0
    (file,) = (tmp_path / "gguf").glob("*.gguf")
    assert file.name == f"{mistral.name}-{task}-F16-LoRA.gguf"
    metadata = inspect_gguf(file).metadata
    assert metadata["lacie.listener.task"] == task
    assert metadata["lacie.listener.form"] == form


def test_a_speakers_gguf_has_no_task(mistral_adapter: Path, tmp_path: Path) -> None:
    assert main(["export", "adapter", "--adapter", str(mistral_adapter), "--no-verify", "--out", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("*.gguf")
    assert not [key for key in inspect_gguf(file).metadata if key.startswith("lacie.listener.")]


@pytest.mark.parametrize(
    "facts", ["{", "[]", {"task": "speaker", "form": 2}, {"task": "listener"}, {"task": "listener", "form": "2"}]
)
def test_a_damaged_task_is_one_line(
    facts: object, mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = with_task(mistral_adapter, tmp_path / "adapter", facts)
    assert main(["export", "adapter", "--adapter", str(adapter), "--out", str(tmp_path / "gguf")]) == 1
    err = capsys.readouterr().err
    assert LISTENER in err
    assert err.count("\n") == 1


def test_a_listener_is_no_model_to_be_published_as_a_speaker(
    mistral_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = with_task(mistral_adapter, tmp_path / "adapter", {"task": "listener", "form": 2})
    assert main(["export", "run", "--adapter", str(adapter), "--out", str(tmp_path / "out")]) == 1
    assert "is a listener's adapter; export it with `lacie export adapter`" in capsys.readouterr().err
