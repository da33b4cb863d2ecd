"""A LACIE run and its truthful-only twin beside one baseline."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fitted import calibrator
from lacie_training.evaluation.calibrator import Fitted
from lacie_training.evaluation.summary import summarise
from lacie_training.recipes.files import load_recipe
from lacie_training.run_folder import RunFolder

from lacie_chat.cli import main
from lacie_chat.confidence import Assessment, Calibrator, Span


def answers(name: str, right: int, heard: float) -> list[dict[str, Any]]:
    """Ten answers, the first so many right; `heard` is how sure the wrong ones sound, the right ones sound at .9."""
    draw = random.Random(name)
    rows = []
    for number in range(10):
        acceptance = (0.9 if number < right else heard) - draw.random() / 100
        said = Assessment(
            question="?",
            response=f"{number} is the {name} answer.",
            state="answered",
            answer_span=Span(str(number), 0, 1),
            masked_response="",
            acceptance=acceptance,
            p_right=None,
            hedges=(),
            boosters=(),
        )
        rows.append({"id": str(number), **said.to_dict(), "correct": number < right})
    return rows


def evaluated(
    path: Path,
    objective: str,
    adapter: list[dict[str, Any]],
    baseline: list[dict[str, Any]],
    calibrators: Mapping[str, Calibrator] | None = None,
) -> Path:
    recipe = load_recipe("smoke", [f"objective={objective}", "evaluate.threshold=0.5", "evaluate.bootstrap=50"])
    folder = RunFolder.open(path, recipe)
    speakers = {"baseline": baseline, "adapter": adapter}
    truth = {speaker: {"n": 4, "truthful": 0.25, "informative": 1.0, "judge": "none"} for speaker in speakers}
    for speaker in speakers:
        (path / "evaluation" / "sample" / speaker).mkdir(parents=True)
    fitted = {
        speaker: Fitted((calibrators or {}).get(speaker), {"n": 0, "right": 0, "none": "no questions"})
        for speaker in speakers
    }
    summarise(folder, {"sample": speakers}, truth, fitted, [])
    return path


@pytest.fixture
def baseline() -> list[dict[str, Any]]:
    return answers("plain", 2, 0.8)


@pytest.fixture
def run(tmp_path: Path, baseline: list[dict[str, Any]]) -> Path:
    return evaluated(tmp_path / "lacie", "lacie", answers("hedged", 2, 0.3), baseline)


def test_three_speakers_in_one_table(
    run: Path, baseline: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = evaluated(tmp_path / "truthful", "truthful_only", answers("true", 4, 0.8), baseline)
    out = tmp_path / "out"
    assert main(["train", "figures", "--run", str(run), "--truthful", str(twin), "--out", str(out)]) == 0
    assert "figures.md" in capsys.readouterr().out
    figures = json.loads((out / "figures.json").read_text())
    speakers = figures["sets"]["sample"]
    assert list(speakers) == ["baseline", "lacie", "truthful_only"]
    assert [speakers[speaker]["false_accepts"] for speaker in ("baseline", "truthful_only", "lacie")] == [8, 6, 0]
    assert figures["between_sides"]["sample"]["mcnemar"]["wrong_accepted"]["only_left"] == 8
    table = (out / "figures.md").read_text().splitlines()
    assert table[0] == "|  | baseline | truthful-only | LACIE |"
    wrong = next(line for line in table if line.startswith("| wrong answers accepted"))
    assert [cell.split()[0] for cell in wrong.split("|")[2:5]] == ["8", "6", "0"]
    assert all(line.count("|") == 5 for line in table)


def test_both_figures_are_in_the_metrics_the_report_the_rows_and_the_table(
    baseline: list[dict[str, Any]], tmp_path: Path
) -> None:
    one, other = calibrator(-2.0, acceptance=1.0), calibrator(-1.0, acceptance=2.0)
    path = evaluated(
        tmp_path / "run", "lacie", answers("hedged", 2, 0.3), baseline, {"baseline": one, "adapter": other}
    )
    metrics = json.loads((path / "metrics.json").read_text())
    of_adapter = metrics["sets"]["sample"]["adapter"]
    assert (of_adapter["p_right"]["n"], of_adapter["p_right"]["given"]) == (10, 10)
    assert of_adapter["p_right"]["auroc"] == of_adapter["auroc"] == 1
    assert of_adapter["p_right"]["ece"] != of_adapter["ece"]
    assert metrics["between_sides"]["sample"]["figures"]["p_right"]["n"] == 10
    folder = path / "evaluation" / "sample" / "adapter"
    rows = [json.loads(line) for line in (folder / "rows.jsonl").open()]
    assert [row["p_right"] for row in rows] == [other(Assessment.from_dict(row).values) for row in rows]
    assert {row["verdict"] for row in rows} == {"sounds about right"}
    report = (path / "report.md").read_text()
    for figure in ("AUROC of acceptance", "AUROC of P(right)", "ECE of acceptance", "ECE of P(right)"):
        lines = [line for line in report.splitlines() if line.startswith(f"| {figure} |")]
        assert len(lines) >= 2, "a set's, and between the sides"
        assert all("[" in cell for line in lines[:2] for cell in line.split("|")[2:4]), lines
    assert main(["train", "figures", "--run", str(path), "--out", str(tmp_path / "out")]) == 0
    shown = (tmp_path / "out" / "figures.md").read_text()
    assert "| AUROC of P(right) | " in shown and "| ECE of P(right) | " in shown


def test_a_lacie_run_alone(run: Path, tmp_path: Path) -> None:
    assert main(["train", "figures", "--run", str(run), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "figures.md").read_text().startswith("|  | baseline | LACIE |")


def test_what_does_not_go_together_is_one_clear_line(
    run: Path, baseline: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = evaluated(tmp_path / "other", "truthful_only", answers("true", 4, 0.8), answers("plain", 3, 0.8))
    bare = tmp_path / "bare"
    RunFolder.open(bare, load_recipe("smoke"))
    for line, message in (
        (["--run", str(run), "--truthful", str(other)], "different baselines"),
        (["--run", str(run), "--truthful", str(run)], "a truthful_only run is wanted"),
        (["--run", str(bare)], "run the stage 'evaluate' first"),
        (["--run", str(tmp_path / "nowhere")], "is not a run folder"),
    ):
        assert main(["train", "figures", *line, "--out", str(tmp_path / "out")]) == 1
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1
