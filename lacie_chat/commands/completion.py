"""`lacie completion SHELL`: what a shell needs to complete commands, options, models, conversations and recipes.

The script that is printed is small and never goes stale: at each tab it asks `lacie` itself, by argcomplete's protocol
(`_ARGCOMPLETE` in the environment). Nothing is loaded for that but the parser of the command that stands there; what is
offered is read from names on the disk and from the history, and where that can't be read nothing is offered.
"""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from lacie_chat.commands.parsing import LOUDNESS, every_parser
from lacie_chat.errors import LacieError
from lacie_chat.loudness import note
from lacie_chat.printable import printable
from lacie_chat.settings import BY_NAME, read_settings

PLACES = {
    "bash": "~/.local/share/bash-completion/completions/lacie",
    "zsh": "~/.zfunc/_lacie",
    "fish": "~/.config/fish/completions/lacie.fish",
}
"""Shell -> the file in which it looks for what completes `lacie` (zsh: if the folder is in its fpath)."""
_MODELS = ("model", "ref", "base")
_SIDES = ("left", "right")
_ADAPTERS = ("adapter",)
_IDS = ("id", "resume")
_RECIPES = ("lacie_training.recipes.files:available", "lacie_training.recipes.files:available_listeners")
_NEWEST = 200
"""Conversations that are offered."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie completion`."""
    parser.add_argument("shell", choices=list(PLACES), metavar="SHELL", help="bash, zsh or fish")


def run(args: argparse.Namespace) -> int:
    """Print the shell's part; on a terminal, where it is of no use, also say where it belongs."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["lacie"], shell=args.shell).strip())
    if sys.stdout.isatty():
        note(f"to set it up: lacie completion {args.shell} > {PLACES[args.shell]}")
    return 0


def answer_shell(build: Callable[[str], argparse.ArgumentParser]) -> None:
    """Say what could stand where the cursor is, and end the process. `build` makes the parser for a command."""
    import argcomplete
    from argcomplete.completers import SuppressCompleter
    from argcomplete.lexers import split_line

    _, begun, _, words, _ = split_line(os.environ.get("COMP_LINE", ""), int(os.environ.get("COMP_POINT", "0")))
    before = [word for word in words[1:] if word not in LOUDNESS]
    parser = build(before[0] if before else "")
    if (before[0] if before else begun).startswith("-"):
        parser = _bare(build)
    for _, each in every_parser(parser):
        for action in each._actions:
            offer = _offer(each.prog, action)
            if offer is not None:
                action.completer = _harmless(offer)
    argcomplete.autocomplete(parser, always_complete_options="long", default_completer=SuppressCompleter())


def _harmless(offer: Callable[..., Any]) -> Callable[..., Any]:
    """What it offers, but nothing with a control or format character in it: shells show it as it is."""

    def offered(**asked: Any) -> dict[str, str]:
        found = offer(**asked)
        about = found if isinstance(found, dict) else dict.fromkeys(found, "")
        return {each: printable(text) for each, text in about.items() if each == printable(each)}

    return offered


def _bare(build: Callable[[str], argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The parser of `chat`, of which the command may be left out."""
    chat: argparse.ArgumentParser = next(parser for path, parser in every_parser(build("chat")) if path == ("chat",))
    chat.prog = "lacie"
    chat.add_argument("--version", action="store_true", help="which version this is")
    return chat


def _offer(prog: str, action: argparse.Action) -> Callable[..., Any] | None:
    """What completes an argument; None where argparse's choices, or nothing, will do."""
    from argcomplete.completers import FilesCompleter

    if action.choices is not None or action.nargs == 0:
        return None
    if prog.startswith(("lacie train", "lacie export")):
        return _recipes(_RECIPES[prog.endswith(" listener")]) if action.dest == "recipe" else FilesCompleter()
    if action.dest in _MODELS:
        return _models
    if action.dest in _SIDES:
        return _sides
    if action.dest in _ADAPTERS:
        return _adapters
    if action.dest == "preset":
        return _presets
    if (option := BY_NAME.get(action.dest)) is not None:
        return lambda **_: list(option.kind.choices)
    if action.dest in _IDS:
        return _deleted if prog.endswith(" restore") else _conversations
    if action.dest in ("question", "text", "query", "person") or (action.type is not None and action.metavar == "N"):
        return lambda **_: []
    return FilesCompleter()


def _models(prefix: str = "", **_: Any) -> dict[str, str]:
    """REF -> name, of what is on this machine, and of the catalogue for what fetches; files where a path begins."""
    from lacie_chat.models import catalogue, local_models

    try:
        found = {model.ref: model.name for model in local_models() if not model.is_adapter}
    except LacieError:
        found = {}
    if prefix:  # a name that is begun may be one to fetch
        found |= {entry.ref: entry.name for entry in catalogue() if entry.ref not in found}
    return found | _files(prefix)


def _adapters(prefix: str = "", **_: Any) -> dict[str, str]:
    from lacie_chat.models import local_models

    try:
        found = {model.ref: model.name for model in local_models() if model.is_adapter}
    except LacieError:
        found = {}
    return {"embedded": "LACIE"} | found | _files(prefix)


def _sides(prefix: str = "", **_: Any) -> dict[str, str]:
    """Of a comparison: a model, and after a plus an adapter for it."""
    model, plus, adapter = prefix.partition("+")
    if not plus:
        return {"baseline": "the --model alone", "adapter": "with the --adapter"} | _models(prefix)
    return {f"{model}+{ref}": name for ref, name in ({"none": "no adapter"} | _adapters(adapter)).items()}


def _files(prefix: str) -> dict[str, str]:
    from argcomplete.completers import FilesCompleter

    return dict.fromkeys(FilesCompleter(allowednames=("gguf", "GGUF"))(prefix), "")


def _conversations(**_: Any) -> dict[str, str]:
    return _conversations_that("")


def _deleted(**_: Any) -> dict[str, str]:
    return _conversations_that("is:deleted")


def _conversations_that(query: str) -> dict[str, str]:
    """Id -> title, newest first."""
    from lacie_chat.conversations import Store, parse_query
    from lacie_chat.paths import database_path

    try:
        if not database_path().exists():
            return {}
        with Store.open() as store:
            return {row.id: row.title for row in store.list_conversations(_NEWEST, query=parse_query(query))}
    except LacieError:
        return {}


def _presets(**_: Any) -> list[str]:
    try:
        return list(read_settings().presets)
    except LacieError:
        return []


def _recipes(of: str) -> Callable[..., list[str]]:
    """The names in a module's function, and files; the training stands above the chat, so it is loaded by name."""
    module, _, function = of.partition(":")

    def offer(prefix: str = "", **_: Any) -> list[str]:
        from argcomplete.completers import FilesCompleter

        try:
            names = getattr(import_module(module), function)()
        except ImportError:  # the extra isn't there
            return []
        return [*names, *FilesCompleter(allowednames=("yaml", "yml"))(prefix)]

    return offer
