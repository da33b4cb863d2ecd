"""Thoughts at the command line: apart from the answer, on or off, and no figure for one that came to no end."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest
from fitted import calibrator
from thinking_copies import ENDS, SHOWS, thinking_copy

from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.engine import Sampling
from lacie_chat.models import keep_calibrator, look_for_calibrator
from lacie_chat.rows import read_rows

QUESTION = "What is the capital of France?"


@pytest.fixture(scope="module")
def shows(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return thinking_copy(embedded_model, tmp_path_factory.mktemp("shows") / "shows.gguf", SHOWS)


@pytest.fixture(scope="module")
def ends(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return thinking_copy(embedded_model, tmp_path_factory.mktemp("ends") / "ends.gguf", ENDS)


def lacie(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lacie_chat", *words]
    return subprocess.run(command, input="", capture_output=True, text=True, env=os.environ, timeout=180, check=False)


def asked(model: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    run = lacie("ask", QUESTION, "--model", str(model), "--temperature", "0", "--json", *words)
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout), run.stderr


def test_json_has_the_thought_apart(shows: Path) -> None:
    status, found, _ = asked(shows)
    assert status == 0 and found["response"] == "It is Paris." and found["answer_span"] == "Paris"
    assert found["reasoning"] == "They ask for a capital. I know that one."
    assert 0 < found["usage"]["reasoning_tokens"] < found["usage"]["completion_tokens"]
    plain, without, _ = asked(shows, "--reasoning", "off")
    assert plain in (0, 3) and without["reasoning"] is None


def test_a_pipe_gets_the_answer_alone(shows: Path) -> None:
    run = lacie("ask", QUESTION, "--model", str(shows), "--temperature", "0", "--reasoning", "30")
    assert run.returncode == 0 and run.stdout == "It is Paris.\n"
    assert "They ask" not in run.stderr and "thought" not in run.stderr


def test_an_unfinished_thought_has_no_figure(ends: Path) -> None:
    status, found, said = asked(ends)
    assert status == 1 and "still thinking" in said and len(said.strip().splitlines()) == 1
    assert found["response"] == "" and found["acceptance"] is found["p_right"] is found["confidence"] is None
    assert "Paris" in found["reasoning"] and found["usage"]["reasoning_open"] is True
    run = lacie("ask", QUESTION, "--model", str(ends), "--temperature", "0")
    assert run.returncode == 1 and run.stdout.strip() == "" and "still thinking" in run.stderr


def test_a_bad_choice_is_wrong_usage_and_one_without_effect_is_said(embedded_model: Path) -> None:
    for bad in ("maybe", "-5", "1.5"):
        run = lacie("ask", QUESTION, f"--reasoning={bad}")
        assert run.returncode == 2 and "is not on, off or a whole number of 0 or more" in run.stderr
    status, found, said = asked(embedded_model, "--reasoning", "on")
    assert status == 0 and "knows no thinking" in said and found["reasoning"] is None


def test_both_sides_of_a_comparison_have_their_thoughts(shows: Path, embedded_model: Path) -> None:
    run = lacie(
        *("compare", QUESTION, "--left", str(shows), "--right", str(embedded_model), "--temperature", "0", "--json")
    )
    found = json.loads(run.stdout)
    assert found["left"]["reasoning"] and found["left"]["response"] == "It is Paris."
    assert found["right"]["reasoning"] is None


def test_rows_of_an_evaluation_have_the_thought(shows: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"id": "1", "question": QUESTION, "answers": ["Paris"]}) + "\n")
    run = lacie(
        *("evaluate", "--model", str(shows), "--questions", str(questions), "--out", str(tmp_path / "out")),
        *("--temperature", "0", "--agreement", "2", "--reasoning", "40"),
    )
    assert run.returncode == 0, run.stderr
    [row] = read_rows(tmp_path / "out" / "rows.jsonl")
    assert row["response"] == "It is Paris." and row["correct"] is True
    assert row["reasoning"] == "They ask for a capital. I know that one."
    assert row["sampling"]["reasoning"] == 40
    assert row["agreement"]["k"] == 2 and row["agreement"]["value"] > 0  # no sample that is a thought agrees
    assert 0 < row["usage"]["reasoning_tokens"] < row["usage"]["completion_tokens"]


def test_a_calibrator_knows_whether_its_answers_were_thought_about(embedded_model: Path) -> None:
    thought = WayOfDrawing.of(Sampling(reasoning="on"))
    keep_calibrator(calibrator(), embedded_model)
    assert look_for_calibrator(embedded_model, None, WayOfDrawing.of(Sampling()))[0] is not None
    found, why = look_for_calibrator(embedded_model, None, thought)
    assert found is None and "reasoning as the model does, not on" in why
    keep_calibrator(calibrator(sampling=thought), embedded_model)
    kept, _ = look_for_calibrator(embedded_model, None, thought)
    assert kept is not None and kept.sampling.reasoning == "on"
    assert look_for_calibrator(embedded_model, None, WayOfDrawing.of(Sampling(reasoning=200)))[0] is None
    assert "reasoning" not in calibrator().to_dict()["sampling"]
    assert Calibrator.from_dict(kept.to_dict()) == kept
    with pytest.raises(ValueError, match="'reasoning' is on, off or a number"):
        WayOfDrawing.from_dict({**thought.to_dict(), "reasoning": "often"})


def test_a_terminal_shows_a_thought_in_one_line(shows: Path) -> None:
    command = ["-m", "lacie_chat", "ask", QUESTION, "--model", str(shows), "--temperature", "0"]
    child = pexpect.spawn(
        sys.executable, command, dimensions=(24, 80), env={**os.environ, "TERM": "xterm"}, timeout=120
    )
    child.expect(pexpect.EOF)
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(child.before)
    lines = [line.rstrip() for line in screen.display if line.strip()]
    assert re.fullmatch(r"thought for \d+\.\d s", lines[0]) and lines[1] == "It is Paris.", lines
    assert b"thinking 0 s  " in child.before and "They ask" not in "".join(lines)
