"""The `lacie` command: what it takes, and which module does it. Every subcommand is loaded only when it is asked for.

Exit status: 0 done; 1 it failed, with one clear line on standard error; 2 wrong usage; 3 answered, but under
`--min-confidence` or abstained.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType

from lacie_chat import __version__
from lacie_chat.errors import LacieError

FAILED = 1
INTERRUPTED = 130
COMMANDS = (
    "chat",
    "ask",
    "compare",
    "evaluate",
    "study",
    "calibration",
    "models",
    "history",
    "train",
    "export",
    "doctor",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lacie` with these arguments (default: the command line's) and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "chat")
    try:
        args = build_parser(words[0]).parse_args(words)
        status = args.handler(args)
        sys.stdout.flush()
        return int(status)
    except LacieError as error:
        print(f"lacie: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, and Python must not try to at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def build_parser(command: str) -> argparse.ArgumentParser:
    """The whole parser; only the options of `command` are filled in, since filling them may import its module."""
    parser = argparse.ArgumentParser(
        prog="lacie",
        description="Chat with local models and see how sure each answer sounds, and how often such answers are right.",
    )
    parser.add_argument("--version", action="version", version=f"lacie-chat {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    helps = {
        "chat": "open the chat (what a bare `lacie` does)",
        "ask": "answer one question, from the command line or a pipe",
        "compare": "two sides answer one question, or a file of them: how sure each sounds, and what differs",
        "evaluate": "measure a model on a questions file",
        "study": "people as listeners: who accepts which answers, blinded, of a baseline and its LACIE twin",
        "calibration": "see how often answers are right when they sound so, by your marks; fit a calibrator",
        "models": "list, download, inspect and remove models",
        "history": "list, search, show, export and delete conversations",
        "train": "train a LACIE adapter, stage by stage or whole",
        "export": "make a GGUF of an adapter, and prove that it is the same model",
        "doctor": "check that everything here works",
    }
    for name in COMMANDS:
        sub = commands.add_parser(name, help=helps[name], description=helps[name][0].upper() + helps[name][1:] + ".")
        if name == command:
            _FILL[name](sub)
    return parser


def _later(module: str) -> Callable[[argparse.Namespace], int]:
    """A `run` that imports its module when it is called."""

    def run(args: argparse.Namespace) -> int:
        return int(import_module(module).run(args))

    return run


def _extra(module: str, extra: str) -> ModuleType:
    """A module that needs an extra. Raises LacieError, one line, where that isn't installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        line = f"this needs the extra '{extra}' ({error.name} is missing): pip install 'lacie-chat[{extra}]'"
        raise LacieError(line) from None


def _fill_chat(parser: argparse.ArgumentParser) -> None:
    from lacie_chat.commands.speaker import add_speaker_arguments

    add_speaker_arguments(parser)
    parser.add_argument("--resume", metavar="ID", help="go on with this conversation (`lacie history list`)")
    parser.add_argument(
        "--agreement",
        metavar="K",
        type=_agreement_count,
        help="draw K samples (1 to 20) after each answer and show how many agree; 0 switches it off",
    )
    parser.set_defaults(handler=_later("lacie_chat.commands.chat"))


def _fill_ask(parser: argparse.ArgumentParser) -> None:
    from lacie_chat.commands.speaker import add_speaker_arguments

    parser.add_argument("question", nargs="?", metavar="QUESTION", help="the question; a pipe is read too")
    add_speaker_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--min-confidence",
        metavar="P",
        type=_probability,
        help="exit with 3 if the confidence is under P (0 to 1)",
    )
    parser.add_argument("--sentences", action="store_true", help="also show how sure each sentence sounds")
    parser.add_argument(
        "--agreement", metavar="K", type=_agreement_count, default=0, help="draw K samples (1 to 20): how many agree?"
    )
    parser.add_argument("--temperature", type=_not_negative, help="0 is greedy (default 0.2, as in the chat)")
    parser.add_argument("--max-tokens", type=_positive, default=512, help="length of the answer at most (default 512)")
    parser.add_argument("--seed", type=int, default=0, help="for temperatures over 0 (default 0)")
    parser.set_defaults(handler=_later("lacie_chat.commands.ask"))


def _fill_compare(parser: argparse.ArgumentParser) -> None:
    from lacie_chat.commands.sides import add_side_arguments

    parser.add_argument("question", nargs="?", metavar="QUESTION", help="the question; a pipe is read too")
    add_side_arguments(parser)
    parser.add_argument(
        "--samples", metavar="N", type=_sample_count, default=1, help="answers a side, 1 to 8 (default 1)"
    )
    parser.add_argument(
        "--temperature", type=_not_negative, help="0 is greedy (default: 0.2, as in the chat; 0.7 for samples)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of both sides (default 0)")
    parser.add_argument("--max-tokens", type=_positive, help="length of an answer at most (default 512; a file: 128)")
    parser.add_argument("--json", action="store_true", help="print both answers and the difference as one JSON object")
    bulk = parser.add_argument_group("a file of questions")
    bulk.add_argument("--questions", metavar="FILE", help="JSON lines with id, question, answers")
    bulk.add_argument("--out", metavar="DIR", help="folder for both sides' rows, comparison.json and the report")
    bulk.add_argument("--matcher", choices=("exact", "lenient"), help="default: as each question says")
    bulk.add_argument("--threshold", type=_probability, help="accepted from this acceptance on (default 0.66)")
    bulk.add_argument("--batch-size", type=_positive, help="questions answered at once (default 8)")
    parser.set_defaults(handler=_compare)


def _compare(args: argparse.Namespace) -> int:
    compare = import_module("lacie_chat.commands.compare")
    problem = compare.usage_problem(args)
    if problem:
        print(f"lacie compare: {problem}", file=sys.stderr)
        return int(compare.WRONG_USAGE)
    if args.questions is None:
        return int(compare.run(args))
    return int(import_module("lacie_chat.commands.compare_file").run(args))


def _fill_study(parser: argparse.ArgumentParser) -> None:
    from lacie_chat.commands.sides import add_side_arguments

    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    judging = actions.add_parser(
        "run",
        help="make the answers of both sides, once, and let a person judge them",
        description="Make the answers of both sides, once, and let a person judge them. The left side is the baseline.",
    )
    judging.add_argument("--questions", metavar="FILE", help="begins a study: JSON lines with id, question, answers")
    judging.add_argument("--out", metavar="DIR", required=True, help="the study's folder")
    add_side_arguments(judging)
    judging.add_argument("--person", metavar="NAME", help="who judges; the same name goes on (default: the login name)")
    judging.add_argument("--items", type=_positive, metavar="N", help="questions for this person (default: all)")
    judging.add_argument("--answers-only", action="store_true", help="make the answers and show nothing")
    judging.add_argument("--matcher", choices=("exact", "lenient"), help="how answers are compared (default: exact)")
    judging.add_argument("--temperature", type=_not_negative, default=0.2, help="of both sides (default 0.2)")
    judging.add_argument("--max-tokens", type=_positive, default=128, help="length of an answer (default 128)")
    judging.add_argument("--seed", type=int, default=0, help="of both sides (default 0)")
    reporting = actions.add_parser("report", help="what the judgements come to")
    reporting.add_argument("dir", metavar="DIR", help="the study's folder; its people's files are read")
    reporting.add_argument("files", metavar="FILE", nargs="*", help="people's files from elsewhere")
    reporting.add_argument("--keep-inattentive", action="store_true", help="also count who failed attention checks")
    reporting.add_argument("--bootstrap", type=_positive, default=1000, help="draws for the intervals (default 1000)")
    reporting.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    reporting.add_argument("--json", action="store_true", help="print one JSON object")
    reporting.add_argument("--out", metavar="FILE", help="write what is printed to a file, too")
    parser.set_defaults(handler=_later("lacie_chat.commands.study"))


def _fill_calibration(parser: argparse.ArgumentParser) -> None:
    from lacie_chat.commands.calibration import add_arguments

    add_arguments(parser)
    parser.set_defaults(handler=_calibration)


def _calibration(args: argparse.Namespace) -> int:
    calibration = import_module("lacie_chat.commands.calibration")
    return int(calibration.run(args))


def _fill_models(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listing = actions.add_parser("list", help="what is on this machine, and better models to get")
    listing.add_argument("--json", action="store_true", help="print a JSON list")
    for name, text in (
        ("pull", "download a model from the Hub"),
        ("info", "what a GGUF says of itself"),
        ("remove", "delete a downloaded model from the cache"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("ref", metavar="REF", help="`embedded`, a path, or owner/repo[:QUANT]")
        if name == "info":
            action.add_argument("--json", action="store_true", help="print a JSON object")
    parser.set_defaults(handler=_later("lacie_chat.commands.models"))


def _fill_history(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listing = actions.add_parser("list", help="the newest conversations")
    listing.add_argument("--limit", type=_positive, default=20, help="how many (default 20)")
    listing.add_argument("--json", action="store_true", help="print a JSON list")
    search = actions.add_parser("search", help="find words in all conversations")
    search.add_argument("query", metavar="WORDS")
    search.add_argument("--json", action="store_true", help="print a JSON list")
    for name, text in (("show", "read one"), ("export", "write one out"), ("delete", "delete one for good")):
        action = actions.add_parser(name, help=text)
        action.add_argument("id", metavar="ID", help="its id, or the start of it")
        if name == "export":
            action.add_argument("--format", choices=("markdown", "json"), default="markdown")
            action.add_argument("--out", metavar="FILE", help="a new file (default: standard output)")
        if name == "delete":
            action.add_argument("--yes", action="store_true", help="don't ask")
    parser.set_defaults(handler=_later("lacie_chat.commands.history"))


def _fill_doctor(parser: argparse.ArgumentParser) -> None:
    from lacie_chat.commands.speaker import add_speaker_arguments

    add_speaker_arguments(parser)
    parser.set_defaults(handler=_later("lacie_chat.commands.doctor"))


def _fill_train(parser: argparse.ArgumentParser) -> None:
    commands = _extra("lacie_training.cli", "train")
    commands.add_train_arguments(parser)
    parser.set_defaults(handler=commands.train_command)


def _fill_evaluate(parser: argparse.ArgumentParser) -> None:
    from lacie_chat.commands.evaluate import add_arguments, run

    add_arguments(parser)
    parser.set_defaults(handler=run)


def _fill_export(parser: argparse.ArgumentParser) -> None:
    _extra("lacie_export.commands", "export").add_export_arguments(parser)


_FILL = {
    "chat": _fill_chat,
    "ask": _fill_ask,
    "compare": _fill_compare,
    "evaluate": _fill_evaluate,
    "study": _fill_study,
    "calibration": _fill_calibration,
    "models": _fill_models,
    "history": _fill_history,
    "train": _fill_train,
    "export": _fill_export,
    "doctor": _fill_doctor,
}


def _number(kind: Callable[[str], float], accepts: Callable[[float], bool], wanted: str) -> Callable[[str], float]:
    """An argparse type: a number that must pass a check; its error line says what is wanted."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
        return value

    return parse


_probability = _number(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")
_not_negative = _number(float, lambda value: 0 <= value < float("inf"), "a number of 0 or more")
_agreement_count = _number(int, lambda value: 0 <= value <= 20, "a whole number from 0 to 20")
_positive = _number(int, lambda value: value >= 1, "a whole number of 1 or more")
_sample_count = _number(int, lambda value: 1 <= value <= 8, "a whole number from 1 to 8")
