"""TruthfulQA without its judges, and the report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lacie_training.errors import TrainingError
from lacie_training.evaluation.report import write_report
from lacie_training.evaluation.truthfulqa import by_similarity, judge, load, rouge_l
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.schema import TruthfulQASettings
from lacie_training.run_folder import RunFolder, read_rows, write_rows


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
    options = ["listener.dtype=float32", f"evaluate.truthfulqa={settings}"]
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
    assert "| ECE of acceptance | 0.250 [0.200, 0.300] |" in text
    assert "judged by: ROUGE-L" in text


def test_the_report_of_one_class_only(tmp_path: Path) -> None:
    write_report(tmp_path, load_recipe("smoke"), {"sets": {"mine": {"baseline": side(None, 0)}}}, None)
    assert "| AUROC, mean over 3 models | | +20.7 points | n/a | n/a |" in (tmp_path / "report.md").read_text()
