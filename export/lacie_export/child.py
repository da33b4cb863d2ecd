"""Steps that run in a process of their own: llama.cpp's converter, its quantiser, its inference.

Native code that aborts, or a library that prints as it likes, must not take the export along: a child's end is an error
of one line here. Its progress is the growth of the file that it writes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lacie_chat.progress import step
from lacie_export.errors import ExportError

_POLL = 0.1


def run_python(
    arguments: Sequence[str], *, title: str, watch: Path, total: int, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run this Python with `arguments`; returns exit status and all output. Killed with us on any exception.

    `watch` is the file whose growth towards `total` bytes is the progress.
    """
    with tempfile.TemporaryFile() as output, step(title, total) as show:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )
        try:
            while child.poll() is None:
                time.sleep(_POLL)
                show(watch.stat().st_size if watch.exists() else 0)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
        output.seek(0)
        return child.returncode, output.read().decode("utf-8", "replace")


def run_native(order: Mapping[str, Any], folder: Path, *, title: str, watch: Path, total: int) -> dict[str, Any]:
    """Let `native` carry out `order` in a child; returns its answer. Raises ExportError with its one line."""
    orders, answer = folder / "order.json", folder / "answer.json"
    answer.unlink(missing_ok=True)
    orders.write_text(json.dumps(order), encoding="utf-8")
    status, output = run_python(
        ["-P", "-m", "lacie_export.native", str(orders), str(answer)],
        title=title,
        watch=watch,
        total=total,
    )
    if status == 0 and answer.is_file():
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        if "error" not in result:
            return result
        raise ExportError(str(result["error"]))
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    raise ExportError(f"llama.cpp {how} ({title}): {last}")
