"""How `lacie` reads its words and shows its help: argparse, with one line for whatever is wrong.

A line says what was not understood and what comes nearest, or what to type: a question without its `ask`, a word that
another program has for it. The help's usage leaves the options to the list below it; a text of several lines (the
examples) keeps its lines, so that they can be copied at any width.
"""

import argparse
import shlex
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lacie_chat import streams

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

LOUDNESS = ("-q", "--quiet", "-v", "--verbose")
_ALIKE = 0.8
"""So near a word must be to a command's to be a slip of it, where it may as well begin a question ("What", "chat")."""
ELSEWHERE = {
    "run": "chat --model",
    "pull": "models pull",
    "download": "models pull",
    "ls": "models list",
    "list": "models list",
    "rm": "models remove",
    "remove": "models remove",
    "show": "models info",
    "info": "models info",
    "search": "history search",
    "resume": "chat --resume",
    "continue": "chat --continue",
    "version": "--version",
}
"""What the same is called here, of words that other programs have as commands."""


class HelpFormat(argparse.HelpFormatter):
    """Argparse's own, with a short usage, names for values, and texts of several lines as they stand."""

    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None = None
    ) -> None:
        """What must be there; all else is `[OPTIONS]`."""
        needed = [group for group in groups if group.required]
        of_groups = {id(action) for group in needed for action in group._group_actions}
        everything = list(actions)
        kept = [each for each in everything if each.required or not each.option_strings or id(each) in of_groups]
        if len(kept) < len(everything):
            kept.insert(0, argparse.Action(["OPTIONS"], "options", nargs=0))
        super().add_usage(usage, kept, needed, prefix)

    def add_argument(self, action: argparse.Action) -> None:
        """As argparse, which forgets by how much it indents the names of commands."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return "\n".join(indent + line for line in text.splitlines())
        return super()._fill_text(text, width, indent)

    def _get_default_metavar_for_optional(self, action: argparse.Action) -> str:
        if action.type is None:
            return super()._get_default_metavar_for_optional(action)
        return "PATH" if action.type is Path else "N"


class Parser(argparse.ArgumentParser):
    """Argparse's, with its errors in one line. (It passes over a failure to write its help, too, and the exit status
    then says that all went well.)"""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("formatter_class", HelpFormat)
        super().__init__(*args, **options)
        self._positionals.title = "arguments"

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        """One line on standard error; exit status 2."""
        more = "" if "; " in message else f"; see: {self.prog} --help"
        streams.complain(f"{self.prog}: {message}{more}")
        raise SystemExit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        names = [str(each) for each in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            raise argparse.ArgumentError(None, no_such(action, str(value)))
        raise argparse.ArgumentError(action, f"{str(value)!r} is none of {', '.join(names)}{near(str(value), names)}")


def add_loudness(parser: argparse.ArgumentParser) -> None:
    """`--quiet` and `--verbose`, which every command has."""
    loudness = parser.add_argument_group("what is said beside the result").add_mutually_exclusive_group()
    loudness.add_argument("--quiet", "-q", action="store_true", help="no notes and no progress; errors are said")
    loudness.add_argument("--verbose", "-v", action="store_true", help="also what the engine logs, and timings")


def near(word: str, names: Iterable[str], *, how: float = 0.6) -> str:
    """`; did you mean NAME?`, or nothing. `how` near, from 0 to 1."""
    by_name = {name.lower(): name for name in names}
    found = get_close_matches(word.lower(), by_name, n=1, cutoff=how)
    found = found or [name for name in by_name if len(word) > 2 and name.startswith(word.lower())][:1]
    return f"; did you mean {by_name[found[0]]}?" if found else ""


def no_such(action: "argparse._SubParsersAction[Any]", word: str) -> str:
    """That there is no such command (or action, or stage), and which there are."""
    kind = str(action.metavar or "command").lower()
    return f"there is no {kind} {word!r}" + (near(word, action.choices) or f"; there are: {', '.join(action.choices)}")


def subcommands(parser: argparse.ArgumentParser) -> "argparse._SubParsersAction[Any] | None":
    """The action that holds a parser's subcommands; None where it has none."""
    return next((each for each in parser._actions if isinstance(each, argparse._SubParsersAction)), None)


def every_parser(parser: argparse.ArgumentParser, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The parser with the words that lead to it, and all below it."""
    yield path, parser
    below = subcommands(parser)
    for name, each in below.choices.items() if below else ():
        yield from every_parser(each, *path, name)


def check_commands(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """End with one line where the words that should be a command and its action are none: with the nearest, with what
    another program's word for it is here, and, where they read like a question, with how it is asked."""
    at = 0
    while (below := subcommands(parser)) is not None and (at == len(words) or not words[at].startswith("-")):
        kind = str(below.metavar).lower()
        if at == len(words):
            parser.error(f"which {kind}? there are: {', '.join(below.choices)}")
        word = words[at]
        if word not in below.choices:
            line, more = no_such(below, word), shlex.join(words[at + 1 :])
            if at == 0 and word in ELSEWHERE:
                line = f"there is no command {word!r}; here it is: lacie {ELSEWHERE[word]} {more}".rstrip()
            elif (more or " " in word.strip()) and not near(word, below.choices, how=_ALIKE):
                line = f"there is no {kind} {word!r}; to ask it as a question: lacie ask {shlex.join(words)}"
            parser.error(line)
        parser = below.choices[word]
        at += 1


def unknown(parser: argparse.ArgumentParser, rest: Sequence[str], *, takes_text: bool) -> NoReturn:
    """End with one line about words that a command doesn't take; of the first option among them with the nearest."""
    option = next((each.partition("=")[0] for each in rest if each.startswith("-") and len(each) > 1), None)
    if option is None:
        ask = f"; to ask it as a question: lacie ask {shlex.join(rest)}" if parser.prog.endswith(" chat") else ""
        parser.error(f"takes no {shlex.join(rest)!r}{ask}")
    nearest = near(option, parser._option_string_actions)
    if takes_text and not nearest:
        nearest = f"; text that begins with a dash stands after --, as in: {parser.prog} -- {option} …"
    parser.error(f"there is no option {option}{nearest}")
