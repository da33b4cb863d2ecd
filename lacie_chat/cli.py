"""The `lacie` command: one table of its subcommands, each loaded only when it is asked for.

A command is a module with `add_arguments(parser)` and `run(args)`, which returns the exit status: 0 done; 1 it failed,
with one clear line on standard error; 2 wrong usage; 3 answered, but under `--min-confidence` or abstained.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import NamedTuple

from lacie_chat import __version__, loudness, streams
from lacie_chat.commands.examples import with_examples
from lacie_chat.commands.parsing import (
    LOUDNESS,
    Parser,
    add_loudness,
    check_commands,
    every_parser,
    subcommands,
    unknown,
)
from lacie_chat.errors import LacieError, missing_extra
from lacie_chat.paths import keep_private

FAILED = 1
INTERRUPTED = 130


class Command(NamedTuple):
    """A subcommand; `extra` is what to install where a package that it needs is missing."""

    name: str
    help: str
    module: str
    extra: str = ""


COMMANDS = (
    Command("chat", "open the chat (what a bare `lacie` does)", "lacie_chat.commands.chat"),
    Command("ask", "answer one question, from the command line or a pipe", "lacie_chat.commands.ask"),
    Command(
        "listen", "how sure does a text sound? of the command line, a pipe or a file", "lacie_chat.commands.listen"
    ),
    Command(
        "compare",
        "two sides answer one question, or a file of them: how sure each sounds, and what differs",
        "lacie_chat.commands.compare",
    ),
    Command("evaluate", "measure a model on a questions file", "lacie_chat.commands.evaluate"),
    Command(
        "study",
        "people as listeners: who accepts which answers, blinded, of a baseline and its LACIE twin",
        "lacie_chat.commands.study",
    ),
    Command(
        "calibrate",
        "how often is this model right, and when? asks it questions; the chat then says how likely an answer is right",
        "lacie_chat.commands.calibrate",
    ),
    Command(
        "calibration",
        "see how often answers that you marked are right when they sound so; take a calibrator back",
        "lacie_chat.commands.calibration",
    ),
    Command("models", "list, download, inspect and remove models", "lacie_chat.commands.models"),
    Command("settings", "see, write and edit the settings file", "lacie_chat.commands.settings"),
    Command("history", "list, search, show, export and delete conversations", "lacie_chat.commands.history"),
    Command("train", "train a LACIE adapter, stage by stage or whole", "lacie_training.cli", "train"),
    Command(
        "export", "make a GGUF of an adapter, and prove that it is the same model", "lacie_export.commands", "export"
    ),
    Command("doctor", "check that everything here works", "lacie_chat.commands.doctor"),
    Command("completion", "complete commands, models and ids with the tab key", "lacie_chat.commands.completion"),
)
_ONLY_ITS_OWN = ("-h", "--help", "--version")
_FILL_THE_SCREEN = ("lacie chat", "lacie study run")
_WORDS = ("question", "text", "query")
"""Positionals that are words of a text, which may stand on both sides of an option."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lacie` with these arguments (default: the command line's) and return its exit status."""
    streams.make_usable()
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what could stand here
        from lacie_chat.commands.completion import answer_shell

        answer_shell(build_parser)
    words = in_order(sys.argv[1:] if argv is None else argv)
    try:
        try:
            status = _run(words)
        except SystemExit:  # argparse's: help that was asked for, or wrong usage
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except OSError as error:
        line = streams.output_failure(error)
        if line is None:
            raise
        if line:
            streams.complain(f"lacie: {line}")
        return FAILED
    return status


def in_order(words: Sequence[str]) -> list[str]:
    """The command first: `chat` where none is named, `--quiet` and `--verbose` after it, `help X` as `X --help`."""
    found = list(words)
    first = []
    while found and found[0] in LOUDNESS:
        first.append(found.pop(0))
    if found and found[0] == "help" and all(not word.startswith("-") for word in found):
        found = [*found[1:], "--help"]
    if not found or (found[0].startswith("-") and found[0] not in _ONLY_ITS_OWN):
        found.insert(0, "chat")
    at = next((at for at, word in enumerate(found[1:], 1) if word.startswith("-")), len(found)) if first else 0
    return [*found[:at], *first, *found[at:]]


def _run(words: Sequence[str]) -> int:
    try:
        args = parsed(words)
        if getattr(args, "fills_from_file", False):
            import_module("lacie_chat.commands.settled").fill(args)
        loudness.settle(quiet=getattr(args, "quiet", False), verbose=getattr(args, "verbose", False))
        keep_private()
        with _told(args):
            return int(args.handler(args))
    except LacieError as error:
        streams.complain(f"lacie: {error}")
        return error.status
    except ModuleNotFoundError as error:
        extra = next((command.extra for command in COMMANDS if command.name == words[0]), "")
        if not extra:
            raise
        streams.complain(f"lacie: {missing_extra(extra, str(error.name))}")
        return FAILED
    except KeyboardInterrupt:
        streams.complain("")
        return INTERRUPTED


def _told(args: argparse.Namespace) -> AbstractContextManager[None]:
    if not loudness.is_verbose():
        return nullcontext()
    from lacie_chat.commands.verbose import told

    return told(fills_the_screen=args.parser.prog in _FILL_THE_SCREEN)


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The arguments. A question's words may stand on both sides of an option, of which argparse takes one only. Ends
    with one line and exit status 2 for words that are none."""
    parser = build_parser(words[0])
    check_commands(parser, words)
    args, rest = parser.parse_known_args(words)
    if not rest:
        return args
    text = next((found for name in _WORDS if isinstance(found := getattr(args, name, None), list)), None)
    if text is None or any(len(word) > 1 and word[0] == "-" for word in rest):
        unknown(args.parser, rest, takes_text=text is not None)
    text += rest
    return args


def build_parser(name: str) -> argparse.ArgumentParser:
    """The whole parser; only the command `name` has its options and its `handler`, since they import its module."""
    parser = Parser(
        prog="lacie",
        description="Chat with local models and see how sure each answer sounds, and how often such answers are right.",
    )
    parser.add_argument(
        "--version", action="version", version=f"lacie-chat {__version__}", help="which version this is"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        description = command.help[0].upper() + command.help[1:] + "."
        sub = commands.add_parser(command.name, help=command.help, description=description)
        if command.name == name:
            module = import_module(command.module)
            module.add_arguments(sub)
            for _, each in every_parser(sub):
                if subcommands(each) is None:
                    add_loudness(each)
                    each.set_defaults(handler=module.run, parser=each)
    with_examples(parser)
    return parser
