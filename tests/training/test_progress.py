"""Progress: a bar on a terminal, lines in a plain log; both with rate and time left."""

import subprocess
import sys

import pexpect

SCRIPT = """
import time
from lacie_chat.progress import progress
with progress("judge", 40, "samples", already=10) as advance:
    for _ in range(3):
        time.sleep(0.3)
        advance(10, "so far [bold]fine")
"""


def test_a_plain_log_says_how_far_how_fast_and_how_long() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, last = done.stderr.splitlines()
    assert first == "judge: 10 of 40 samples done before"
    assert last.startswith("judge: 40 of 40 samples, ") and last.endswith(" samples/s, 0 s left; so far [bold]fine")
    assert 10 < float(last.split(", ")[1].split()[0]) < 60, "the rate counts what this process did"


def test_a_terminal_shows_a_bar_with_rate_and_time_left() -> None:
    child = pexpect.spawn(sys.executable, ["-c", SCRIPT], dimensions=(24, 160), encoding="utf-8", timeout=30)
    child.expect(pexpect.EOF)
    shown = child.before or ""
    assert "judge" in shown and "40/40" in shown and "samples/s" in shown and "left" in shown
    assert "so far [bold]fine" in shown, "a remark is no markup"
    assert "\x1b[" in shown, "it is drawn in place"
    child.close()
    assert child.exitstatus == 0
