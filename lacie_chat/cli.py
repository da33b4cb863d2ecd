"""The `lacie` command: one table of its subcommands, each loaded only when it is asked for.

A command is a module with `add_arguments(parser)` and `run(args)`, which returns the exit status: 0 done; 1 it failed,
with one clear line on standard error; 2 wrong usage; 3 answered, but under `--min-confidence` or abstained.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from lacie_chat import __version__, streams
from lacie_chat.errors import LacieError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

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
    Command("history", "list, search, show, export and delete conversations", "lacie_chat.commands.history"),
    Command("train", "train a LACIE adapter, stage by stage or whole", "lacie_training.cli", "train"),
    Command(
        "export", "make a GGUF of an adapter, and prove that it is the same model", "lacie_export.commands", "export"
    ),
    Command("doctor", "check that everything here works", "lacie_chat.commands.doctor"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lacie` with these arguments (default: the command line's) and return its exit status."""
    streams.make_usable()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "chat")
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


def _run(words: Sequence[str]) -> int:
    try:
        args = _parsed(words)
        return int(args.handler(args))
    except LacieError as error:
        streams.complain(f"lacie: {error}")
        return FAILED
    except ModuleNotFoundError as error:
        extra = next((command.extra for command in COMMANDS if command.name == words[0]), "")
        if not extra:
            raise
        line = f"this needs the extra '{extra}' ({error.name} is missing): pip install 'lacie-chat[{extra}]'"
        streams.complain(f"lacie: {line}")
        return FAILED
    except KeyboardInterrupt:
        streams.complain("")
        return INTERRUPTED


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    """The arguments. A question's words may stand on both sides of an option, of which argparse takes one only."""
    parser = build_parser(words[0])
    args, rest = parser.parse_known_args(words)
    if rest and isinstance(getattr(args, "question", None), list) and not any(len(w) > 1 and w[0] == "-" for w in rest):
        args.question += rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return args


class _Parser(argparse.ArgumentParser):
    """Argparse's own passes over a failure to write its help, and the exit status then says that all went well."""

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        print(self.format_help(), end="", file=file)


def build_parser(name: str) -> argparse.ArgumentParser:
    """The whole parser; only the command `name` has its options and its `handler`, since they import its module."""
    parser = _Parser(
        prog="lacie",
        description="Chat with local models and see how sure each answer sounds, and how often such answers are right.",
    )
    parser.add_argument("--version", action="version", version=f"lacie-chat {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        description = command.help[0].upper() + command.help[1:] + "."
        sub = commands.add_parser(command.name, help=command.help, description=description)
        if command.name == name:
            module = import_module(command.module)
            module.add_arguments(sub)
            sub.set_defaults(handler=module.run)
    return parser
