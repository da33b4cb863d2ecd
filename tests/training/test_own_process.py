"""A step in a process of its own: begun with the memory free and without ranks, ended with who waits for it."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import own_tasks
import psutil
import pytest
from lacie_training.errors import TrainingError
from lacie_training.own_process import in_own_process

HERE = Path(__file__).parent
WAIT = "import sys; from pathlib import Path; sys.path.insert(0, {here!r}); import own_tasks; \
from lacie_training.own_process import in_own_process; in_own_process(own_tasks.linger, Path({path!r}), name='it')"


def test_it_knows_of_no_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "ACCELERATE_USE_FSDP", "FSDP_VERSION")
    for name in launched:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    in_own_process(own_tasks.tell, tmp_path, name="telling")
    there = (tmp_path / "environment").read_text().splitlines()
    assert not set(launched) & set(there)
    assert "CUDA_VISIBLE_DEVICES" in there
    assert int((tmp_path / "pid").read_text()) != os.getpid()


@pytest.mark.parametrize(
    ("task", "message"),
    [(own_tasks.refuse, "nothing to do in"), (own_tasks.vanish, "it: its process ended, with exit status 9")],
)
def test_its_errors_are_one_line(task: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        in_own_process(task, tmp_path, name="it")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_who_waits_for_it(number: signal.Signals, tmp_path: Path) -> None:
    code = WAIT.format(here=str(HERE), path=str(tmp_path))
    waiting = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "ready").is_file():
        assert waiting.poll() is None, waiting.communicate()[1]
        time.sleep(0.05)
    step = psutil.Process(int((tmp_path / "pid").read_text()))
    waiting.send_signal(number)
    _, said = waiting.communicate()
    while step.is_running() and step.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.05)
    assert ("it: stopped; start the same command again to go on" in said) == (number == signal.SIGTERM)


@pytest.mark.usefixtures("one_thread")
def test_the_training_leaves_nothing_in_memory(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    """Else the comparison afterwards would find the trainer's model, gradients and optimiser still on the GPU."""
    from lacie_training.dpo import train
    from lacie_training.own_process import _free
    from lacie_training.run_folder import RunFolder
    from tiny_pairs import write_pairs
    from tiny_recipes import small
    from transformers import PreTrainedModel

    def models() -> set[int]:
        return {id(each) for each in gc.get_objects() if isinstance(each, PreTrainedModel)}

    _free()
    before = models()
    folder = RunFolder.open(tmp_path, small("mistral-7b", tiny("mistral"), "dpo.select=after", "dpo.save_every=2"))
    write_pairs(folder)
    train(folder)
    _free()
    assert models() <= before
