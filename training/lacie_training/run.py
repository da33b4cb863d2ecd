"""All stages, one after the other, each in a process of its own: a generator and a trainer never share a GPU's memory.

Launch: `lacie train run --recipe R --run DIR`, or `python -m lacie_training.run …`. With `--gpus N` the training itself
is done by N processes, which accelerate's launcher starts; with `--launch` as one of the configs in
`recipes/accelerate/` says. With `--samples-of RUN` nothing is drawn and judged anew (see samples/taken.py): so a
truthful-only twin is trained on the very samples of the LACIE run. What could fail after hours is looked for first
(`lacie train check`). Started again, it goes on where it stopped.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from yaml import YAMLError

from lacie_chat.errors import LacieError
from lacie_chat.progress import duration
from lacie_chat.streams import complain
from lacie_training.errors import TrainingError
from lacie_training.learning.batches import check_sharding, shares
from lacie_training.recipes.files import RECIPES, load_recipe
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RunFolder
from lacie_training.stage import add_options, default_run_dir, need_extra

STAGES = ("sample", "judge", "pairs", "dpo", "evaluate")
ACCELERATE = RECIPES / "accelerate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`: those of a stage, and how the training is launched."""
    add_options(parser)
    add_launch_options(parser)
    parser.add_argument(
        "--no-check", action="store_true", help="begin at once, without `lacie train check` (which takes minutes)"
    )


def add_launch_options(parser: argparse.ArgumentParser) -> None:
    """How the training is launched."""
    parser.add_argument(
        "--gpus",
        type=_count,
        metavar="N",
        help="how many GPUs train together, a process each (default: one; with --launch, all)",
    )
    parser.add_argument(
        "--launch",
        metavar="CONFIG",
        help="how they do: accelerate's config for dpo, a name in recipes/accelerate or a file (default: multi_gpu)",
    )
    parser.add_argument(
        "--samples-of",
        type=Path,
        metavar="RUN",
        help="take another run's samples and judgements; its recipe may differ in objective, pairs, dpo and evaluate",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of GPUs; it takes 1 or more")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Run the stages; the exit status is that of the first one that fails, else 0."""
    try:
        need_extra()
        recipe = load_recipe(options.recipe, options.overrides)
        launcher = launcher_of(recipe, options)
        path = options.run or default_run_dir(recipe)
        if options.samples_of is not None:
            from lacie_training.samples.taken import check_fits, take_samples

            check_fits(recipe, options.samples_of)
        if not options.no_check and (status := _checked(options, path)):
            return status
        folder = RunFolder.open(path, recipe)
        with folder.lock("run"):
            if options.samples_of is not None:
                with folder.lock():
                    take_samples(folder, options.samples_of)
            for stage in STAGES:
                started = time.monotonic()
                print(f"run: {stage}", flush=True)
                status = _run_stage(command(stage, options, path, launcher if stage == "dpo" else []))
                if status:
                    complain(f"run: {stage} ended with status {status}; start the same command again to go on")
                    return status
                print(f"run: {stage} took {duration(time.monotonic() - started)}", flush=True)
    except LacieError as error:
        complain(str(error))
        return 1
    print(f"run: done; see {path / 'report.md'}")
    return 0


def command(stage: str, options: argparse.Namespace, run: Path, launcher: Sequence[str] = ()) -> list[str]:
    """The command line of one stage, after that of what launches it."""
    module = ["-m", f"lacie_training.{stage}", "--recipe", str(options.recipe), "--run", str(run)]
    for override in options.overrides:
        module += ["--set", override]
    return [sys.executable, *launcher, *module]


def _checked(options: argparse.Namespace, path: Path) -> int:
    """The exit status of the check, before the run has a folder: what it finds is mended by other settings."""
    print("run: check", flush=True)
    line = command("check", options, path)
    line += ["--gpus", str(options.gpus)] if options.gpus else []
    line += ["--launch", options.launch] if options.launch else []
    status = _run_stage(line)
    if status:
        complain("run: nothing was begun; mend what failed, or leave the check out with --no-check")
    return status


def launcher_of(recipe: Recipe, options: argparse.Namespace) -> list[str]:
    """What launches the training, as arguments of Python; nothing where one process does it. Raises TrainingError where
    it can't be so: before anything is sampled.
    """
    if options.launch is None and options.gpus in (None, 1):
        shares(recipe.dpo, 1)
        return []
    path = accelerate_config(options.launch or "multi_gpu")
    config = _read_config(path)
    processes = _processes(recipe, options, config)
    shares(recipe.dpo, processes)
    if config.distributed_type == "FSDP":
        check_sharding(recipe.dpo)
    # accelerate's precision would win over the recipe's, and change what is trained
    more = ["--num_processes", str(processes), "--mixed_precision", "no"]
    if config.num_machines == 1:
        more += ["--main_process_port", "0"]  # any that is free
    return ["-m", "lacie_training.launch", "--config_file", str(path), *more]


def _processes(recipe: Recipe, options: argparse.Namespace, config: Any) -> int:
    """As many as are asked for, else one for each GPU; without any, and for several machines, what the config says."""
    from torch import cuda

    visible = cuda.device_count() if recipe.dpo.device != "cpu" and cuda.is_available() else 0
    if config.num_machines > 1 or not visible:
        return int(options.gpus or config.num_processes)
    if (options.gpus or 0) > visible:
        raise TrainingError(f"--gpus {options.gpus}, but {visible} can be seen here; give --gpus {visible} at most")
    return int(options.gpus or visible)


def _read_config(path: Path) -> Any:
    from accelerate.commands.config.config_args import load_config_from_file

    try:
        return load_config_from_file(str(path))
    except (ValueError, KeyError, TypeError, AttributeError, OSError, YAMLError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TrainingError(f"{path} is no config that accelerate can read: {reason}") from error


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
