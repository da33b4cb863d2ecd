"""What can't be loaded: one line each, through the Hub's own protocol where it is about the Hub."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer
from lacie_training.errors import TrainingError
from lacie_training.generators.loading import memory_errors

SCRIPT = """
import sys
from lacie_training.errors import TrainingError
from lacie_training.generators.loading import load_tokenizer
for name in sys.argv[1:]:
    try:
        load_tokenizer(name)
    except TrainingError as error:
        print(error)
"""


def test_gated_and_unknown_repositories(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.add("owner/gated", {"config.json": b'{"model_type": "llama"}', "tokenizer.json": b"{}"}, gated=True)
        env = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
        env.pop("HF_TOKEN", None)
        line = [sys.executable, "-c", SCRIPT, "owner/gated", "owner/nothing"]
        done = subprocess.run(line, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    gated, unknown = done.stdout.splitlines()
    assert gated.startswith("owner/gated is gated: accept its terms on ")
    assert unknown == "there is no model owner/nothing on the Hub (or it is private)"


def test_without_a_network_it_says_so(tmp_path: Path) -> None:
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", SCRIPT, "owner/far"], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "the model owner/far is not on this machine and the Hub can't be reached"


def test_running_out_of_memory_says_what_to_lower() -> None:
    import torch

    with pytest.raises(TrainingError) as error, memory_errors("a lower dpo.per_device_batch"):
        torch.empty(1 << 46)
    assert str(error.value) == "out of main memory; use a lower dpo.per_device_batch"
    with pytest.raises(RuntimeError, match="shape"), memory_errors("nothing"):
        torch.empty(3).view(2)
