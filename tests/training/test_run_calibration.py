"""The run's calibrator: on which questions it is fitted, when there is none, and what it does to the figures."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from lacie_export.run_facts import read_run
from lacie_training.errors import TrainingError
from lacie_training.evaluation.calibrator import calibration_questions, fit, keep
from lacie_training.generators import listener_version
from lacie_training.questions.splits import load_questions
from lacie_training.recipes.files import load_recipe
from lacie_training.run_folder import RunFolder, write_json
from lacie_training.samples.threshold import evaluation_threshold

from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator
from lacie_chat.evaluation.answering import calibrated
from lacie_chat.evaluation.matching import normalise
from lacie_chat.evaluation.measuring import measure


def run_folder(path: Path, *settings: str) -> RunFolder:
    folder = RunFolder.open(path, load_recipe("smoke", settings))
    adapter = path / "adapter" / "adapter_model.safetensors"
    adapter.parent.mkdir(exist_ok=True)
    adapter.write_bytes(b"weights")
    return folder


def answers(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Answers that are right half as often as they sound sure, and never where the model found them improbable."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        acceptance = draw.random()
        right = draw.random() < acceptance / 2
        logprob = -draw.random() - (0 if right else 3 * draw.random())
        signals = {"span_sum": logprob, "span_lowest": logprob, "span_first": logprob, "mean": -0.5}
        signals |= {"span_tokens": 1, "tokens": 9}
        said = {"question": "?", "response": "x it is.", "masked_response": "[X] it is.", "hedges": [], "boosters": []}
        known = {"state": "answered", "acceptance": acceptance, "answer_span": "x", "signals": signals}
        rows.append({"id": str(number), **said, **known, "correct": right})
    return rows


def test_the_calibrator_is_the_export_s_and_lowers_the_calibration_error(tmp_path: Path, embedded_model: Path) -> None:
    folder = run_folder(tmp_path)
    silent = {"id": "x", "state": "abstained", "acceptance": 0.4, "answer_span": None, "correct": False}
    fitted = fit(folder, "adapter", [*answers(240), silent])
    assert fitted.figures["questions"] == 241 and fitted.figures["n"] == 240
    assert keep(folder, fitted).startswith("calibrator.json: ")
    calibrator = read_run(tmp_path).calibrator
    assert calibrator is not None and calibrator.assessment_version == ASSESSMENT_VERSION
    assert calibrator is not None and calibrator == Calibrator.load(tmp_path / "calibrator.json")
    assert "span_sum" in fitted.figures["carries"] or "span_lowest" in fitted.figures["carries"]
    by_wording = calibrator({"acceptance": 0.8})
    assert by_wording is not None and abs(by_wording - 0.4) < 0.1
    baseline = fit(folder, "baseline", answers(100)).calibrator
    assert baseline is not None and calibrator.model_fingerprint.startswith(f"{baseline.model_fingerprint}-")
    fresh = answers(400, seed=1)
    figures = measure(calibrated(fresh, calibrator), bootstrap=20)
    assert figures["ece"] > 0.2 and figures["p_right"]["ece"] < 0.1
    assert figures["p_right"]["auroc"] > figures["auroc"] + 0.1
    assert figures["p_right"]["intervals"]["ece"][0] <= figures["p_right"]["ece"]
    plain = measure(fresh, bootstrap=20)
    assert "p_right" not in plain and plain["f1"] == figures["f1"]


def test_a_calibrator_for_another_ear_than_the_chats_is_measured_but_not_kept(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "listener.model=somebody/else", "listener.generator=transformers")
    fitted = fit(folder, "adapter", answers(100))
    assert fitted.calibrator is not None
    assert fitted.calibrator.assessment_version == listener_version(folder.recipe) != ASSESSMENT_VERSION
    assert "this run with somebody/else" in keep(folder, fitted)
    assert not (tmp_path / "calibrator.json").exists()


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (answers(20), "10 right and wrong ones are needed"),
        ([{**row, "correct": False} for row in answers(200)], "0 of 200 answers are right"),
        ([], "the validation questions are fewer than 60; name a set as questions.calibration"),
    ],
)
def test_too_few_answers_fit_none_and_take_an_old_one_away(
    rows: list[dict[str, Any]], why: str, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path)
    (tmp_path / "calibrator.json").write_text("{}")
    fitted = fit(folder, "adapter", rows)
    assert fitted.calibrator is None and why in fitted.figures["none"]
    assert why in keep(folder, fitted)
    assert not (tmp_path / "calibrator.json").exists()


def questions_file(path: Path, count: int) -> Path:
    rows = [{"id": f"f{n}", "question": f"What is thing {n}?", "answers": ["x"]} for n in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def of_file(path: Path, *settings: str) -> tuple[str, ...]:
    entry = f"source: file, path: {path}"
    return (
        f"questions.train={{{entry}, count: 20}}",
        f"questions.validation={{{entry}, count: 80}}",
        f"questions.test={{t: {{{entry}, count: 10}}}}",
        *settings,
    )


def test_unnamed_it_is_the_validation_questions_that_chose_no_checkpoint(tmp_path: Path) -> None:
    path = questions_file(tmp_path / "q.jsonl", 200)

    def ids(name: str, *settings: str) -> tuple[list[str], list[str]]:
        folder = run_folder(tmp_path / name, *of_file(path, *settings))
        validation = [question.id for question in load_questions(folder.path, folder.recipe).validation]
        return [question.id for question in calibration_questions(folder)[1]], validation

    found, validation = ids("rest", "dpo.validation_questions=20")
    assert found == validation[20:]
    found, validation = ids("all", "dpo.validation_questions=60")
    assert found == validation, "twenty are too few to fit on"
    found, validation = ids("last", "dpo.validation_questions=20", "dpo.select=last")
    assert found == validation, "none of them chose anything"
    assert ids("few", "questions.validation.count=40")[0] == []
    assert ids("screened", "questions.validation.screen={known: 5, unknown: 5}")[0] == []


def test_named_it_is_cut_from_what_all_other_sets_leave_also_when_the_run_is_done(tmp_path: Path) -> None:
    path = questions_file(tmp_path / "q.jsonl", 200)
    before = run_folder(tmp_path / "run", *of_file(path))
    splits = load_questions(before.path, before.recipe)
    later = run_folder(
        tmp_path / "run", *of_file(path, f"questions.calibration={{source: file, path: {path}, count: 60}}")
    )
    _, questions = calibration_questions(later)
    assert len(questions) == 60
    others = [*splits.train, *splits.validation, *splits.test["t"]]
    assert not {normalise(each.question) for each in questions} & {normalise(each.question) for each in others}
    assert calibration_questions(later)[1] == questions
    assert load_questions(later.path, later.recipe).train == splits.train
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text("".join(json.dumps(question.to_row()) + "\n" for question in splits.validation))
    full = f"questions.calibration={{source: file, path: {held_out}}}"
    with pytest.raises(TrainingError, match=r"no questions are left for questions\.calibration"):
        calibration_questions(run_folder(tmp_path / "run", *of_file(path, full)))


def test_the_training_threshold_is_the_pairs(tmp_path: Path) -> None:
    stated = run_folder(tmp_path / "a")
    assert evaluation_threshold(stated) == 0.66
    training = run_folder(tmp_path / "b", "evaluate.threshold=training")
    with pytest.raises(TrainingError, match="run the stage 'pairs' first"):
        evaluation_threshold(training)
    write_json(training.path / "pairs_report.json", {"accept_threshold": 0.71})
    assert evaluation_threshold(training) == 0.71
