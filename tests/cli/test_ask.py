"""`lacie ask` as a script would use it: the installed command, the embedded model, real pipes."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fitted import calibrator

from lacie_chat.commands.ask import add_arguments, calibrate_advice, under_the_bound
from lacie_chat.commands.settled import fill
from lacie_chat.confidence import ASSESSMENT_VERSION, Assessment, Span
from lacie_chat.models import keep_calibrator

LACIE = str(Path(sys.executable).with_name("lacie"))

TOKYO = Assessment(
    question="What is the capital of Japan?",
    response="Tokyo.",
    state="answered",
    answer_span=Span("Tokyo", 0, 5),
    masked_response="[X].",
    acceptance=0.8,
    p_right=None,
    hedges=(),
    boosters=(),
)


def lacie(
    *words: str, stdin: bytes | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the installed `lacie`; without `stdin`, nothing is piped in."""
    return subprocess.run(
        [LACIE, *words],
        input=b"" if stdin is None else stdin,
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=120,
        check=False,
    )


def one_line(run: subprocess.CompletedProcess[bytes]) -> str:
    """The one line of a failure: nothing on standard output, no traceback."""
    text = run.stderr.decode()
    assert run.stdout == b""
    assert len(text.strip().splitlines()) == 1, text
    return text.strip()


def test_json_is_the_object_of_the_design() -> None:
    run = lacie("ask", "What is the capital of Japan?", "--json", "--baseline")
    assert run.returncode == 0, run.stderr.decode()
    found = json.loads(run.stdout)
    assert set(found) == {
        *("question", "response", "answer_span", "answer_offsets", "state", "acceptance", "confidence", "hedges"),
        *("boosters", "masked_response", "assessment_version", "signals", "model", "adapter", "usage", "timings"),
        *("p_right", "verdict", "finish_reason", "reasoning", "sampling", "system_prompt", "preset"),
    }
    made = {name: found["sampling"][name] for name in ("temperature", "top_p", "top_k", "seed", "max_tokens")}
    assert made == {"temperature": 0.2, "top_p": 0.95, "top_k": 40, "seed": 0, "max_tokens": 512}
    assert (found["system_prompt"], found["preset"]) == (None, None)
    assert found["assessment_version"] == ASSESSMENT_VERSION
    assert found["question"] == "What is the capital of Japan?"
    assert "Tokyo" in found["response"]
    assert found["answer_span"] == "Tokyo"
    assert "Tokyo" not in found["masked_response"]
    assert found["state"] == "answered"
    assert 0 <= found["acceptance"] <= 1
    assert found["confidence"] == {"value": found["p_right"], "kind": "calibrated"}
    assert found["p_right"] > 0.6 and found["verdict"] == "sounds about right"
    assert found["signals"]["span_sum"] <= found["signals"]["span_lowest"] <= 0
    assert 0 < found["signals"]["span_tokens"] < found["signals"]["tokens"]
    assert found["model"] == "embedded"
    assert found["adapter"] is None
    assert found["usage"]["completion_tokens"] > 0
    assert found["timings"]["time_to_first_token"] > 0
    for span in found["hedges"] + found["boosters"]:
        assert found["response"][span["start"] : span["end"]] == span["text"]


def test_question_through_a_pipe_gives_the_same_answer_as_an_argument() -> None:
    piped = lacie("ask", "--json", stdin=b"What is the capital of Japan?\n")
    given = lacie("ask", "What is the capital of Japan?", "--json")
    assert piped.returncode == given.returncode == 0
    first, second = json.loads(piped.stdout), json.loads(given.stdout)
    assert first["response"] == second["response"]
    assert first["acceptance"] == second["acceptance"]


def test_answer_alone_goes_to_standard_output_in_a_pipe() -> None:
    run = lacie("ask", "What is the capital of Japan?")
    assert "Tokyo" in run.stdout.decode()
    assert "▰" not in run.stdout.decode()
    assert "▰" in run.stderr.decode()


def test_min_confidence_cuts_on_p_right_where_there_is_one_else_on_acceptance(embedded_model: Path) -> None:
    words = ("ask", "What is the capital of Japan?", "--baseline", "--json")
    greedy = (*words, "--temperature", "0")  # of that no calibrator knows anything
    assert lacie(*greedy, "--min-confidence", "0").returncode == 0
    cut = lacie(*greedy, "--min-confidence", "1")
    assert cut.returncode == 3
    acceptance = json.loads(cut.stdout)["acceptance"]
    assert cut.stderr.decode().endswith(
        f"lacie ask: acceptance is {acceptance:.3f}, under --min-confidence 1 (this answer has no P(right))\n"
    )
    keep_calibrator(calibrator(-3.0, acceptance=0.01), embedded_model)  # says .05 of whatever is asked
    cut = lacie(*words, "--min-confidence", "0.5")
    found = json.loads(cut.stdout)
    assert cut.returncode == 3 and found["acceptance"] > 0.5 > found["p_right"]
    assert found["verdict"] == "sounds surer than it is"
    assert cut.stderr.decode() == f"lacie ask: P(right) is {found['p_right']:.3f}, under --min-confidence 0.5\n"
    assert lacie(*words, "--min-confidence", "0.01").returncode == 0
    said = lacie(*words[:-1]).stderr.decode()
    assert "right about 1 in 20 (5\u00a0%) · sounds surer than it is" in said


@pytest.mark.parametrize(
    ("said", "bound", "line"),
    [
        ({"p_right": 0.7}, 0.7, None),
        ({"p_right": 0.69}, 0.7, "P(right) is 0.690, under --min-confidence 0.7"),
        ({}, 0.8, None),
        ({}, 0.9, "acceptance is 0.800, under --min-confidence 0.9 (this answer has no P(right))"),
        ({"state": "abstained", "answer_span": None}, 0.0, "the model declines to answer: nothing to hold against"),
        ({"state": "no_claim", "answer_span": None}, 0.0, "the answer claims nothing: nothing to hold against"),
    ],
)
def test_what_is_under_the_bound_and_which_figure_it_was(said: dict[str, Any], bound: float, line: str | None) -> None:
    found = under_the_bound(replace(TOKYO, **said), bound)
    assert found == line or (line is not None and found is not None and found.startswith(line))


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ([], None),
        (["--baseline"], "lacie: for this speaker: lacie calibrate --baseline"),
        (["--model", "my models/a.gguf"], "lacie: for this speaker: lacie calibrate --model 'my models/a.gguf'"),
        (
            ["--model", "a.gguf", "--adapter", "b"],
            "lacie: for this speaker: lacie calibrate --model a.gguf --adapter b",
        ),
    ],
)
def test_the_advice_names_what_was_asked_for(words: list[str], advice: str | None) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(["Who?", *words])
    fill(args)
    assert calibrate_advice(args, TOKYO) == advice
    assert calibrate_advice(args, replace(TOKYO, p_right=0.5)) is None
    assert calibrate_advice(args, replace(TOKYO, answer_span=None)) is None


@pytest.mark.parametrize("stdin", [b"", b"  \n\t "])
def test_an_empty_question_is_wrong_usage(stdin: bytes) -> None:
    run = lacie("ask", stdin=stdin)
    assert run.returncode == 2
    assert "empty" in one_line(run)


def test_a_pipe_that_is_no_utf8_is_named() -> None:
    run = lacie("ask", stdin="Où est né Molière ?".encode("latin-1"))
    assert run.returncode == 1
    assert "UTF-8" in one_line(run)
    assert "0xf9" in one_line(run)


def test_no_such_model() -> None:
    run = lacie("ask", "Hello?", "--model", "/nowhere/model.gguf")
    assert run.returncode == 1
    assert "/nowhere/model.gguf" in one_line(run)


def test_files_that_are_no_models(tmp_path: Path, embedded_model: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("this is no model\n" * 1000)
    truncated = tmp_path / "half.gguf"
    truncated.write_bytes(embedded_model.read_bytes()[: 40 << 20])
    for path, word in ((text, "GGUF"), (truncated, "incomplete"), (tmp_path, "folder")):
        run = lacie("ask", "Hello?", "--model", str(path))
        assert run.returncode == 1
        line = one_line(run)
        assert str(path) in line
        assert word in line


def test_a_question_longer_than_the_context_is_cut_and_said() -> None:
    run = lacie("ask", "--max-tokens", "8", "--context", "512", "--cut", stdin=b"What is the capital of Japan? " * 400)
    assert run.returncode in (0, 3), run.stderr.decode()
    assert "longer than the model's context" in run.stderr.decode()
    assert run.stdout.strip()


@pytest.mark.parametrize("value", ["2", "-0.1", "often", "nan"])
def test_a_bound_that_is_no_probability_is_wrong_usage(value: str) -> None:
    run = lacie("ask", "Hello?", f"--min-confidence={value}")
    assert run.returncode == 2
    assert "is not a number from 0 to 1" in run.stderr.decode()


def test_markup_in_the_question_is_only_text() -> None:
    run = lacie("ask", "What does [bold] mean, and [/tmp/x]?", "--json", "--max-tokens", "8")
    assert json.loads(run.stdout)["question"] == "What does [bold] mean, and [/tmp/x]?"


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    run = subprocess.run(
        ["bash", "-c", f'"{LACIE}" ask "Tell me about the sea." --max-tokens 60 | head -c 5'],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert len(run.stdout) == 5
    assert b"Traceback" not in run.stderr


TWO = "Who wrote Pride and Prejudice? Tell me a bit about the book."
"""This model answers in several sentences."""


def test_sentences_and_agreement_are_there_when_asked_for() -> None:
    run = lacie("ask", TWO, "--json", "--sentences", "--agreement", "2", "--max-tokens", "60")
    assert run.returncode == 0, run.stderr.decode()
    found = json.loads(run.stdout)
    assert len(found["sentences"]) > 1
    for sentence in found["sentences"]:
        assert set(sentence) == {"text", "start", "end", "acceptance"}
        assert found["response"][sentence["start"] : sentence["end"]] == sentence["text"]
        assert 0 <= sentence["acceptance"] <= 1
    assert found["agreement"]["k"] == 2
    assert found["agreement"]["value"] in (0, 0.5, 1)
    again = lacie("ask", TWO, "--json", "--sentences", "--agreement", "2", "--max-tokens", "60")
    assert json.loads(again.stdout)["agreement"] == found["agreement"], "the seeds are fixed"
    assert json.loads(again.stdout)["sentences"] == found["sentences"]


def test_where_there_are_none_they_are_null() -> None:
    found = json.loads(lacie("ask", "hello", "--json", "--sentences", "--agreement", "1", "--max-tokens", "12").stdout)
    assert found["sentences"] is None
    assert found["agreement"] is None


def test_in_words_they_stand_on_and_above_the_confidence_line() -> None:
    run = lacie("ask", TWO, "--sentences", "--agreement", "1", "--max-tokens", "60")
    *sentences, line, cut = [each for each in run.stderr.decode().splitlines() if "is not used: " not in each]
    assert cut.startswith("stopped at 60 tokens")
    assert len(sentences) > 1 and all("%" in sentence for sentence in sentences)
    assert " of 1 sample agree" in line
    assert "%" not in run.stdout.decode()


@pytest.mark.parametrize("value", ["21", "-1", "many"])
def test_a_number_of_samples_that_is_none_is_wrong_usage(value: str) -> None:
    run = lacie("ask", "Hello?", f"--agreement={value}")
    assert run.returncode == 2
    assert "a whole number from 0 to 20" in run.stderr.decode()
