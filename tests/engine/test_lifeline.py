"""A process ends with the one that started it, also while something holds the interpreter's lock."""

import os
import subprocess
import sys

import pytest

CHILD = """
import ctypes, sys, threading
from lacie_chat.engine.lifeline import end_with
end_with(int(sys.argv[1]))
print("there", flush=True)
{work}
"""
LIMIT = 120.0
"""Seconds; for what takes milliseconds."""


@pytest.mark.parametrize(
    "work",
    ["9 ** (9 ** 9)", "ctypes.PyDLL(None).pause()", "threading.Event().wait()"],
    ids=["a power of integers", "native code under the lock", "waiting"],
)
def test_it_ends_whatever_it_does(work: str) -> None:
    ours, theirs = reversed(os.pipe())
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(work=work), str(theirs)], stdout=subprocess.PIPE, pass_fds=[theirs]
    )
    try:
        os.close(theirs)
        assert child.stdout is not None and child.stdout.readline() == b"there\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        os.close(ours)
        child.wait(LIMIT)
    finally:
        child.kill()
        child.wait()


def test_it_ends_where_its_starter_was_gone_before() -> None:
    ours, theirs = reversed(os.pipe())
    os.close(ours)
    command = [sys.executable, "-c", CHILD.format(work="threading.Event().wait()"), str(theirs)]
    result = subprocess.run(command, capture_output=True, pass_fds=[theirs], timeout=LIMIT, check=False)
    os.close(theirs)
    assert result.stdout == b"" and result.returncode == 0, result.stderr
