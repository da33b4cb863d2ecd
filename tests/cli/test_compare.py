"""`lacie compare` through the command: the embedded model against itself with an adapter, and every refusal."""

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fitted import calibrator
from random_adapter import write_random_adapter

from lacie_chat import cli
from lacie_chat.commands.settled import fill
from lacie_chat.commands.sides import add_side_arguments, find_sides, side_refs
from lacie_chat.comparison import compare_assessments
from lacie_chat.confidence import ASSESSMENT_VERSION, Assessment, Calibrator
from lacie_chat.engine.settings import Sampling
from lacie_chat.errors import LacieError
from lacie_chat.models import calibrator_path, keep_calibrator

QUESTION = "What is the capital of Japan?"
SHORT = ["--max-tokens", "10"]


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_adapter(tmp_path_factory.mktemp("adapter") / "random-LoRA.gguf")


@pytest.fixture(scope="module")
def other_model(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model with a few weights of its last tensor changed: another model for all that anyone can tell."""
    data = bytearray(embedded_model.read_bytes())
    data[-64:-56] = bytes(8)
    path = tmp_path_factory.mktemp("model") / "other.gguf"
    path.write_bytes(data)
    return path


def run_json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: str, status: int = 1) -> str:
    """The one line of a refusal."""
    assert cli.main(["compare", *words]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1, shown.err
    return shown.err.strip()


def test_ask_draws_as_the_chat_does_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["ask", "Tell me about the sea.", "--baseline", "--max-tokens", "40", "--seed", "1"]
    by_default = run_json(capsys, *words)["response"]
    assert by_default == run_json(capsys, *words, "--temperature", "0.2")["response"]
    assert by_default != run_json(capsys, *words, "--temperature", "0")["response"]


def test_each_side_answers_as_ask_does_and_the_difference_is_theirs(
    adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_json(capsys, "compare", "Tell me about the sea.", "--adapter", str(adapter), *SHORT)
    assert set(found) == {"left", "right", "difference", "samples", "sampling", "listener"}
    assert (found["left"]["adapter"], found["right"]["adapter"]) == (None, str(adapter))
    assert found["sampling"] == {"samples": 1, "temperature": 0.2, "seed": 0, "max_tokens": 10}
    alone = run_json(capsys, "ask", "Tell me about the sea.", "--baseline", *SHORT)
    adapted = run_json(capsys, "ask", "Tell me about the sea.", "--adapter", str(adapter), *SHORT)
    assert alone["response"] != adapted["response"]
    for side, asked in (("left", alone), ("right", adapted)):
        assert set(found[side]) == set(asked)
        for key in ("question", "response", "acceptance", "state", "answer_span", "hedges", "boosters", "model"):
            assert found[side][key] == asked[key], key
        for key in ("p_right", "verdict", "signals", "sampling", "system_prompt", "preset"):
            assert found[side][key] == asked[key], key
    expected = compare_assessments(Assessment.from_dict(alone), Assessment.from_dict(adapted))
    summary = expected.summary("baseline", "adapter")
    assert found["difference"] == {**json.loads(json.dumps(expected.to_dict())), "summary": summary}
    assert found["samples"] == {"left": [found["left"]], "right": [found["right"]]}


HOW = ("--system", "Be brief.", "--top-p", "0.5", "--top-k", "3", "--min-p", "0.1", "--repeat-penalty", "1.2")


def test_both_sides_are_told_and_drawn_as_the_flags_say(adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "compare", QUESTION, "--adapter", str(adapter), *HOW, *SHORT)
    asked = run_json(capsys, "ask", QUESTION, "--adapter", str(adapter), *HOW, *SHORT)
    assert found["right"]["response"] == asked["response"]
    for side in ("left", "right"):
        drawn = found[side]["sampling"]
        assert drawn == asked["sampling"] and found[side]["system_prompt"] == "Be brief."
        assert (drawn["top_p"], drawn["top_k"], drawn["min_p"], drawn["repeat_penalty"]) == (0.5, 3, 0.1, 1.2)
    assert cli.main(["compare", QUESTION, "--adapter", str(adapter), *HOW, *SHORT]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "10 tokens, top-p 0.5, top-k 3, min-p 0.1, repeat-penalty 1.2, told first: Be brief.; heard by" in said


def test_a_question_that_does_not_fit_is_not_asked_without_a_word(
    adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("word " * 600, "--adapter", str(adapter), "--context", "512", *SHORT)
    said = refused(capsys, *words)
    assert said.startswith("lacie compare: baseline: This question is ") and "--cut asks it without its middle" in said
    assert cli.main(["compare", *words, "--cut"]) == 0
    assert "tokens of its middle were left out" in capsys.readouterr().err


def test_several_samples_have_seeds_in_a_row_and_the_same_on_both_sides(
    adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", QUESTION, "--adapter", str(adapter), *SHORT, "--temperature", "1.2"]
    found = run_json(capsys, *words, "--samples", "2", "--seed", "5")
    assert [len(found["samples"][side]) for side in ("left", "right")] == [2, 2]
    assert found["left"] == found["samples"]["left"][0]
    assert found["sampling"]["seed"] == 5
    assert found["difference"]["left"]["n"] == 2
    one = run_json(capsys, *words, "--seed", "6")
    assert one["left"]["response"] == found["samples"]["left"][1]["response"]
    assert one["right"]["response"] == found["samples"]["right"][1]["response"]


def test_what_people_read(adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "Tell me about [bold]the sea[/bold].", "--left=baseline", f"--right=adapter:{adapter}", *SHORT]
    assert cli.main([*words, "--samples", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("baseline  embedded") < shown.index(f"adapter  embedded + {adapter}")
    assert "both sides: temperature 0.7, seeds 0 to 1, at most 10 tokens; heard by the tuned listener (" in shown
    assert shown.count("stability") == 2
    assert "\ndifference  " in shown
    assert "\x1b" not in shown


def test_two_models_are_heard_by_one_listener_whichever_side_they_stand_on(
    other_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", QUESTION, "--left", str(other_model), "--right", "embedded", "--max-tokens", "8"]
    found = run_json(capsys, *words)
    assert (found["left"]["model"], found["right"]["model"]) == (str(other_model), "embedded")
    assert found["listener"] == {"tuned": True, "assessment_version": ASSESSMENT_VERSION}
    assert found["left"]["response"] and found["right"]["response"]
    turned = run_json(capsys, *words[:2], "--left", "embedded", "--right", str(other_model), "--max-tokens", "8")
    for one, other in (("left", "right"), ("right", "left")):
        assert found[one]["response"] == turned[other]["response"]
        assert found[one]["acceptance"] == turned[other]["acceptance"]


def test_each_side_keeps_its_own_calibrator_where_its_listener_hears(
    adapter: Path, embedded_model: Path, other_model: Path
) -> None:
    fitted = calibrator(-2.0, acceptance=1.0)
    for path in (calibrator_path(embedded_model), calibrator_path(embedded_model, adapter)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(fitted.to_dict()))

    def calibrators(left: str, right: str, listener: str | None = None) -> list[Calibrator | None]:
        parser = argparse.ArgumentParser()
        add_side_arguments(parser)
        options = parser.parse_args(["--left", left, "--right", right])
        options.listener = listener
        fill(options)
        return [side.speaker.calibrator for side in find_sides(options, Sampling())]

    assert calibrators("baseline", f"adapter:{adapter}") == [fitted, fitted]
    assert calibrators("embedded", str(other_model)) == [fitted, None]
    assert calibrators(str(other_model), "embedded") == [None, fitted]
    assert calibrators(str(other_model), f"adapter:{adapter}") == [None, fitted]
    assert calibrators("baseline", f"adapter:{adapter}", "embedded") == [None, None]


def test_p_right_stands_beside_p_right_alone(
    adapter: Path, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", QUESTION, "--adapter", str(adapter), "--max-tokens", "24", "--samples", "2"]
    words += ["--temperature", "0.2"]
    keep_calibrator(calibrator(-2.0, acceptance=1.0), embedded_model)
    found = run_json(capsys, *words)
    side = found["difference"]["left"]
    likely = [each["p_right"] for each in found["samples"]["left"] if each["answer_span"]]
    assert likely and side["p_right"] == pytest.approx(sum(likely) / len(likely))
    assert side["verdict"] is not None and not {"confidence", "confidence_kind"} & set(side)
    assert (found["difference"]["right"]["p_right"], found["difference"]["p_right_shift"]) == (None, None)
    assert cli.main(words) == 0
    shown = capsys.readouterr().out
    assert shown.count(" on average") == 1, "of the left side's samples"
    assert "P(right)" not in shown.partition("\ndifference  ")[2]


def test_sides_that_are_the_same_are_refused(
    adapter: Path, embedded_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(adapter.read_bytes())
    for left, right in (
        ("baseline", "baseline"),
        ("baseline", str(embedded_model)),
        (f"adapter:{adapter}", f"adapter:{copy}"),
    ):
        assert "both sides are the same" in refused(capsys, QUESTION, "--left", left, "--right", right)


def test_adapters_that_are_missing_unused_or_do_not_fit(
    adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    unused = refused(capsys, QUESTION, "--adapter", str(adapter), "--left", "baseline", "--right", "embedded")
    assert "no side uses the --adapter" in unused
    narrow = write_random_adapter(tmp_path / "narrow.gguf", width=64)
    line = refused(capsys, QUESTION, "--adapter", str(narrow))
    assert "doesn't fit" in line and str(narrow) in line
    assert "names no adapter" in refused(capsys, QUESTION, "--left", "adapter:")
    assert "no such file" in refused(capsys, QUESTION, "--right", "adapter:./none.gguf")
    request.getfixturevalue("no_own_adapter")
    assert "no adapter to compare with" in refused(capsys, QUESTION)
    assert "no adapter to compare with" in refused(capsys, QUESTION, "--left", "baseline")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([QUESTION, "--samples", "2", "--temperature", "0"], "--samples needs a --temperature over 0"),
        ([QUESTION, "--out", "somewhere"], "--out goes with --questions"),
        ([QUESTION, "--matcher", "lenient"], "--matcher goes with --questions"),
        ([QUESTION, "--questions", "q.jsonl", "--out", "o"], "not both"),
        (["--questions", "q.jsonl"], "--out DIR"),
        (["--questions", "q.jsonl", "--out", "o", "--samples", "2"], "--samples is for one QUESTION"),
        (["--questions", "q.jsonl", "--out", "o", "--top-p", "0.5"], "--top-p is for one QUESTION"),
        (["--questions", "q.jsonl", "--out", "o", "--system", "Be brief."], "--system is for one QUESTION"),
        (["--questions", "q.jsonl", "--out", "o", "--cut"], "--cut is for one QUESTION"),
    ],
)
def test_options_that_do_not_go_together(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert problem in refused(capsys, *words, status=2)


@pytest.mark.parametrize("count", ["0", "9", "two"])
def test_a_number_of_samples_out_of_range_is_wrong_usage(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", QUESTION, "--samples", count])
    assert stop.value.code == 2
    assert "is not a whole number from 1 to 8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("left", "right", "adapter", "sides"),
    [
        (None, None, "a", ("baseline", "adapter")),
        ("baseline", None, "a", ("baseline", "adapter")),
        (None, "baseline", "a", ("adapter", "baseline")),
        ("adapter", None, "a", ("adapter", "baseline")),
        ("m.gguf", None, "a", ("m.gguf", "adapter")),
        (None, "m.gguf", None, ("baseline", "m.gguf")),
        ("adapter:b", None, None, ("adapter:b", "baseline")),
        ("adapter:b", None, "a", ("adapter:b", "adapter")),
        ("m.gguf", "n.gguf", None, ("m.gguf", "n.gguf")),
    ],
)
def test_sides_that_are_not_given(
    left: str | None, right: str | None, adapter: str | None, sides: tuple[str, str]
) -> None:
    assert side_refs(left, right, adapter) == sides


def test_a_side_that_needs_an_adapter_says_so() -> None:
    with pytest.raises(LacieError, match="no adapter"):
        side_refs("adapter", "m.gguf", None)
