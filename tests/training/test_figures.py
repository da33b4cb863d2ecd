"""A LACIE run and its truthful-only twin beside one baseline."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from lacie_training.evaluation.calibrator import Fitted
from lacie_training.evaluation.summary import summarise
from lacie_training.recipes.files import load_recipe
from lacie_training.run_folder import RunFolder

from lacie_chat.cli import main
from lacie_chat.confidence import Assessment, Confidence


def answers(name: str, right: int, heard: float) -> list[dict[str, Any]]:
    """Ten answers, the first so many right; `heard` is how sure the wrong ones sound, the right ones sound at .9."""
    draw = random.Random(name)
    rows = []
    for number in range(10):
        acceptance = (0.9 if number < right else heard) - draw.random() / 100
        said = Assessment(
            question="?",
            response=f"The {name} answer is {number}.",
            state="answered",
            answer_span=None,
            masked_response="",
            acceptance=acceptance,
            confidence=Confidence(acceptance, "acceptance"),
            hedges=(),
            boosters=(),
        )
        rows.append({"id": str(number), **said.to_dict(), "correct": number < right})
    return rows


def evaluated(path: Path, objective: str, adapter: list[dict[str, Any]], baseline: list[dict[str, Any]]) -> Path:
    recipe = load_recipe("smoke", [f"objective={objective}", "evaluate.threshold=0.5", "evaluate.bootstrap=50"])
    folder = RunFolder.open(path, recipe)
    speakers = {"baseline": baseline, "adapter": adapter}
    truth = {speaker: {"n": 4, "truthful": 0.25, "informative": 1.0, "judge": "none"} for speaker in speakers}
    for speaker in speakers:
        (path / "evaluation" / "sample" / speaker).mkdir(parents=True)
    no_calibrator = {speaker: Fitted(None, {"n": 0, "right": 0, "none": "no questions"}) for speaker in speakers}
    summarise(folder, {"sample": speakers}, truth, no_calibrator, [])
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
