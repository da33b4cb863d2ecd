"""`lacie evaluate` without torch, TruthfulQA without its judges, and the report."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lacie_training.errors import TrainingError
from lacie_training.evaluate import add_evaluate_arguments, evaluate_command
from lacie_training.evaluation.report import write_report
from lacie_training.evaluation.truthfulqa import by_similarity, judge, load, rouge_l
from lacie_training.questions.splits import SAMPLE_QUESTIONS
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.schema import TruthfulQASettings
from lacie_training.run_folder import RunFolder, locked, read_rows, write_rows

LENIENT = ("--matcher", "lenient")
SCRIPT = """
import argparse, sys
from lacie_training.evaluate import add_evaluate_arguments, evaluate_command
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
    line = [sys.executable, "-c", SCRIPT, *options, *LENIENT]
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
    other = tmp_path / "other.jsonl"
    other.write_text("".join(questions.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(TrainingError, match=r"another evaluation \(it differs in questions\)"):
        evaluate_command(parsed(*[str(other) if option == str(questions) else option for option in options], *LENIENT))
    with locked(tmp_path, "evaluate"):
        second = subprocess.run(line, capture_output=True, text=True)
    assert f"another process is working on {tmp_path}" in second.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--threshold=2", "threshold: Input should be 'training'; or Input should be less than or equal to 1"),
        ("--max-tokens=0", "max_new_tokens: Input should be greater than or equal to 1"),
        ("--temperature=-1", "temperature: Input should be greater than or equal to 0"),
    ],
)
def test_options_out_of_range_are_one_clear_line(questions: Path, tmp_path: Path, option: str, message: str) -> None:
    with pytest.raises(TrainingError) as error:
        evaluate_command(parsed("--questions", str(questions), "--out", str(tmp_path), option))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_baseline_goes_with_an_adapter(questions: Path, tmp_path: Path) -> None:
    args = parsed("--questions", str(questions), "--out", str(tmp_path), "--with-baseline")
    args.baseline = True
    with pytest.raises(TrainingError, match="--with-baseline goes with an adapter"):
        evaluate_command(args)


def test_rouge_l_by_hand() -> None:
    assert rouge_l("the cat sat on a mat", "cat on mat") == pytest.approx(2 * 3 / (4 + 3))
    assert rouge_l("same words here", "same words here") == 1.0
    assert rouge_l("nothing", "alike") == 0.0
    assert rouge_l("", "x") == 0.0


def test_similarity_calls_a_response_true_if_it_is_nearer_to_a_true_answer() -> None:
    responses = (("No, the Earth is round", "answered"), ("Yes, flat", "answered"), ("I don't know", "abstained"))
    answers = {"correct_answers": ["No, it is round"], "incorrect_answers": ["Yes, it is flat"]}
    references = [{"id": str(n), **answers} for n in range(3)]
    rows = [{"id": str(n), "response": text, "state": state} for n, (text, state) in enumerate(responses)]
    result = by_similarity({"adapter": rows}, references)["adapter"]
    assert (result["n"], result["truthful"], result["informative"]) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert "not the paper's judges" in result["judge"]


def test_truthfulqa_files(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"question": "Q?", "correct_answers": ["a"], "incorrect_answers": ["b"]}) + "\n")
    assert load(TruthfulQASettings(path=path))[0]["id"] == "truthful-0"
    path.write_text(json.dumps({"question": "Q?", "correct_answers": ["a"]}) + "\n")
    with pytest.raises(TrainingError, match="line 1: 'incorrect_answers' is missing"):
        load(TruthfulQASettings(path=path))


def judged_run(path: Path, judge: str) -> RunFolder:
    """A run folder whose TruthfulQA is judged by a model, and its references."""
    references = path / "truthful.jsonl"
    answers = {"correct_answers": ["No, it is round"], "incorrect_answers": ["Yes, it is flat"]}
    write_rows(references, [{"id": str(n), "question": f"Is it flat, {n}?", **answers} for n in range(3)])
    settings = f"{{judges: models, path: {references}, truth_judge: {judge}, info_judge: {judge}}}"
    options = ["listener.generator=transformers", "listener.dtype=float32", f"evaluate.truthfulqa={settings}"]
    return RunFolder.open(path / "run", load_recipe("smoke", options))


def sides_of_three() -> dict[str, list[dict[str, Any]]]:
    texts = {"baseline": "Yes, it is flat", "adapter": "No, it is round"}
    return {
        side: [{"id": str(n), "question": f"Is it flat, {n}?", "response": text, "state": "answered"} for n in range(3)]
        for side, text in texts.items()
    }


def test_judge_models_judge_each_answer_once(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder = judged_run(tmp_path, str(tiny("llama")))
    first = judge(folder, sides_of_three())
    assert set(first) == {"baseline", "adapter"} and first["adapter"]["n"] == 3
    assert str(tiny("llama")) in first["adapter"]["judge"]
    files = sorted((folder.path / "evaluation" / "truthfulqa").glob("*/judged-*.jsonl"))
    assert len(files) == 4 and all(len(read_rows(file)) == 3 for file in files)
    kept = files[0].read_bytes()
    files[0].write_bytes(kept[:-20])
    assert judge(folder, sides_of_three()) == first
    assert files[0].read_bytes() == kept
    probability = read_rows(files[0])[0]["yes"]
    changed = [{**row, "yes": 1.0} for row in read_rows(files[0])]
    write_rows(files[0], changed)
    assert 0 < probability < 1
    assert judge(folder, sides_of_three())["adapter"]["informative"] == 1.0, "what is judged is not judged again"


def test_without_the_judge_models_similarity_stands_in_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = judge(judged_run(tmp_path, "no-such-judge"), sides_of_three())
    assert (result["baseline"]["truthful"], result["adapter"]["truthful"]) == (0.0, 1.0)
    assert "there is no model 'no-such-judge'" in result["adapter"]["judge"]
    assert "not the paper's judges" in result["adapter"]["judge"]
    assert "judged by similarity" in capsys.readouterr().out


def side(auroc: float | None, abstentions: float) -> dict[str, Any]:
    figures: dict[str, Any] = dict.fromkeys(("accuracy", "ece", "brier", "precision", "recall", "f1"), 0.25)
    figures |= dict.fromkeys(("true_accepts", "false_accepts", "true_rejects", "false_rejects"), 2)
    figures |= {
        "accept_threshold": 0.66,
        "n": 8,
        "auroc": auroc,
        "abstention_rate": abstentions,
        "intervals": {"ece": [0.2, 0.3]},
    }
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
