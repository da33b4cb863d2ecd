"""What `--help` shows to type: every command has examples, and the parser takes each of them."""

import re
import shlex
import sys
from collections.abc import Iterator

import pytest
from odd import on_terminal

from lacie_chat import cli
from lacie_chat.commands.examples import EXAMPLES, lines_of
from lacie_chat.commands.parsing import every_parser

OPERATORS = "|&;<>"


def commands(line: str) -> Iterator[list[str]]:
    """The words after `lacie` of each command in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=OPERATORS)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word[0] in OPERATORS:
            if words and words[0] == "lacie":
                yield words[1:]
            words = []
        else:
            words.append(word)


def leaves() -> list[str]:
    """Every command and each of its actions, by the words that lead there."""
    found = [""]
    for command in cli.COMMANDS:
        found += [
            " ".join(path) for path, _ in every_parser(cli.build_parser(command.name)) if path[:1] == (command.name,)
        ]
    return found


def test_every_command_and_action_has_examples_and_nothing_else_has() -> None:
    assert sorted(EXAMPLES) == sorted(leaves())
    assert {path: len(lines_of(path)) for path in EXAMPLES if not 2 <= len(lines_of(path)) <= 4} == {}


@pytest.mark.parametrize(("path", "line"), [(path, line) for path in EXAMPLES for line in lines_of(path)])
def test_an_example_is_taken_by_the_command_that_shows_it(path: str, line: str) -> None:
    found = list(commands(line))
    assert found
    for given in found:
        words = cli.in_order(given)
        args = cli.parsed(words)
        named = args.parser.prog.removeprefix("lacie ")
        assert not path or named.startswith(path)
        assert getattr(args, "question", None) is None or args.question or args.questions


@pytest.mark.parametrize("path", list(EXAMPLES))
def test_help_shows_them_whole(path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    with pytest.raises(SystemExit) as ended:
        cli.main([*path.split(), "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.endswith("examples:\n" + "".join(f"  {line}\n" for line in lines_of(path)))


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("command", [each.name for each in cli.COMMANDS])
def test_help_keeps_to_the_width(
    command: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    told = capsys.readouterr().out.partition("examples:")[0]
    assert max(len(line) for line in told.splitlines()) <= columns
    assert re.match(rf"usage: lacie {command} \[OPTIONS\]", told)


def test_help_is_asked_for_in_two_ways(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in (["help", "models", "pull"], ["models", "pull", "--help"]):
        with pytest.raises(SystemExit):
            cli.main(words)
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] and "lacie models pull hf.co/" in shown[0]


def test_help_in_a_terminal_is_of_its_width() -> None:
    shown = on_terminal("models", "--help", TERM="xterm").out.splitlines()
    assert any("remove" in line for line in shown) and max(map(len, shown)) <= 80


def test_top_help_loads_no_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for command in cli.COMMANDS:
        monkeypatch.delitem(sys.modules, command.module, raising=False)
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "examples:" in capsys.readouterr().out
    assert not {command.module for command in cli.COMMANDS} & set(sys.modules)
