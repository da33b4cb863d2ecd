"""What a run's recipe says of its questions, as a card and a GGUF repeat it."""

import json
from pathlib import Path

from lacie_export.run_facts import RunFacts, read_run

from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.engine.settings import Sampling

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
    way = WayOfDrawing.of(Sampling())
    calibrator = Calibrator("platt", 60, "a test", "aa", "prompt-1", way, parameters=(1.0, 0.0))
    (tmp_path / "calibrator.json").write_text(json.dumps(calibrator.to_dict()))
    assert read_run(tmp_path).assessment_version == "prompt-1", "a run of before metrics.json said it"
    (tmp_path / "metrics.json").write_text(json.dumps({"assessment_version": "prompt-2", "sets": {}}))
    assert read_run(tmp_path).assessment_version == "prompt-2"
