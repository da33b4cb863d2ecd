"""`lacie train …`: one table of its stages, and one of what else is trained or done with runs."""

import argparse
from importlib import import_module

from lacie_training.stage import add_options, run_stage

STAGES = (
    ("sample", "draw several responses to each training question", "lacie_training.sample"),
    ("judge", "assess each sample, and compare its answer with the accepted ones", "lacie_training.judge"),
    ("pairs", "make balanced preference pairs of the judged samples", "lacie_training.pairs"),
    ("dpo", "train the adapter on the pairs", "lacie_training.dpo"),
    ("evaluate", "measure baseline and adapter on the test questions; write the report", "lacie_training.evaluate"),
)
"""Name, help, module: its `run(folder)` works on an open run folder."""
OF_RUNS = (
    ("run", "all stages, one after the other", "lacie_training.run"),
    ("check", "find in minutes what could fail after hours, and how long it all takes", "lacie_training.check.command"),
    ("mean", "average the adapters of several runs, as a run of its own", "lacie_training.mean"),
    (
        "figures",
        "set a LACIE run and its truthful-only twin beside their baseline: figures.json, and a table",
        "lacie_training.evaluation.twin_table",
    ),
    (
        "listener",
        "the small adapter that hears texts as people do, or the one that finds a response's answer",
        "lacie_training.listener",
    ),
)
"""Name, help, module: a command with arguments of its own, `add_arguments(parser)` and `run(args)`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Both tables as subcommands of `lacie train`."""
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for name, text, _ in STAGES:
        add_options(stages.add_parser(name, help=text, description=text))
    for name, text, module in OF_RUNS:
        import_module(module).add_arguments(stages.add_parser(name, help=text, description=text))


def run(args: argparse.Namespace) -> int:
    """Run the stage that `add_arguments` parsed; returns the exit status."""
    modules = {name: import_path for name, _, import_path in (*STAGES, *OF_RUNS)}
    module = import_module(modules[args.stage])
    if any(name == args.stage for name, _, _ in OF_RUNS):
        return int(module.run(args))
    return run_stage(module.run, args.recipe, args.run, args.overrides)
