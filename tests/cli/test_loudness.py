"""`--quiet` and `--verbose`: what is said beside the result, and that errors are said in any case."""

import json
import re
from pathlib import Path

import pytest
from odd import on_terminal, redirected

from lacie_chat import cli, loudness, progress
from lacie_chat.commands.parsing import every_parser, subcommands
from lacie_chat.conversations import Store

QUESTION = ("What is the capital of Japan?", "--max-tokens", "12")


def test_every_command_and_action_has_both() -> None:
    for command in cli.COMMANDS:
        for path, parser in every_parser(cli.build_parser(command.name)):
            if path[:1] == (command.name,) and subcommands(parser) is None:
                for option in ("--quiet", "-q", "--verbose", "-v"):
                    assert option in parser._option_string_actions, f"{path}: {option}"


def test_they_exclude_each_other() -> None:
    ran = redirected("", "history", "list", "-q", "-v")
    assert ran.status == 2 and len(ran.lines) == 1 and "not allowed with" in ran.lines[0]


def test_a_quiet_answer_is_the_answer_alone(embedded_model: Path) -> None:
    usual, quiet = redirected("", "ask", *QUESTION), redirected("", "--quiet", "ask", *QUESTION)
    assert usual.status == quiet.status == 0
    assert "Tokyo" in quiet.out and quiet.out == usual.out
    assert usual.lines and not quiet.lines
    on_screen = on_terminal("ask", "-q", *QUESTION, TERM="xterm").out
    assert "Tokyo" in on_screen and "right about" in on_screen, "on a terminal the line is a part of what was asked for"


def test_a_verbose_answer_comes_with_the_engines_log_and_timings(embedded_model: Path) -> None:
    ran = redirected("", "ask", "-v", *QUESTION)
    assert ran.status == 0 and "Tokyo" in ran.out and "llama" not in ran.out
    assert any(line.startswith("llama_model_loader:") for line in ran.lines)
    assert any(re.fullmatch(r"lacie: \d+ tokens read in [\d.]+ s, \d+ written in [\d.]+ s( \(\d+ a second\))?", line)
               for line in ran.lines)  # fmt: skip
    assert re.fullmatch(r"lacie: [\d.]+ s in all", ran.lines[-1])
    assert json.loads(redirected("", "ask", "-v", "--json", *QUESTION).out)["response"]


def test_the_log_is_of_this_command_alone(embedded_model: Path) -> None:
    def loads() -> int:
        return sum("general.architecture" in line for line in redirected("", "ask", "-v", *QUESTION).lines)

    assert loads() == loads() > 0, "the first one's is in the file by now, and isn't told again"


@pytest.mark.parametrize(
    "words",
    [["history", "show", "zzzz"], ["ask"], ["models", "info", "/nowhere/x.gguf"], ["train", "judge", "--recipe", "x"]],
)
def test_errors_are_said_to_the_quiet_too(words: list[str]) -> None:
    usual, quiet = redirected("", *words), redirected("", *words, "--quiet")
    assert usual.status == quiet.status != 0
    assert usual.lines == quiet.lines and len(quiet.lines) == 1


def test_notes_are_left_out(data_dir: Path) -> None:
    assert redirected("", "history", "list").lines == ["no conversations yet"]
    assert redirected("", "history", "list", "-q").lines == []
    with Store.open() as store:
        made = store.create_conversation("embedded", title="to go").id
    gone = redirected("", "history", "delete", made, "--yes", "-q")
    assert (gone.status, gone.out, gone.lines) == (0, "", [])


def test_progress_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> str:
        with progress.progress("work", 2, "pieces") as advance:
            advance(2)
        with progress.step("step", 1) as show:
            show(1)
        line = progress.DownloadLine()
        line(0.5, "fetching")
        line.close()
        return capsys.readouterr().err

    try:
        loudness.settle(quiet=False, verbose=False)
        assert [line.partition(":")[0] for line in work().splitlines()][:2] == ["work", "work"]
        loudness.settle(quiet=True, verbose=False)
        assert work() == ""
    finally:
        loudness.settle(quiet=False, verbose=False)
