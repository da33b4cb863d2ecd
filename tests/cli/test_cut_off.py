"""An answer that was cut off says so, wherever it is shown or counted; what was asked and what is only near is told
apart."""

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from odd import LACIE, redirected

from lacie_chat import cli
from lacie_chat.commands import ask as ask_command
from lacie_chat.commands.ask import cut_off_line
from lacie_chat.cut_off import count_cut_off, stopped_words, stored_words
from lacie_chat.engine import Finished, FinishReason
from lacie_chat.rows import read_rows

SEA = "Tell me a very long story about the sea."
GOES_ON = "; --max-tokens N lets it go on"


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, Any], str]:
    assert cli.main(["ask", *words, "--baseline", "--json"]) in (0, 3)
    shown = capsys.readouterr()
    return json.loads(shown.out), shown.err


def test_why_an_answer_ended_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    whole, _ = ask(capsys, "What is the capital of Japan?")
    assert whole["finish_reason"] == "stop"
    limited, _ = ask(capsys, SEA, "--max-tokens", "6")
    assert (limited["finish_reason"], limited["usage"]["completion_tokens"]) == ("length", 6)
    words = "--cut --context 256 --max-tokens 1000 --temperature 1 --seed 3".split()
    full, _ = ask(capsys, SEA * 20, *words)
    assert full["finish_reason"] == "context"
    assert full["usage"]["prompt_tokens"] + full["usage"]["completion_tokens"] == 256 + 1


def test_a_question_that_does_not_fit_is_cut_only_where_that_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["ask", "START " + SEA * 60 + " END", "--baseline", "--context", "256", "--max-tokens", "8"]
    assert cli.main(words) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert shown.err.startswith("lacie ask: This question is 6")
    assert "the model's context holds 256, of which 8 are kept for the answer" in shown.err
    assert "; --cut asks it without its middle (" in shown.err and "--context N makes" in shown.err
    assert cli.main([*words, "--cut"]) in (0, 3)
    shown = capsys.readouterr()
    assert shown.out.strip()
    assert "lacie: The question is longer than the model's context: " in shown.err
    assert " tokens of its middle were left out, from “" in shown.err


def test_in_words_it_stands_below_the_confidence_and_out_of_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", SEA, "--max-tokens", "6"]) in (0, 3)
    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1] == f"stopped at 6 tokens{GOES_ON}"
    assert "stopped" not in shown.out
    assert cli.main(["ask", "What is the capital of Japan?"]) == 0
    assert "stopped" not in capsys.readouterr().err


def test_compare_says_it_of_each_side(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", *SEA.split(), "--max-tokens", "5"]
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["left"]["finish_reason"] == found["right"]["finish_reason"] == "length"
    assert cli.main([*words, "--samples", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("stopped at 5 tokens") == 2, "under each side's answer"
    assert sum(line.endswith(" · stopped at 5 tokens") for line in lines) == 4, "and of each sample"


def test_evaluations_and_comparisons_count_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = tmp_path / "q.jsonl"
    asked = (("a", "What is the capital of Japan?"), ("b", SEA))
    rows = [{"id": key, "question": question, "answers": ["Tokyo"]} for key, question in asked]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["--questions", str(questions), "--max-tokens", "12", "--out"]
    assert cli.main(["evaluate", *words, str(tmp_path / "one")]) == 0
    assert ", cut off 1; " in capsys.readouterr().out
    assert json.loads((tmp_path / "one/metrics.json").read_text())["cut_off"] == 1
    reasons = {row["id"]: row["finish_reason"] for row in read_rows(tmp_path / "one/rows.jsonl")}
    assert reasons == {"a": "stop", "b": "length"}
    assert cli.main(["compare", *words, str(tmp_path / "two")]) == 0
    told = "cut off before their end: 1 answers of baseline, 1 of adapter (--max-tokens)"
    assert told in capsys.readouterr().out.splitlines()
    assert json.loads((tmp_path / "two/comparison.json").read_text())["cut_off"] == {"left": 1, "right": 1}
    assert f"- {told}" in (tmp_path / "two/report.md").read_text()


@pytest.mark.parametrize(
    ("reason", "longer", "line"),
    [
        ("stop", True, None),
        ("cancelled", True, None),
        ("length", True, f"stopped at 1,512 tokens{GOES_ON}"),
        ("context", True, "stopped at 1,512 tokens: the context is full; --context N makes it longer"),
        ("context", False, "stopped at 1,512 tokens: the context is full; a shorter question leaves more room"),
    ],
)
def test_what_lets_it_go_on(reason: FinishReason, longer: bool, line: str | None) -> None:
    assert cut_off_line(Finished(reason, 9, 0, 1512, 0.1, 0.1, 0.1), longer_context=longer) == line


def test_answers_from_before_are_told_by_their_length_and_not_counted() -> None:
    limit = {"sampling": {"max_tokens": 8}}
    assert stored_words({"completion_tokens": 8}, limit) == "stopped at 8 tokens"
    assert stored_words({"completion_tokens": 7}, limit) is None
    assert stored_words({"completion_tokens": 8, "finish_reason": "stop"}, limit) is None
    assert stored_words({"completion_tokens": 5, "finish_reason": "context"}, limit) == (
        "stopped at 5 tokens: the context is full"
    )
    assert stored_words(None, {}) is None
    assert stopped_words("length", 1) == "stopped at 1 token"
    assert count_cut_off([{"finish_reason": "stop"}, {"finish_reason": "context"}]) == 1
    assert count_cut_off([{"finish_reason": "length"}, {}]) is None


# -- whose standard input is read ---------------------------------------------------------------------------------


def test_a_silent_standard_input_is_waited_for_by_nobody() -> None:
    """What never writes and never closes: a service's, `sleep 60 |`."""
    reader, writer = os.pipe()
    try:
        words = [LACIE, "ask", "What is the capital of Japan?"]
        done = subprocess.run(words, stdin=reader, capture_output=True, timeout=120, check=False)
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode == 0 and b"Tokyo" in done.stdout


def test_a_loop_keeps_its_input() -> None:
    loop = 'while read line; do "$0" ask "$line" --max-tokens 1; echo " to $line"; done'
    asked = b"Hello\nHi\nGood day\n"
    done = subprocess.run(["bash", "-c", loop, LACIE], input=asked, capture_output=True, timeout=180, check=False)
    assert [line.partition(" to ")[2] for line in done.stdout.decode().splitlines() if " to " in line] == [
        *("Hello", "Hi", "Good day"),
    ]


def test_closed_streams_cost_no_answer() -> None:
    ran = redirected("<&- 2>&-", "ask", "What is the capital of Japan?")
    assert ran.status == 0 and "Tokyo" in ran.out
    ran = redirected("<&- >&-", "ask", "What is the capital of Japan?")
    assert ran.status == 1
    assert ran.lines == ["lacie: can't write to standard output (Bad file descriptor)"]


@pytest.mark.parametrize(
    ("words", "piped", "question"),
    [
        (["ask"], b"Who?\n", "Who?"),
        (["ask", "-"], b"Who?\n", "Who?"),
        (["ask", "What", "is", "this?"], b"left alone", "What is this?"),
        (["ask", "What is this?", "-"], b"A ship.\n", "What is this?\n\nA ship."),
        (["ask", "-", "What is this?"], b"A ship.\n", "A ship.\n\nWhat is this?"),
        (["ask", "What", "is", "5", "-", "3?"], b"left alone", "What is 5 - 3?"),
        (["ask", "What is this?", "-"], b"", "What is this?"),
        (["ask", "--json", "What", "is", "--seed", "1", "this?", "-"], b"A ship.\n", "What is this?\n\nA ship."),
    ],
)
def test_where_the_dash_stands(words: list[str], piped: bytes, question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped)))
    monkeypatch.setattr(ask_command, "run", lambda args: asked.append(ask_command.read_question(args.question)) or 0)
    assert cli.main(words) == 0
    assert asked == [question]


@pytest.mark.parametrize("words", [["ask", "Who?", "--jsn"], ["ask", "Who?", "--json", "it", "-x"], ["doctor", "x"]])
def test_what_no_command_knows_is_still_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "there is no option" in said or "takes no 'x'" in said
