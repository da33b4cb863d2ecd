"""`lacie evaluate`: training's measurement of one model on one questions file."""

import argparse
from importlib import import_module

from lacie_chat.commands.speaker import add_speaker_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie evaluate`."""
    add_speaker_arguments(parser, context=False)
    import_module("lacie_training.evaluate").add_evaluate_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 0, or LacieError, one line."""
    return int(import_module("lacie_training.evaluate").evaluate_command(args))
