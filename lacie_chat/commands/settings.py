"""`lacie settings path|show|init|edit`: the settings file, without the chat."""

import argparse
import os
import subprocess
import sys

from rich.table import Table
from rich.text import Text

from lacie_chat import paths
from lacie_chat.commands.settled import add_answer_options, settings_of
from lacie_chat.console import make_console, show
from lacie_chat.errors import LacieError
from lacie_chat.loudness import note
from lacie_chat.printable import exact_json, printable
from lacie_chat.settings import OPTIONS, Held, Option, SettingsFile, as_toml, read_settings
from lacie_chat.streams import complain, print_path

WRONG = 2
_SHOWN = 60
"""Characters of a value that a terminal shows; elsewhere it is whole."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    actions.add_parser("path", help="where the file is")
    showing = actions.add_parser("show", help="every option, what holds, and who says so")
    add_answer_options(showing)
    showing.add_argument("--json", action="store_true", help="print one JSON object")
    actions.add_parser("init", help="write the file, every option explained in it and none set; never over another")
    actions.add_parser("edit", help="open the file in $VISUAL or $EDITOR, and check it afterwards")


def run(args: argparse.Namespace) -> int:
    """Do the one action that `args.action` names. Exit status 2 for a file that is wrong."""
    return {"path": _path, "show": _show, "init": _init, "edit": _edit}[args.action](args)


def _path(_: argparse.Namespace) -> int:
    print_path(paths.settings_path())
    return 0


def _init(_: argparse.Namespace) -> int:
    from lacie_chat.settings.writing import write_template

    path = paths.settings_path()
    if not write_template(path):
        raise LacieError(f"{path} is there already and stays as it is; lacie settings edit opens it")
    note(f"written: {path}")
    return 0


def _show(args: argparse.Namespace) -> int:
    file = args.settings_file = read_settings()
    settings = settings_of(args)
    held = settings.all_held()
    if args.json:
        print(exact_json(_object(file, held), indent=2))
        return _told(file)
    console = make_console()
    console.print(Text(f"{file.path}" if file.path.exists() else f"{file.path} (not there yet: lacie settings init)"))
    if not sys.stdout.isatty():
        for option in OPTIONS:
            each = held[option.name]
            print(printable(f"{option.name}  {each.source}  {value_text(option, each)}"))
        _show_tables(file)
        return _told(file)
    table = Table.grid(padding=(0, 2))
    for option in OPTIONS:
        each = held[option.name]
        dim = "dim" if each.source == "default" else ""
        text = value_text(option, each)
        value = Text(printable(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"), style=dim or "bold")
        # the value last: it may be long, and nothing stands behind it then
        table.add_row(Text(option.name, style=dim), Text(each.source, style="dim"), value)
    show(table)
    _show_tables(file)
    return _told(file)


def value_text(option: Option, held: Held) -> str:
    """A value on one line, as the file may have it; where nobody sets one, how it is chosen."""
    if held.value is None or (held.source == "default" and option.otherwise):
        return option.default_text
    return as_toml(held.value).replace("\n", "\\n").replace("\t", "\\t")


def _show_tables(file: SettingsFile) -> None:
    console = make_console()
    for name, values in file.presets.items():
        said = ", ".join(f"{option} {' '.join(str(value).split())}" for option, value in values.items())
        console.print(Text(printable(f"preset {name}: {said or 'sets nothing'}")))
    for name, keys in file.keys.items():
        console.print(Text(printable(f"keys of {name}: {keys}")))


def _object(file: SettingsFile, held: dict[str, Held]) -> dict[str, object]:
    return {
        "path": str(file.path),
        "options": {name: {"value": each.value, "from": each.source} for name, each in held.items()},
        "presets": {name: dict(values) for name, values in file.presets.items()},
        "keys": dict(file.keys),
        "problems": list(file.problems),
    }


def _told(file: SettingsFile) -> int:
    """Say on standard error what is wrong, a line each; the exit status."""
    from lacie_chat.tui.own_keys import wrong_keys

    problems = [*file.problems, *(f"{file.path}: {wrong}" for wrong in wrong_keys(file.keys))]
    for problem in problems:
        complain(f"lacie: {problem}")
    return WRONG if problems else 0


def _edit(_: argparse.Namespace) -> int:
    from lacie_chat.settings.writing import write_template
    from lacie_chat.tui.external_editor import editor_command

    path = paths.settings_path()
    command = [*editor_command(os.environ), str(path)]
    write_template(path)
    try:
        done = subprocess.run(command, check=False)
    except OSError as error:
        raise LacieError(f"{command[0]} can't be started: {error.strerror}") from error
    if done.returncode:
        raise LacieError(f"{command[0]} ended with {done.returncode}; the file is {path}")
    return _told(read_settings(path))
