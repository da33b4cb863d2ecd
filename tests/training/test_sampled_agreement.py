"""The second signal in an evaluation: a column in the rows, and its AUROC in the metrics."""

import json
from pathlib import Path

import pytest
from lacie_training.agreement import add_agreement
from lacie_training.errors import TrainingError
from lacie_training.evaluate import evaluate_command
from lacie_training.generators import load_generator
from lacie_training.recipes.schema import SpeakerSettings
from test_evaluate import parsed

from lacie_chat.confidence import Assessment, Calibrator
from lacie_chat.statistics.sampled_agreement import agreement_metrics

QUESTIONS = """{"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]}
{"id": "b", "question": "Who painted the Mona Lisa?", "answers": ["Leonardo da Vinci"]}
"""


def test_rows_and_metrics_have_it_and_a_folder_keeps_to_one_number(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(QUESTIONS)
    options = ["--questions", str(tmp_path / "q.jsonl"), "--out", str(tmp_path / "out"), "--max-tokens", "24"]
    assert evaluate_command(parsed(*options, "--agreement", "2", "--batch-size", "2")) == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a", "b"]
    answering = [row for row in rows if row["answer_span"]]
    assert rows[0] in answering, "a cut-off answer may name nothing; this one is short"
    for row in rows:
        assert (row["agreement"] is not None) == (row in answering)
    for row in answering:
        assert row["agreement"]["k"] == 2 and row["agreement"]["value"] in (0, 0.5, 1)
        assert Assessment.from_dict(row).agreement is not None
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())["agreement"]
    assert (metrics["n"], metrics["k"]) == (len(answering), [2])
    assert metrics["mean"] == sum(row["agreement"]["value"] for row in answering) / len(answering)
    with pytest.raises(TrainingError, match="differs in agreement"):
        evaluate_command(parsed(*options, "--batch-size", "2"))
    for wrong in (["--agreement", "3", "--batch-size", "2"], ["--agreement", "-1"], ["--agreement", "21"]):
        with pytest.raises(TrainingError, match="--agreement takes 0 to 20 samples"):
            evaluate_command(parsed(*options, *wrong))


def test_a_two_input_calibrator_gives_the_rows_their_confidence(embedded_model: Path) -> None:
    calibrator = Calibrator(
        kind="platt", parameters=(1, 0), agreement_parameters=(0.0, 2.0, 0.0),
        n=50, source="own", model_fingerprint="abc", listener_version="1",
    )  # fmt: skip
    plain = {
        "question": "What is the capital of Japan?", "response": "It is Tokyo.", "answer_span": "Tokyo",
        "state": "answered", "acceptance": 0.6, "confidence": {"value": 0.6, "kind": "calibrated"}, "hedges": [],
        "boosters": [], "masked_response": "It is [answer].", "correct": True,
    }  # fmt: skip
    declined = {**plain, "response": "I don't know.", "answer_span": None, "state": "abstained", "confidence": None}
    speaker = SpeakerSettings(
        model=str(embedded_model), generator="llama_cpp", format="chat", batch_size=2, context=512
    )
    generator = load_generator(speaker)
    try:
        found, abstained = add_agreement(
            [plain, declined], generator, generator.reader, speaker=speaker, k=2, calibrator=calibrator
        )
    finally:
        generator.close()
    value = found["agreement"]["value"]
    assert found["confidence"]["value"] == pytest.approx(calibrator(0.6, value))
    assert found["correct"] is True, "what only the row knows is kept"
    assert abstained["agreement"] is None and abstained["confidence"] is None


def test_its_auroc_is_over_the_rows_that_have_it() -> None:
    def row(value: float | None, acceptance: float, correct: bool) -> dict[str, object]:
        agreement = None if value is None else {"value": value, "k": 5}
        return {"agreement": agreement, "acceptance": acceptance, "correct": correct}

    rows = [row(1.0, 0.5, True), row(0.8, 0.6, True), row(0.8, 0.9, False), row(0.2, 0.1, False), row(None, 1, False)]
    found = agreement_metrics(rows, bootstrap=50)
    assert found["n"] == 4 and found["k"] == [5]
    assert found["auroc"] == pytest.approx(3.5 / 4)
    assert found["acceptance_auroc"] == pytest.approx(2 / 4)
    assert found["mean"] == pytest.approx(0.7)
    empty = agreement_metrics([row(None, 1, False)])
    assert (empty["n"], empty["auroc"], empty["mean"], empty["interval"]) == (0, None, None, None)
