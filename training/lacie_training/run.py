"""All stages, one after the other, each in a process of its own: a generator and a trainer never share a GPU's memory.

Launch: `lacie train run --recipe R --run DIR`, or `python -m lacie_training.run …`. With `--launch` the training
itself goes through `accelerate launch` and one of the configs in `recipes/accelerate/`. Started again, it goes on where
it stopped.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from lacie_chat.errors import LacieError
from lacie_chat.progress import duration
from lacie_chat.streams import complain
from lacie_training.errors import TrainingError
from lacie_training.recipes.files import RECIPES, load_recipe
from lacie_training.run_folder import RunFolder
from lacie_training.stage import add_options, default_run_dir, need_extra

STAGES = ("sample", "judge", "pairs", "dpo", "evaluate")
ACCELERATE = RECIPES / "accelerate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`: those of a stage, and how the training is launched."""
    add_options(parser)
    parser.add_argument(
        "--launch", metavar="CONFIG", help="accelerate config for dpo: a name in recipes/accelerate or a file"
    )


def run(options: argparse.Namespace) -> int:
    """Run the stages; the exit status is that of the first one that fails, else 0."""
    try:
        need_extra()
        recipe = load_recipe(options.recipe, options.overrides)
        path = options.run or default_run_dir(recipe)
        folder = RunFolder.open(path, recipe)
        with folder.lock("run"):
            for stage in STAGES:
                started = time.monotonic()
                print(f"run: {stage}", flush=True)
                status = _run_stage(command(stage, options, path))
                if status:
                    complain(f"run: {stage} ended with status {status}; start the same command again to go on")
                    return status
                print(f"run: {stage} took {duration(time.monotonic() - started)}", flush=True)
    except LacieError as error:
        complain(str(error))
        return 1
    print(f"run: done; see {path / 'report.md'}")
    return 0


def command(stage: str, options: argparse.Namespace, run: Path) -> list[str]:
    """The command line of one stage."""
    module = ["-m", f"lacie_training.{stage}", "--recipe", str(options.recipe), "--run", str(run)]
    for override in options.overrides:
        module += ["--set", override]
    if stage == "dpo" and options.launch:
        config = accelerate_config(options.launch)
        return [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config), *module]
    return [sys.executable, *module]


def accelerate_config(name: str) -> Path:
    """A config by name or path. Raises TrainingError if there is none."""
    path = Path(name) if Path(name).suffix else ACCELERATE / f"{name}.yaml"
    if not path.is_file():
        there = ", ".join(sorted(each.stem for each in ACCELERATE.glob("*.yaml")))
        raise TrainingError(f"no accelerate config {name!r}; there are: {there}, or give a file")
    return path


def _run_stage(line: list[str]) -> int:
    """Run a stage; a SIGTERM or Ctrl-C goes on to it and it is waited for. A stage that a signal killed gives 128 +
    number.
    """
    process = subprocess.Popen(line)

    def forward(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    previous = signal.signal(signal.SIGTERM, forward)
    try:
        while True:
            try:
                status = process.wait()
                break
            except KeyboardInterrupt:  # the terminal has sent it to the stage as well
                continue
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 128 - status if status < 0 else status


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m lacie_training.run --recipe R --run DIR`"""
    parser = argparse.ArgumentParser(prog="python -m lacie_training.run")
    add_arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
