"""What a run's recipe says of its questions, as a card and a GGUF repeat it."""

import json
from pathlib import Path

import pytest
from fitted import calibrator
from lacie_export.errors import ExportError
from lacie_export.run_facts import RunFacts, read_run

QUESTIONS = {
    "train": {"source": "trivia_qa"},
    "more": [{"source": "nq_open"}, {"source": "file", "path": "/home/me/mine.jsonl"}, {"source": "nq_open"}],
}


def test_all_sources_of_training_questions_are_named_once() -> None:
    facts = RunFacts(recipe={"questions": QUESTIONS})
    assert facts.datasets == ("mandarjoshi/trivia_qa", "google-research-datasets/nq_open")
    assert facts.questions == "mandarjoshi/trivia_qa, google-research-datasets/nq_open, file"
    assert RunFacts().datasets == ()


def test_figures_keep_the_version_in_which_they_were_measured(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("{name: x, speaker: {model: a/b}, listener: {model: a/b}}")
    assert read_run(tmp_path).assessment_version is None, "nothing was measured"
    fitted = calibrator(acceptance=1.0, version="prompt-1")
    (tmp_path / "calibrator.json").write_text(json.dumps(fitted.to_dict()))
    assert read_run(tmp_path).assessment_version == "prompt-1", "a run of before metrics.json said it"
    (tmp_path / "metrics.json").write_text(json.dumps({"assessment_version": "prompt-2", "sets": {}}))
    assert read_run(tmp_path).assessment_version == "prompt-2"


def test_figures_are_kept_of_acceptance_and_of_p_right(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("{name: x, speaker: {model: a/b}, listener: {model: a/b}}")
    p_right = {"n": 40, "given": 38, "auroc": 0.8, "log_loss": 0.3, "brier": 0.1, "ece": 0.04, "intervals": {}}
    sets = {"t": {"adapter": {"n": 40, "auroc": 0.6, "p_right": p_right}, "baseline": {"n": 40, "auroc": 0.5}}}
    (tmp_path / "metrics.json").write_text(json.dumps({"sets": sets}))
    del p_right["intervals"]
    assert read_run(tmp_path).figures == {
        "t": {"adapter": {"n": 40, "auroc": 0.6, "p_right": p_right}, "baseline": {"n": 40, "auroc": 0.5}}
    }


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_calibrator_of_an_older_format_is_refused_in_one_line(version: int, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("{name: x, speaker: {model: a/b}, listener: {model: a/b}}")
    (tmp_path / "calibrator.json").write_text(json.dumps({"format": f"lacie-calibrator/{version}"}))
    with pytest.raises(ExportError, match=r"older format .*lacie calibrate$"):
        read_run(tmp_path)
