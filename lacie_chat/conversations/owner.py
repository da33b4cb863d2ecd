"""Who writes a streaming message: a process, told apart from a later one that got the same number.

A row that is still `streaming` when nobody writes it any more is the trace of a crash. To tell, each such row names its
process: number, start time, and the boot (and process namespace) in which that number means something. A message of
another live chat is left alone. Should a writer be misjudged (a container beside the host sees other process numbers),
nothing is lost: its next `append` and `finish` still land.
"""

import os
import platform
import subprocess
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """The text that stands for the calling process in a row."""
    pid = os.getpid()
    return f"{pid} {_realm()} {process_start(pid) or ''}"


def is_alive(owner: str | None) -> bool:
    """Whether the process that `this_process` described is still running (a zombie is not)."""
    try:
        pid, realm, started = (owner or "").split(" ", 2)
        return bool(started) and realm == _realm() and process_start(int(pid)) == started
    except ValueError:
        return False


def process_start(pid: int) -> str | None:
    """When process `pid` started, in whatever unit the system has; None where there is no such live process."""
    return _start_from_proc(pid) if (_PROC / "self" / "stat").exists() else start_from_ps(pid)


def _start_from_proc(pid: int) -> str | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses: count from the last one. See proc(5): 3 is the state,
    # 22 the start time in ticks since boot.
    fields = stat[stat.rfind(")") + 2 :].split()
    return None if fields[0] in "ZX" else fields[19]


def start_from_ps(pid: int) -> str | None:
    """The same from `ps` (macOS and the BSDs): start time in whole seconds."""
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    except (OSError, subprocess.SubprocessError):
        return None
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else " ".join(started.split())


def _realm() -> str:
    """Where process numbers mean the same: this boot and process namespace on Linux, this machine elsewhere."""
    try:
        boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self' / 'ns' / 'pid').readlink()}"
    except OSError:
        return platform.node().replace(" ", "-")
