"""The script for a GPU, as far as it goes without one: what fails or is not reached is said, a resume is compared."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import on_a_gpu
from tests.benchmarks.training_size_model import SHAPES, write_model

pytestmark = pytest.mark.usefixtures("one_thread")


def outcomes(out: Path) -> dict[str, str]:
    return {row["step"]: row["outcome"] for row in json.loads((out / "steps.json").read_text())}


def test_a_step_that_fails_and_one_that_is_not_reached_are_said(tmp_path: Path) -> None:
    line = ["--out", str(tmp_path / "out"), "--kept", str(tmp_path / "kept"), "--shapes", "tiny"]
    assert on_a_gpu.main([*line, "--steps", "check"]) == 1, "there is no model yet"
    assert outcomes(tmp_path / "out") == {"check": "failed with status 1"}
    assert "failed speaker: there is no model" in (tmp_path / "out" / "check.log").read_text()
    assert on_a_gpu.main([*line, "--steps", "size-bf16,family", "--budget", "1"]) == 1
    assert outcomes(tmp_path / "out") == {"size-bf16": "not reached", "family": "not reached"}


def test_a_resumed_training_is_that_of_one_life(tmp_path: Path) -> None:
    write_model(tmp_path / "kept" / "random-tiny", SHAPES["tiny"], device="cpu")
    line = ["--out", str(tmp_path / "out"), "--kept", str(tmp_path / "kept"), "--shapes", "tiny", "--steps", "resume"]
    quick = ["dpo.per_device_batch=10", "dpo.max_length=64", "dpo.reference_batch=20"]
    assert on_a_gpu.main([*line, *(option for setting in quick for option in ("--set", setting))]) == 0
    found = json.loads((tmp_path / "out" / "resume.json").read_text())
    assert found["dtypes"] == ["torch.bfloat16"] and found["tensors"] == 2 * 7 * 2
    assert found["largest difference"] == 0 and found["largest weight"] > 0
