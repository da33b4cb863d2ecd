"""Progress: a bar on a terminal, lines in a plain log."""

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


STEP = """
import time
import lacie_chat.progress
lacie_chat.progress.LOG_EVERY = 0.0
with lacie_chat.progress.step("merging [bold]a", 4) as show:
    for done in (1, 5):
        show(done)
"""


def test_a_step_in_a_plain_log_says_its_share_and_how_long_it_took() -> None:
    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stderr.splitlines()
    assert lines == ["merging [bold]a …", "merging [bold]a: 25%", "merging [bold]a: 100%"]
    assert last.startswith("merging [bold]a: done in ") and last.endswith(" s")


def test_a_step_on_a_terminal_is_a_bar_that_is_gone_afterwards() -> None:
    child = pexpect.spawn(sys.executable, ["-c", STEP], dimensions=(24, 160), encoding="utf-8", timeout=30)
    child.expect(pexpect.EOF)
    shown = child.before or ""
    assert "100%" in shown and "left" in shown
    *_, last = shown.split("\x1b[2K")
    assert last.strip().startswith("merging [bold]a: done in "), "the bar is taken away"
    child.close()
    assert child.exitstatus == 0


def test_a_step_that_fails_is_not_done() -> None:
    script = STEP.replace("show(done)", "1 / 0")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "ZeroDivisionError" in done.stderr and "done in" not in done.stderr
