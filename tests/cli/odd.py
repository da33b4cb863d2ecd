"""Real processes of the installed `lacie` in odd surroundings: what every command is asked there, and how it ran."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pexpect

LACIE = str(Path(sys.executable).with_name("lacie"))

WORDS: dict[str, tuple[int, Sequence[str]]] = {
    "chat": (1, ["chat"]),
    "ask": (2, ["ask"]),
    "listen": (1, ["listen"]),
    "compare": (2, ["compare"]),
    "evaluate": (1, ["evaluate", "--questions", "/nowhere/q.jsonl", "--out", "/nowhere/out"]),
    "study": (1, ["study", "report", "/nowhere/study"]),
    "calibrate": (1, ["calibrate", "--model", "/nowhere/model.gguf"]),
    "calibration": (0, ["calibration", "show"]),
    "models": (0, ["models", "list"]),
    "settings": (0, ["settings", "path"]),
    "history": (0, ["history", "list"]),
    "train": (1, ["train", "sample", "--recipe", "nowhere"]),
    "export": (1, ["export", "merge", "--adapter", "/nowhere/a", "--base", "/nowhere/b", "--out", "/nowhere/out"]),
    "doctor": (1, ["doctor", "--model", "/nowhere/model.gguf"]),
    "completion": (0, ["completion", "bash"]),
}
"""For every command, the exit status and the words of a call that loads no model, with nothing on standard input."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process ended and what it wrote."""

    status: int | None
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Standard error's, none of them a traceback's."""
        assert "Traceback" not in self.err and "Exception ignored" not in self.err, self.err
        return self.err.splitlines()


def environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """This process's, with some variables set or (None) taken away."""
    return {name: value for name, value in {**os.environ, **changes}.items() if value is not None}


def redirected(redirections: str, *words: str, **changes: str | None) -> Ran:
    """`lacie WORDS REDIRECTIONS` as a shell does it; nothing is on standard input."""
    command = ["bash", "-c", f'exec "$0" "$@" {redirections}', LACIE, *words]
    done = subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, env=environment(changes), timeout=120, check=False
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def without_reader(*words: str) -> Ran:
    """`lacie WORDS` into a pipe whose reader has gone before the first word."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [LACIE, *words], stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False
        )
    finally:
        os.close(writer)
    return Ran(done.returncode, "", done.stderr.decode())


def on_terminal(*words: str, typed: str = "", **changes: str | None) -> Ran:
    """`lacie WORDS` in a pseudo-terminal of 80 x 24, to its end: all that was written on it, codes and all."""
    child = pexpect.spawn(LACIE, list(words), dimensions=(24, 80), env=environment(changes), timeout=120)
    if typed:
        child.send(typed)
    written = child.read().decode()
    child.close()
    return Ran(child.exitstatus, written, "")
