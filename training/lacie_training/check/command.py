"""`lacie train check`: everything that could fail after hours, found in minutes, before a run is begun.

Launch: `lacie train check --recipe R [--run DIR] [--gpus N]`; `lacie train run` does it first, unless `--no-check` says
otherwise. It looks at the machine, the files and the Hub, at memory and disk beside an estimate, at template and LoRA
targets by the model's configuration alone; and where all of that holds, it takes one question through every stage. All
that fails is listed, one line each; the exit status is 1 if anything does. Nothing is written into the run folder.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lacie_chat.errors import LacieError
from lacie_chat.streams import complain
from lacie_training.check.findings import Findings
from lacie_training.errors import TrainingError
from lacie_training.learning.batches import shares
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.schema import Recipe
from lacie_training.run import add_launch_options, command, launcher_of
from lacie_training.run_folder import read_recipe
from lacie_training.stage import add_options, default_run_dir, need_extra, quiet_libraries

_ROWS = ("samples.jsonl", "judged.jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a run: what is checked is what would be run."""
    add_options(parser)
    add_launch_options(parser)


def run(options: argparse.Namespace, execute: Any = None) -> int:
    """Check everything, print a line each; the exit status is 1 if anything failed. `execute` runs the rehearsal's
    command lines (default: each in a process of its own).
    """
    quiet_libraries()
    try:
        need_extra()
        recipe = load_recipe(options.recipe, options.overrides)
    except LacieError as error:
        complain(str(error))
        return 1
    findings = Findings(partial(print, flush=True))
    _check(recipe, options, findings, execute)
    failures = len(findings.failures)
    if failures:
        complain(f"check: {failures} of {len(findings.all)} failed")
    else:
        print("check: all of it holds")
    return 1 if failures else 0


def _check(recipe: Recipe, options: argparse.Namespace, findings: Findings, execute: Any) -> None:
    from lacie_training.check.disk import check_disk
    from lacie_training.check.forecast import forecast
    from lacie_training.check.machine import check_machine, look
    from lacie_training.check.memory import check_lora, check_memory, check_models
    from lacie_training.check.prompting import check_prompt
    from lacie_training.check.rehearsal import rehearse
    from lacie_training.check.sources import check_sources
    from lacie_training.dpo import tracker

    path = options.run or default_run_dir(recipe)
    launcher: list[str] = []
    going_on = False
    with findings.attempt("batches"):
        launcher = launcher_of(recipe, options)
        findings.ok("batches", _batches(recipe, processes_of(launcher)))
    processes = processes_of(launcher)
    with findings.attempt("run folder"):
        going_on = _goes_on(path, recipe)
        findings.ok("run folder", f"{path} {'has rows: the run goes on' if going_on else 'is free'}")
    machine = look()
    check_machine(recipe, machine, processes, findings)
    with findings.attempt("dpo.report_to"):
        tracker(recipe.dpo.report_to)
    fetch = check_sources(recipe, findings)
    unknown = {"speaker", "listener"} & {finding.subject for finding in findings.failures}
    if unknown or not check_models(recipe, machine, findings):
        findings.note("prompt, LoRA, memory and disk", "not looked at: a model can't be had")
    else:
        check_prompt(recipe, findings)
        tuned = check_lora(recipe, machine, findings)
        check_memory(recipe, machine, processes, tuned, findings)
        check_disk(recipe, path, tuned.adapter if tuned else 0, tuned.parameters if tuned else 0, fetch, findings)
    if findings.failures:
        findings.note("rehearsal", "not tried, until what failed is mended")
    elif going_on:
        findings.note("rehearsal", "not needed: the run has gone through this before")
    elif launcher and "--main_process_port" not in launcher:
        findings.note("rehearsal", "not tried: the training takes several machines at once")
    else:

        def launched(stage: str, file: Path, run: Path) -> list[str]:
            of_stage = argparse.Namespace(**{**vars(options), "recipe": str(file), "overrides": []})
            return command(stage, of_stage, run, launcher if stage == "dpo" else [])

        rehearsed = rehearse(recipe, processes, launched, findings, execute)
        if rehearsed is not None:
            forecast(recipe, rehearsed, findings)


def processes_of(launcher: Sequence[str]) -> int:
    """How many processes train: what the launcher is told, else one."""
    return int(launcher[launcher.index("--num_processes") + 1]) if launcher else 1


def _batches(recipe: Recipe, processes: int) -> str:
    batch, batches = shares(recipe.dpo, processes)
    return f"a step's {recipe.dpo.pairs_per_step} pairs are {processes} x {batches} batches of {batch}"


def _goes_on(path: Path, recipe: Recipe) -> bool:
    """Whether the run has begun. Raises TrainingError if the folder is another recipe's."""
    if (path / "recipe.yaml").is_file() and read_recipe(path).digest() != recipe.digest():
        raise TrainingError(f"{path} is a run of another recipe; give another --run folder")
    return any((path / name).is_file() and (path / name).stat().st_size for name in _ROWS)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m lacie_training.check --recipe R --run DIR`"""
    parser = argparse.ArgumentParser(prog="python -m lacie_training.check")
    add_arguments(parser)
    return run(parser.parse_args(argv))
