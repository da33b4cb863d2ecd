"""Steps that `test_own_process` gives to another process; it must be able to import them."""

import os
import time
from pathlib import Path

from lacie_training.errors import TrainingError


def tell(path: Path) -> None:
    (path / "environment").write_text("\n".join(os.environ))
    (path / "pid").write_text(str(os.getpid()))


def refuse(path: Path) -> None:
    raise TrainingError(f"nothing to do in {path.name}")


def vanish(path: Path) -> None:
    os._exit(9)


def linger(path: Path) -> None:
    tell(path)
    (path / "ready").touch()
    while True:
        time.sleep(0.05)
