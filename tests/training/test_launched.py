"""Trainings by several processes, over gloo, through the launchers that a user calls: one outcome, and clean ends."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from lacie_training import judge, sample
from lacie_training.errors import TrainingError
from lacie_training.learning.batches import shares
from lacie_training.learning.checkpoints import checkpoint_steps
from lacie_training.recipes.schema import DpoSettings
from lacie_training.run import accelerate_config
from lacie_training.run_folder import RunFolder, read_rows, write_rows
from short_trainings import assert_same_training, recipe_of, trained
from tiny_pairs import write_pairs

pytestmark = pytest.mark.usefixtures("one_thread")

LACIE = [sys.executable, "-c", "import sys; from lacie_chat.cli import main; sys.exit(main())"]
ACCELERATE = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(accelerate_config("multi_gpu"))]
ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


def environment() -> dict[str, str]:
    return {**os.environ, **ON_CPU}


def two_ranks_trained(folder: RunFolder) -> None:
    """Each rank keeps the state of its random numbers in a checkpoint; one process alone writes `rng_state.pth`."""
    last = folder.path / "checkpoints" / f"checkpoint-{folder.recipe.dpo.steps}"
    assert sorted(path.name for path in last.glob("rng_state*")) == ["rng_state_0.pth", "rng_state_1.pth"]


def opened(path: Path, model: Path, *settings: str) -> RunFolder:
    folder = RunFolder.open(path, recipe_of(model, *settings))
    write_pairs(folder)
    return folder


def options(path: Path) -> list[str]:
    return ["--recipe", str(path / "recipe.yaml"), "--run", str(path)]


# -- the same outcome ----------------------------------------------------------------------------------------------


def test_two_processes_equal_one(reference: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    """Two batches of 4 don't fit into a step of 4; of the reference's chunks of 6, the last has 2 pairs."""
    folder = opened(tmp_path, tiny("mistral"), "dpo.reference_batch=3")
    line = [*ACCELERATE, "--num_processes", "2", "--main_process_port", "0", "-m", "lacie_training.dpo"]
    done = subprocess.run([*line, *options(tmp_path)], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr[-3000:]
    assert "dpo: 2 processes, each with 1 times 2 pairs of a step" in done.stdout
    two_ranks_trained(folder)
    assert_same_training(folder, reference, atol=2e-4)
    ours, theirs = (read_rows(each.path / "reference.jsonl") for each in (folder, reference))
    assert [row["id"] for row in ours] == [row["id"] for row in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, abs=1e-3)


def test_two_processes_share_the_validation_questions(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    """Three questions: one process answers two of them, the other one; together they are what one process has."""
    settings = ("dpo.select=during", "dpo.steps=4", "dpo.save_every=2", "questions.validation.count=3")
    more = (*settings, "dpo.validation_questions=3", "dpo.pairs_per_step=2")
    alone = trained(tmp_path / "alone", tiny("mistral"), *more)
    folder = opened(tmp_path / "two", tiny("mistral"), *more)
    done = launched(folder.path)
    assert done.returncode == 0, done.stderr[-3000:]
    two_ranks_trained(folder)
    ours, theirs = (read_rows(each.path / "validation.jsonl") for each in (folder, alone))
    assert [row["step"] for row in ours] == [2, 4] and {row["n"] for row in ours} == {3}
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, abs=1e-3)
    assert done.stdout.count("dpo: step 2: ") == done.stdout.count("dpo: the adapter is that of step ") == 1


def test_two_machines_equal_one(reference: RunFolder, tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    """The launch lines of the recipes' README, both on one machine: a folder that they share, and a port."""
    import socket

    folder = opened(tmp_path, tiny("mistral"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [*ACCELERATE, "--num_machines", "2", "--num_processes", "2", "--main_process_ip", "127.0.0.1"]
    line += ["--main_process_port", str(port)]
    lines = [[*line, "--machine_rank", str(rank), "-m", "lacie_training.dpo", *options(tmp_path)] for rank in (0, 1)]
    with (tmp_path / "said").open("w") as said:
        machines = [subprocess.Popen(each, stdout=said, stderr=said, env=environment()) for each in lines]
        codes = [machine.wait() for machine in machines]
    text = (tmp_path / "said").read_text()
    assert codes == [0, 0], text[-3000:]
    assert text.count("dpo: 2 processes, each with 1 times 2 pairs of a step") == 1
    two_ranks_trained(folder)
    assert_same_training(folder, reference, atol=2e-4)


# -- clean ends ----------------------------------------------------------------------------------------------------


@contextmanager
def going(line: list[str]) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A command; what it has started is none of the machine's any more when this is over."""
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), errors="replace"
    )
    started: list[psutil.Process] = []
    try:
        yield process, started
    finally:
        for each in started:
            if each.is_running():
                each.kill()
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.parametrize("kind", ["MULTI_GPU", "NO"])
def test_sigterm_to_a_launched_run_leaves_a_checkpoint_and_no_orphan(
    kind: str, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    config = tmp_path / "launch.yaml"
    count = 2 if kind == "MULTI_GPU" else 1
    config.write_text(
        f'compute_environment: LOCAL_MACHINE\ndistributed_type: "{kind}"\nmixed_precision: bf16\n'
        f"num_machines: 1\nnum_processes: {count}\nuse_cpu: false\n"
    )
    path = tmp_path / "run"
    folder = RunFolder.open(path, recipe_of(tiny("mistral"), "dpo.steps=4000", "dpo.save_every=100000"))
    _ready_for_pairs(folder)
    said = []
    with going([*LACIE, "train", "run", "--no-check", *options(path), "--launch", str(config)]) as (process, started):
        assert process.stdout is not None
        for text in process.stdout:
            said.append(text)
            if re.search(r"\b[1-9]\d* of 4000 steps", text):
                break
        started += psutil.Process(process.pid).children(recursive=True)
        assert len(started) >= 1 + count, "the launcher and its processes"
        process.terminate()
        said.append(process.stdout.read())
        status = process.wait()
        everything = "".join(said)
        assert status == 143, everything[-3000:]
        assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in started)
    [step] = checkpoint_steps(path / "checkpoints")
    assert everything.count(f"dpo: stopped at step {step} of 4000, with a checkpoint") == 1
    assert "run: dpo ended with status 143; start the same command again to go on" in everything
    assert "Traceback" not in everything and "Error" not in everything
    assert [row["step"] for row in read_rows(path / "training_log.jsonl")] == list(range(1, step + 1))


def _ready_for_pairs(folder: RunFolder) -> None:
    """Samples and judgements, labelled so that a random model's make pairs."""
    sample.run(folder)
    judge.run(folder)
    draw = random.Random(0)
    labels: list[dict[str, Any]] = []
    for number, row in enumerate(read_rows(folder.path / "judged.jsonl")):
        known = {"correct": number % 2 == 0, "acceptance": draw.random(), "state": "answered", "answer_span": "x"}
        labels.append({**row, **known})
    write_rows(folder.path / "judged.jsonl", labels)


def launched(path: Path) -> subprocess.CompletedProcess[str]:
    """The training by two processes of our own launcher."""
    line = [sys.executable, "-m", "lacie_training.launch", "--config_file", str(accelerate_config("multi_gpu"))]
    line += ["--num_processes", "2", "--main_process_port", "0", "-m", "lacie_training.dpo", *options(path)]
    return subprocess.run(line, capture_output=True, text=True, env=environment())


def test_what_both_processes_run_into_is_said_once(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    opened(tmp_path, tiny("mistral"), "dpo.max_length=16")
    rows = read_rows(tmp_path / "pairs.jsonl")
    write_rows(tmp_path / "pairs.jsonl", [{**row, "prompt": row["prompt"] * 20} for row in rows])
    done = launched(tmp_path)
    assert done.returncode == 1
    line = "no pairs are left: all 8 prompts are longer than dpo.max_length=16; set it higher"
    assert done.stderr.splitlines() == [line]


def test_an_error_of_one_process_ends_the_other(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    """The first one alone writes the checkpoint, and meets a full disk while the other waits for it."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    opened(tmp_path, tiny("mistral"))
    checkpoint = tmp_path / "checkpoints" / "checkpoint-4"
    checkpoint.mkdir(parents=True)
    (checkpoint / "optimizer.pt").symlink_to("/dev/full")
    done = launched(tmp_path)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "disk" in line] == done.stderr.splitlines()[-1:]
    assert "the disk is full" in done.stderr and "Traceback" not in done.stderr


# -- how a step is shared out --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "processes", "batch", "batches"),
    [(10, 1, 10, 6), (8, 1, 6, 10), (10, 2, 10, 3), (10, 4, 5, 3), (5, 4, 5, 3), (64, 1, 60, 1), (7, 6, 5, 2)],
)
def test_batches_are_the_largest_that_fit(most: int, processes: int, batch: int, batches: int) -> None:
    assert shares(DpoSettings(pairs_per_step=60, per_device_batch=most), processes) == (batch, batches)
    assert batch * batches * processes == 60


def test_steps_must_be_shared_out_evenly() -> None:
    with pytest.raises(TrainingError) as error:
        shares(DpoSettings(pairs_per_step=60), 8)
    assert str(error.value) == (
        "dpo.pairs_per_step=60 can't be shared out evenly over 8 processes; 6 would do (--gpus 6), "
        "or set dpo.pairs_per_step to a multiple of 8"
    )
    with pytest.raises(TrainingError, match="2 would do"):
        shares(DpoSettings(pairs_per_step=2), 4)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--gpus", "8"], "dpo.pairs_per_step=60 can't be shared out evenly over 8 processes; 6 would do (--gpus 6)"),
        (["--launch", "one_gpu"], "no accelerate config 'one_gpu'; there are: "),
        (
            ["--launch", "fsdp"],
            "dpo.select=during doesn't go with a model that is sharded (FSDP); set dpo.select=after",
        ),
        (["--launch", "broken.yaml"], "broken.yaml is no config that accelerate can read"),
    ],
)
def test_what_cannot_be_launched_is_said_before_anything_is_sampled(
    more: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("num_procs: 2\n")
    line = [*LACIE, "train", "run", "--recipe", "mistral-7b", "--run", "run", *more]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment())
    assert done.returncode == 1
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_process_alone_trains_on_one_of_several_gpus(tmp_path: Path) -> None:
    """Two GPUs can be seen: the Trainer would take both, and TRL refuse; pretended, as far as that goes without one."""
    text = """
from lacie_training.learning.trainer import OneDeviceConfig
from torch import cuda
from trl import DPOConfig
cuda.is_available, cuda.device_count, cuda.set_device = (lambda: True), (lambda: 2), (lambda device: None)
told = [kind(output_dir="out", bf16=False) for kind in (DPOConfig, OneDeviceConfig)]
print(*((each.n_gpu, each.device, each.train_batch_size, each.parallel_mode.name) for each in told))
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == (
        "(2, device(type='cuda', index=0), 16, 'NOT_DISTRIBUTED') (1, device(type='cuda', index=0), 8, 'NOT_PARALLEL')"
    ), done.stderr
