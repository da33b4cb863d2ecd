"""Trials that end in each of the ways, for the test of what is counted of them."""

import os
import random
import signal
import time
from pathlib import Path

from soak_trials import Lost


def holds(draw: random.Random, folder: Path, amount: int) -> int:
    assert folder.is_dir() and Path(os.environ["LACIE_DATA_DIR"]).parent == folder.parent
    return amount


def loses(draw: random.Random, folder: Path) -> int:
    raise Lost(f"row {draw.randrange(1000)}")


def breaks(draw: random.Random, folder: Path) -> int:
    raise ZeroDivisionError


def dies(draw: random.Random, folder: Path) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 1


def hangs(draw: random.Random, folder: Path) -> int:
    time.sleep(600)
    return 1
