"""Lives that end by kill -9: a stage in a process of its own, forked from one that has the heavy modules loaded."""

import importlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

HEAVY = [
    "lacie_training.learning.trainer",
    "lacie_training.learning.listener_callback",
    "transformers.models.mistral.modeling_mistral",
]


def live(stage: str, path: Path) -> None:
    """One stage on a run folder, as its command does it."""
    import torch
    from lacie_training.run_folder import RunFolder, read_recipe

    torch.set_num_threads(1)
    importlib.import_module(f"lacie_training.{stage}").run(RunFolder(path, read_recipe(path)))


def live_and_die(stage: str, path: Path, state: Callable[[], object], kills: int) -> int:
    """Kill a life a random moment after `state` has changed, `kills` times, then let one live; how many died."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    draw = random.Random(stage)
    died = 0
    for _ in range(40):
        before = state()
        process = context.Process(target=live, args=(stage, path))
        process.start()
        while process.is_alive() and (state() == before or died >= kills):
            time.sleep(0.005)
        time.sleep(draw.choice([0, 0, 0.02, 0.1]))
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            died += 1
        process.join()
        if process.exitcode == 0:
            return died
        assert process.exitcode == -signal.SIGKILL, f"{stage} failed"
    raise AssertionError(f"{stage} was never done")
