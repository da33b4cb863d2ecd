"""All that only a GPU can show, in one go of a quarter of an hour, with its outcome in files.

    python -m tests.benchmarks.on_a_gpu --out DIR [--shapes 7b] [--seconds 15] [--budget 870] [--steps NAME,NAME…]

In this order: the benchmark of the stages' sizes in bfloat16 and in 4 bit; `lacie train check` of mistral-7b on random
weights; a training that is resumed in bfloat16, beside the same one in a single life; and the run of a second family
(Gemma 3 270M: name its file with --family). A step that the budget doesn't reach is said to be so, and one that fails
doesn't keep the next from running. Without a GPU it rehearses itself: 4-bit weights and what else needs CUDA are left
out, which each step's line says.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from lacie_chat.errors import LacieError

PYTHON = (sys.executable, "-u")
QUESTIONS = (
    "questions.train={source: sample, count: 40}",
    "questions.validation={source: sample, count: 8}",
    "questions.test={sample: {source: sample, count: 12}}",
    "evaluate.truthfulqa={judges: none}",
)
"""The project's own, so that no network is needed."""
WITHOUT_CUDA = (
    "speaker.quantize=none",
    "listener.quantize=none",
    "dpo.quantize=none",
    "dpo.optimizer=adamw_torch",
    "dpo.mixed_precision=false",
)


@dataclass(frozen=True, slots=True)
class Work:
    """Where files go, and how large everything is."""

    out: Path
    kept: Path
    shapes: str
    seconds: float
    family: str
    settings: tuple[str, ...]

    @property
    def model(self) -> Path:
        """The random weights, made by the first step and read by the others."""
        return self.kept / f"random-{self.shapes}"


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its name, what it runs (returns the exit status) and the most seconds it may take."""

    name: str
    run: Callable[[Work, float], int]
    most: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the steps; the exit status is 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "runs/on-a-gpu/out")))
    parser.add_argument("--kept", type=Path, default=Path("runs/on-a-gpu"), help="where the random weights stay")
    parser.add_argument("--shapes", default="7b")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement of the size benchmark")
    parser.add_argument("--budget", type=float, default=870, help="seconds for all steps")
    parser.add_argument("--steps", default=",".join(step.name for step in STEPS))
    parser.add_argument("--family", default="embedded", help="the second family's GGUF (default: the embedded model)")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="for every recipe that is used")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    options.kept.mkdir(parents=True, exist_ok=True)
    work = Work(options.out, options.kept, options.shapes, options.seconds, options.family, tuple(options.settings))
    ends, results = time.monotonic() + options.budget, []
    for step in [step for step in STEPS if step.name in options.steps.split(",")]:
        started = time.monotonic()
        left = min(step.most, ends - started)
        try:
            status = step.run(work, left) if left > 10 else None
        except (OSError, LacieError) as error:
            print(f"{step.name}: {error}", flush=True)
            status = 1
        took = time.monotonic() - started
        outcome = "not reached" if status is None else "done" if status == 0 else f"failed with status {status}"
        results.append({"step": step.name, "outcome": outcome, "seconds": round(took, 1), "cuda": cuda()})
        print(f"{step.name}: {outcome}, {took:.0f} s{'' if cuda() else ' (rehearsed without CUDA)'}", flush=True)
        (work.out / "steps.json").write_text(json.dumps(results, indent=1))
    return 1 if any(result["outcome"] != "done" for result in results) else 0


def cuda() -> bool:
    """Whether this is the real thing."""
    return torch.cuda.is_available()


def logged(work: Work, name: str, line: Sequence[str], seconds: float) -> int:
    """Run a command into `NAME.log`; 124 if it ran out of its time."""
    with (work.out / f"{name}.log").open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(line)}\n")
        log.flush()
        process = subprocess.Popen(line, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(timeout=max(1, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the stages that it has started
            process.wait()
            log.write(f"stopped after {seconds:.0f} s\n")
            return 124


def _size(quantize: str, work: Work, seconds: float) -> int:
    name = f"size-{'bf16' if quantize == 'none' else quantize}"
    line = [*PYTHON, "-m", "tests.benchmarks.training_size", "--shapes", work.shapes, "--model", str(work.model)]
    line += ["--quantize", quantize if cuda() else "none", "--seconds", str(work.seconds)]
    line += ["--json", str(work.out / f"{name}.json"), *_set(work.settings)]
    return logged(work, name, line, seconds)


def size_bf16(work: Work, seconds: float) -> int:
    """The size benchmark in bfloat16 (float32 on a CPU)."""
    return _size("none", work, seconds)


def size_nf4(work: Work, seconds: float) -> int:
    """The same in 4 bit."""
    return _size("nf4", work, seconds)


def check(work: Work, seconds: float) -> int:
    """`lacie train check` of the paper's recipe, on the random weights."""
    line = [*PYTHON, "-m", "lacie_training.check", "--recipe", "mistral-7b", "--run", str(work.kept / "checked")]
    line += _set((*_of_model(work), *QUESTIONS, *(() if cuda() else WITHOUT_CUDA), *work.settings))
    return logged(work, "check", line, seconds)


def resume_in_bf16(work: Work, seconds: float) -> int:
    """Four steps in one life, and the last two of them again from the second's checkpoint: the same adapter?"""
    from lacie_training.learning.adapters import read_adapter
    from lacie_training.recipes.files import load_recipe
    from lacie_training.run_folder import RunFolder, write_rows

    from tests.benchmarks.training_size_model import answers, pairs

    ends = time.monotonic() + seconds
    settings = (
        *_of_model(work), *QUESTIONS, *(() if cuda() else WITHOUT_CUDA), *work.settings, "dpo.quantize=none",
        "dpo.dtype=bfloat16", "dpo.adapter_dtype=bfloat16", "dpo.select=last", "dpo.steps=4", "dpo.save_every=2",
        "dpo.pairs_per_step=20", "dpo.learning_rate=0.001",
    )  # fmt: skip
    recipe = load_recipe("mistral-7b", settings)
    whole, again = work.kept / "one-life", work.kept / "two-lives"
    for path in (whole, again):
        shutil.rmtree(path, ignore_errors=True)
    folder = RunFolder.open(whole, recipe)
    write_rows(folder.path / "pairs.jsonl", pairs(answers(80), recipe.speaker.instruction))
    line = [*PYTHON, "-m", "lacie_training.dpo", "--recipe", "mistral-7b", *_set(settings), "--run"]
    status = logged(work, "resume", [*line, str(whole)], ends - time.monotonic())
    if status:
        return status
    shutil.copytree(whole, again)
    shutil.rmtree(again / "adapter")
    shutil.rmtree(again / "checkpoints" / "checkpoint-4")
    status = logged(work, "resume", [*line, str(again)], ends - time.monotonic())
    if status:
        return status
    one, other = read_adapter(whole / "adapter")[1], read_adapter(again / "adapter")[1]
    apart = max(float((one[name].float() - other[name].float()).abs().max()) for name in one)
    largest = max(float(tensor.float().abs().max()) for tensor in one.values())
    dtypes = sorted({str(tensor.dtype) for tensor in (*one.values(), *other.values())})
    found = {"largest difference": apart, "largest weight": largest, "dtypes": dtypes, "tensors": len(one)}
    (work.out / "resume.json").write_text(json.dumps(found, indent=1))
    return 0


def family(work: Work, seconds: float) -> int:
    """A whole run of the second family."""
    name = FAMILY if work.family != "embedded" else "smoke"
    line = [*PYTHON, "-m", "lacie_training.run", "--no-check", "--recipe", name, "--run", str(work.kept / "family")]
    line += _set((f"speaker.model={work.family}", *(QUESTIONS if name == "smoke" else ()), *work.settings))
    status = logged(work, "family", line, seconds)
    for file in ("metrics.json", "report.md"):
        if (work.kept / "family" / file).is_file():
            shutil.copy(work.kept / "family" / file, work.out / f"family-{file}")
    return status


def _of_model(work: Work) -> tuple[str, ...]:
    return (f"speaker.model={work.model}", f"listener.model={work.model}")


def _set(settings: Sequence[str]) -> list[str]:
    return [option for setting in settings for option in ("--set", setting)]


FAMILY = "gemma3-270m-cpu"
STEPS = (
    Step("size-bf16", size_bf16, 330),
    Step("size-nf4", size_nf4, 240),
    Step("check", check, 180),
    Step("resume", resume_in_bf16, 150),
    Step("family", family, 300),
)

if __name__ == "__main__":
    raise SystemExit(main())
