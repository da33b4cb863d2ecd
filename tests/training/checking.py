"""The check of a recipe, in this process: its rehearsal's command lines are run by the stages' own `main`."""

import io
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path

from lacie_training.check import command as check
from lacie_training.check.rehearsal import Outcome


def in_process(line: Sequence[str]) -> Outcome:
    """A stage's command line, without a process of its own: the libraries are imported once."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        status = import_module(line[2]).main(list(line[3:]))
    return Outcome(status, said.getvalue())


def checked(run: Path, *settings: str, recipe: str = "mistral-7b", more: Sequence[str] = ()) -> int:
    """The exit status of the check on a recipe with these `--set` values, and `more` options."""
    parser = ArgumentParser()
    check.add_arguments(parser)
    options = [option for setting in settings for option in ("--set", setting)]
    return check.run(parser.parse_args(["--recipe", recipe, "--run", str(run), *options, *more]), in_process)
