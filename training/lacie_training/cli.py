"""`lacie train …`: thin, each stage a few lines over its module, loaded only when it is asked for."""

import argparse
import importlib
from typing import Any

from lacie_training.stage import add_options, run_stage

_HELP = {
    "sample": "draw several responses to each training question",
    "judge": "assess each sample, and compare its answer with the accepted ones",
    "pairs": "make balanced preference pairs of the judged samples",
    "dpo": "train the adapter on the pairs",
    "evaluate": "measure baseline and adapter on the test questions; write the report",
}


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stages as subcommands of `lacie train`."""
    from lacie_training.evaluation.twin_table import add_figures_arguments
    from lacie_training.mean import add_mean_arguments
    from lacie_training.run import add_run_options

    stages: Any = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for name, text in _HELP.items():
        add_options(stages.add_parser(name, help=text, description=text))
    add_run_options(stages.add_parser("run", help="all stages, one after the other"))
    text = "average the adapters of several runs, as a run of its own"
    add_mean_arguments(stages.add_parser("mean", help=text, description=text))
    text = "set a LACIE run and its truthful-only twin beside their baseline: figures.json, and a table"
    add_figures_arguments(stages.add_parser("figures", help=text, description=text))


def train_command(args: argparse.Namespace) -> int:
    """Run the stage that `add_train_arguments` parsed; returns the exit status."""
    if args.stage == "run":
        from lacie_training.run import run_all

        return run_all(args)
    if args.stage == "figures":
        from lacie_training.evaluation.twin_table import figures_command

        return figures_command(args)
    if args.stage == "mean":
        from lacie_training.mean import mean_command

        return mean_command(args)
    module = importlib.import_module(f"lacie_training.{args.stage}")
    return run_stage(module.run, args.recipe, args.run, args.overrides)
