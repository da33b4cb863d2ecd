"""A step of a stage in a process of its own, which begins with no memory of a GPU in use and ends with none."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from lacie_chat.errors import LacieError
from lacie_training.errors import Stopped, TrainingError

_OF_A_LAUNCHER = ("RANK", "WORLD_SIZE", "LOCAL_", "GROUP_", "ROLE_", "MASTER_", "TORCHELASTIC_", "ACCELERATE_", "FSDP_")


def in_own_process(task: Callable[[Path], None], path: Path, *, name: str) -> None:
    """Call `task(path)`, a function of a module, in a fresh process that no launcher knows of, and wait for it.

    What this process still holds of a GPU is freed before. Raises the task's TrainingError; Stopped after a SIGTERM,
    which is passed on. The other process ends with this one, however this one ends.
    """
    _free()
    context = multiprocessing.get_context("spawn")  # a forked process can't use CUDA
    ours, theirs = context.Pipe()
    # no daemon: a daemon may have no children, and vLLM has
    process = context.Process(target=_serve, args=(theirs, task, path), name=name)
    asked = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        process.terminate()

    process.start()
    theirs.close()
    previous = signal.signal(signal.SIGTERM, stop)
    try:
        try:
            failure: str | None = ours.recv()
        except EOFError:
            failure = f"{name}: its process ended, with exit status {_status(process)}; start the same command again"
        process.join()
    finally:
        signal.signal(signal.SIGTERM, previous)
    if asked:
        raise Stopped(f"{name}: stopped; start the same command again to go on")
    if failure is not None:
        raise TrainingError(failure)


def _status(process: multiprocessing.process.BaseProcess) -> int | None:
    process.join()
    return process.exitcode


def _free() -> None:
    """Let go of what is not in use any more (a trainer is full of circles), and give a GPU its memory back."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _serve(connection: Connection, task: Callable[[Path], None], path: Path) -> None:
    for variable in list(os.environ):
        if variable.startswith(_OF_A_LAUNCHER):
            del os.environ[variable]
    from lacie_training.stage import quiet_libraries

    quiet_libraries()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + signal.SIGTERM))
    try:
        task(path)
        connection.send(None)
    except LacieError as error:
        connection.send(str(error))
    except KeyboardInterrupt:  # the terminal has sent it to whoever waits for this process as well
        return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
