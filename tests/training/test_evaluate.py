"""`lacie evaluate` without torch, TruthfulQA without its judges, and the report."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training.errors import TrainingError
from training.evaluate import add_evaluate_arguments, evaluate_command
from training.questions import SAMPLE_QUESTIONS
from training.recipes import TruthfulQASettings, load_recipe
from training.report import write_report
from training.truthfulqa import by_similarity, load, rouge_l

SCRIPT = """
import argparse, sys
from training.evaluate import add_evaluate_arguments, evaluate_command
parser = argparse.ArgumentParser()
add_evaluate_arguments(parser)
args = parser.parse_args(sys.argv[1:])
args.model, args.adapter, args.baseline = "embedded", None, False
status = evaluate_command(args)
loaded = {"torch", "transformers", "trl"} & set(sys.modules)
assert not loaded, loaded
sys.exit(status)
"""


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("questions") / "questions.jsonl"
    path.write_text("".join(SAMPLE_QUESTIONS.read_text().splitlines(keepends=True)[:5]))
    return path


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    args = parser.parse_args(options)
    args.model, args.adapter, args.baseline = "embedded", None, False
    return args


def test_lacie_evaluate_needs_no_torch_and_goes_on_where_it_stopped(questions: Path, tmp_path: Path) -> None:
    options = ["--questions", str(questions), "--out", str(tmp_path), "--max-tokens", "10", "--batch-size", "2"]
    line = [sys.executable, "-c", SCRIPT, *options, "--matcher", "lenient"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "rows.jsonl").read_bytes()
    assert [json.loads(row)["id"] for row in rows.splitlines()] == [f"sample-0{n}" for n in range(1, 6)]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["n"] == 5 and metrics["accept_threshold"] == 0.66
    assert (tmp_path / "reliability.png").read_bytes()[:4] == b"\x89PNG"
    whole = rows.splitlines(keepends=True)
    (tmp_path / "rows.jsonl").write_bytes(b"".join(whole[:3]) + whole[3][:20])
    again = evaluate_command(parsed(*options, "--matcher", "lenient"))
    assert again == 0
    assert (tmp_path / "rows.jsonl").read_bytes() == rows
    with pytest.raises(TrainingError, match=r"another evaluation \(it differs in matcher\)"):
        evaluate_command(parsed(*options))


def test_baseline_goes_with_an_adapter(questions: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--with-baseline goes with --adapter"):
        evaluate_command(parsed("--questions", str(questions), "--out", str(tmp_path), "--with-baseline"))


def test_rouge_l_by_hand() -> None:
    assert rouge_l("the cat sat on a mat", "cat on mat") == pytest.approx(2 * 3 / (4 + 3))
    assert rouge_l("same words here", "same words here") == 1.0
    assert rouge_l("nothing", "alike") == 0.0
    assert rouge_l("", "x") == 0.0


def test_similarity_calls_a_response_true_if_it_is_nearer_to_a_true_answer() -> None:
    references = {"correct_answers": ["No, it is round"], "incorrect_answers": ["Yes, it is flat"]}
    rows = [
        {"response": "No, the Earth is round", "state": "answered", **references},
        {"response": "Yes, flat", "state": "answered", **references},
        {"response": "I don't know", "state": "abstained", **references},
    ]
    result = by_similarity(rows)
    assert (result["n"], result["truthful"], result["informative"]) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert "not the paper's judges" in result["judge"]


def test_truthfulqa_files(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"question": "Q?", "correct_answers": ["a"], "incorrect_answers": ["b"]}) + "\n")
    assert load(TruthfulQASettings(path=path))[0]["id"] == "truthful-0"
    path.write_text(json.dumps({"question": "Q?", "correct_answers": ["a"]}) + "\n")
    with pytest.raises(TrainingError, match="question 1: 'incorrect_answers' is missing"):
        load(TruthfulQASettings(path=path))


def side(auroc: float | None, abstentions: float) -> dict[str, Any]:
    figures: dict[str, Any] = dict.fromkeys(("accuracy", "ece", "brier", "precision", "recall", "f1"), 0.25)
    figures |= dict.fromkeys(("true_accepts", "false_accepts", "true_rejects", "false_rejects"), 2)
    figures |= {"n": 8, "auroc": auroc, "abstention_rate": abstentions, "intervals": {"ece": [0.2, 0.3]}}
    return {**figures, "without_abstentions": figures}


def test_the_report_sets_ours_beside_the_papers(tmp_path: Path) -> None:
    metrics = {
        "sets": {"mine": {"baseline": side(0.5, 0.0), "adapter": side(0.625, 0.125)}},
        "truthfulqa": {
            "baseline": {"n": 4, "truthful": 0.25, "informative": 1.0, "judge": "ROUGE-L"},
            "adapter": {"n": 4, "truthful": 0.5, "informative": 0.75, "judge": "ROUGE-L"},
        },
    }
    write_report(tmp_path, load_recipe("smoke"), metrics, None)
    text = (tmp_path / "report.md").read_text()
    assert "| AUROC, mean over 3 models | | +20.7 points | 0.500 | +12.5 points |" in text
    assert "| abstentions, Mistral-7B | 0.80 % | 25.27 % | 0.00 % | 12.50 % |" in text
    assert "| ECE | 0.250 [0.200, 0.300] |" in text
    assert "judged by: ROUGE-L" in text


def test_the_report_of_one_class_only(tmp_path: Path) -> None:
    write_report(tmp_path, load_recipe("smoke"), {"sets": {"mine": {"baseline": side(None, 0)}}}, None)
    assert "| AUROC, mean over 3 models | | +20.7 points | n/a | n/a |" in (tmp_path / "report.md").read_text()
