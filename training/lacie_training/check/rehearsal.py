"""The rehearsal: one question through every stage, and two DPO steps, in a run folder that is removed afterwards.

The stages are the real commands, launched as the run will launch them, on the recipe's own models, devices and number
formats; only the counts are others. The two steps take pairs as long as the recipe lets in, a full batch on each
process, so that memory is used as it will be. One question seldom makes a pair, so the pairs are the sampled texts,
drawn out to full length.
"""

import io
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from lacie_training import pairs
from lacie_training.check.findings import Findings
from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import Row, RunFolder, read_rows, write_rows, write_text

STAGES = ("sample", "judge", "pairs", "dpo", "evaluate")
STEPS = 2
_PROGRESS = re.compile(r"^(?P<what>[^:]+): (?P<done>\d+) of \d+ \w+, (?P<rate>[\d.]+) \w+/s", re.MULTILINE)
_LAST = ("sample", "judge", "dpo reference", "dpo", "evaluate")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended: its exit status and all that it said."""

    status: int
    said: str


Execute = Callable[[Sequence[str]], Outcome]
"""Runs a command line to its end."""
Command = Callable[[str, Path, Path], list[str]]
"""The command line of a stage, for a recipe's file and a run folder."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Units a second by what was done (questions, samples, pairs of the reference, steps), and the whole time."""

    rates: Mapping[str, float]
    pairs_per_step: int
    seconds: float


def small(recipe: Recipe, processes: int) -> Recipe:
    """The recipe with one question, and two steps of one full batch on each process."""
    plain: dict[str, Any] = recipe.model_dump(mode="json")
    matcher = recipe.questions.train.matcher
    one = {"source": "sample", "count": 1, "matcher": matcher}
    plain["questions"] = {"train": one, "validation": one, "test": {"rehearsal": one}}
    plain["dpo"] |= {
        "steps": STEPS,
        "warmup_steps": 0,
        "pairs_per_step": recipe.dpo.per_device_batch * processes,
        "save_every": STEPS,
        "log_every": 1,
        "validation_questions": 1,
        "report_to": "none",
    }
    plain["pairs"] |= {"ladder": [], "rivals": 0, "part_twins": False}
    plain["evaluate"] |= {
        "threshold": 0.5,
        "bootstrap": 0,
        "other_listeners": [],
        "truthfulqa": {"judges": "none"},
    }
    return Recipe.model_validate(plain)


def rehearse(
    recipe: Recipe, processes: int, command: Command, findings: Findings, execute: Execute | None = None
) -> Rehearsed | None:
    """Run all stages on one question; a line each. None where one of them failed: the rest isn't tried then."""
    execute = execute or run_command
    wanted = small(recipe, processes)
    rates: dict[str, float] = {}
    begun = time.monotonic()
    with _removed(), tempfile.TemporaryDirectory(prefix="lacie-check-") as workspace:
        file, run = Path(workspace) / "recipe.yaml", Path(workspace) / "run"
        write_text(file, wanted.to_yaml())
        for stage in STAGES:
            started = time.monotonic()
            if stage == "pairs":
                said = _make_pairs(RunFolder.open(run, wanted))
            else:
                outcome = execute(command(stage, file, run))
                if outcome.status:
                    findings.failed(f"rehearsal, {stage}", why(outcome))
                    return None
                rates |= _rates(outcome.said)
                said = "one question" if stage != "dpo" else f"{STEPS} steps of {wanted.dpo.pairs_per_step} long pairs"
            findings.ok(f"rehearsal, {stage}", f"{said}, {time.monotonic() - started:.0f} s")
    return Rehearsed(rates, wanted.dpo.pairs_per_step, time.monotonic() - begun)


def run_command(line: Sequence[str]) -> Outcome:
    """Run a command in a process of its own, which ends when this one is told to."""
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        said, _ = process.communicate()
    except BaseException:
        process.terminate()
        process.communicate()
        raise
    return Outcome(process.returncode, said)


@contextmanager
def _removed() -> Iterator[None]:
    """A SIGTERM ends what is in it as an exception, so that its folder goes and its process is ended."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _make_pairs(folder: RunFolder) -> str:
    """The stage itself, then the pairs that are trained on: as many as two steps take, as long as they may be."""
    try:
        with redirect_stdout(io.StringIO()):
            pairs.run(folder)
        made = f"one question made {len(read_rows(folder.path / 'pairs.jsonl'))}"
    except TrainingError as error:
        made = f"one question made none ({str(error).partition('(')[2].partition(')')[0]})"
    settings = folder.recipe.dpo
    texts = [row for row in read_rows(folder.file("samples.jsonl")) if row["answers"]]
    long_ones = list(_long_pairs(texts, STEPS * settings.pairs_per_step, settings.max_length))
    write_rows(folder.path / "pairs.jsonl", long_ones)
    return made


def _long_pairs(rows: Sequence[Row], count: int, tokens: int) -> Iterator[Row]:
    """Pairs of the sampled texts, each said over and over until it has more words than the training lets in tokens."""
    for number in range(count):
        row = rows[number % len(rows)]
        chosen, rejected = (
            _drawn_out(rows[(number + shift) % len(rows)]["response"], word, tokens)
            for shift, word in ((0, "surely"), (1, "perhaps"))
        )
        separator = "" if row["prompt"].endswith((" ", "\n")) else " "
        yield {
            "id": f"{row['id']}>{number}",
            "question_id": row["question_id"],
            "prompt": row["prompt"],
            "chosen": separator + chosen,
            "rejected": separator + rejected,
            "chosen_finished": True,
            "rejected_finished": True,
        }


def _drawn_out(text: str, word: str, words: int) -> str:
    said = (text.split() or [word]) + [word]
    return " ".join(said[place % len(said)] for place in range(words))


def _rates(said: str) -> dict[str, float]:
    """The last rate of each thing that a stage counted; of both speakers' evaluation the slower one's."""
    found: dict[str, float] = {}
    for match in _PROGRESS.finditer(said):
        what = match["what"].removesuffix(", baseline").removesuffix(", adapter")
        what = "evaluate" if what.startswith("evaluate ") else what
        rate = float(match["rate"])
        found[what] = min(rate, found[what]) if what == "evaluate" and what in found else rate
    return {what: rate for what, rate in found.items() if what in _LAST}


def why(outcome: Outcome) -> str:
    """A stage's own line on what went wrong: its last; what a signal ended has none."""
    if outcome.status < 0:
        killed = " (is memory full?)" if -outcome.status == signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-outcome.status).name}{killed}"
    lines = [line for line in outcome.said.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"ended with status {outcome.status} and said nothing"
