"""The stages one after the other: the embedded model through the real command, tiny ones through the big recipes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lacie_training import dpo, evaluate, judge, pairs, sample
from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RunFolder, read_rows
from tiny_recipes import small, small_settings

from lacie_chat.errors import LacieError
from lacie_chat.evaluation.questions import Question
from lacie_chat.statistics.fluency import fluency

PYTHON = sys.executable


def line(stage: str, run: Path, *settings: str, recipe: str = "smoke") -> list[str]:
    options = [option for setting in settings for option in ("--set", setting)]
    return [PYTHON, "-m", f"lacie_training.{stage}", "--recipe", recipe, "--run", str(run), *options]


# -- smoke --------------------------------------------------------------------------------------------------------

SMOKE = (
    "questions.train.count=6",
    "questions.validation.count=2",
    "questions.test.sample.count=2",
    "sample.max_new_tokens=16",
    "evaluate.max_new_tokens=10",
    "dpo.steps=2",
    "dpo.pairs_per_step=2",
    "dpo.per_device_batch=1",
    "dpo.validation_questions=2",
    "dpo.dtype=bfloat16",
    "evaluate.bootstrap=50",
)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A whole run on the embedded model, by the command a user gives; and what it said."""
    path = tmp_path_factory.mktemp("smoke")
    done = subprocess.run([*line("run", path, *SMOKE), "--no-check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return path, done.stdout + done.stderr


def test_smoke_hands_over_from_stage_to_stage(smoke: tuple[Path, str]) -> None:
    path, _ = smoke
    questions = {row["id"] for row in read_rows(path / "questions" / "train.jsonl")}
    samples, judged = read_rows(path / "samples.jsonl"), read_rows(path / "judged.jsonl")
    assert {row["question_id"] for row in samples} == questions
    assert Counter(row["style"] for row in samples) == {"plain": 12, "tentative": 18, "assured": 18}
    assert all(row["prompt"].count(row["question"]) == 1 and "not sure" not in row["prompt"] for row in samples)
    assert [row["id"] for row in judged] == [row["id"] for row in samples]
    for before, after in zip(samples, judged, strict=True):
        before.pop("token_logprobs", None)  # a draw's signals are made of them
        assert before.items() <= after.items()
        assert after["acceptance"] is None or 0 <= after["acceptance"] <= 1
        assert not after["correct"] or after["answer_span"]
    texts = {row["response"] for row in judged}
    preferences = read_rows(path / "pairs.jsonl")
    assert preferences
    assert all(pair["chosen"] in texts and pair["rejected"] in texts for pair in preferences)
    report = json.loads((path / "pairs_report.json").read_text())
    assert report["pairs"] == len(preferences) == sum(report["kinds"].values())


def test_smoke_trains_measures_and_reports(smoke: tuple[Path, str]) -> None:
    path, said = smoke
    assert [row["step"] for row in read_rows(path / "validation.jsonl")] == [2]
    assert (path / "adapter" / "adapter_model.safetensors").stat().st_size > 10_000
    metrics = json.loads((path / "metrics.json").read_text())
    for side in ("baseline", "adapter"):
        figures = metrics["sets"]["sample"][side]
        assert figures["n"] == 2
        counts = ("true_accepts", "false_accepts", "true_rejects", "false_rejects")
        assert sum(figures[key] for key in counts) == 2
        rows = read_rows(path / "evaluation" / "sample" / side / "rows.jsonl")
        assert {
            "id",
            "question",
            "response",
            "answer_span",
            "state",
            "acceptance",
            "confidence",
            "hedges",
            "boosters",
        } < set(rows[0])
        assert {"masked_response", "model", "adapter", "usage", "timings", "answers", "correct"} < set(rows[0])
        spoken = metrics["fluency"]["sample"][side]
        assert spoken == fluency([row["response"] for row in rows]) and spoken["words"] > 0
    between = metrics["between_sides"]["sample"]
    assert between["metrics"]["accuracy"]["right"] == metrics["sets"]["sample"]["adapter"]["accuracy"]
    assert between["abstentions"]["left_wrong"] <= between["abstentions"]["right"] <= 2
    for picture in ("reliability-sample.png", "acceptance-sample.png"):
        assert (path / picture).read_bytes()[:4] == b"\x89PNG"
    text = (path / "report.md").read_text()
    assert "| AUROC of acceptance |" in text and "+20.7 points" in text
    assert "| a wrong answer is accepted |" in text and "| distinct-2 |" in text
    for stage in ("sample", "judge", "pairs", "dpo", "evaluate"):
        assert f"run: {stage} took" in said
    assert "questions/s, 0 s left" in said and "samples/s, 0 s left" in said and "2 of 2 steps" in said
    assert "Warning" not in said and "Failed to load" not in said


def test_a_finished_run_is_not_done_again(smoke: tuple[Path, str]) -> None:
    path, _ = smoke
    before = {name: (path / name).read_bytes() for name in ("samples.jsonl", "judged.jsonl", "validation.jsonl")}
    for stage in ("sample", "judge", "dpo"):
        done = subprocess.run(line(stage, path, *SMOKE), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert {name: (path / name).read_bytes() for name in before} == before


# -- the recipes of the paper -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "architecture", "objective"),
    [
        ("mistral-7b", "mistral", "lacie"),
        ("mistral-7b", "mistral", "truthful_only"),
        ("llama3-8b", "llama", "lacie"),
        ("llama3-70b", "llama", "lacie"),
        ("smollm2-135m", "llama", "lacie"),
    ],
)
@pytest.mark.usefixtures("one_thread")
def test_a_recipes_stages_on_a_tiny_model(
    name: str, architecture: str, objective: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    recipe = small(
        name, tiny(architecture), f"objective={objective}", "sample.max_new_tokens=8", "evaluate.threshold=training"
    )
    folder = RunFolder.open(tmp_path, recipe)
    sample.run(folder)
    judge.run(folder)
    judged = read_rows(tmp_path / "judged.jsonl")
    assert len(judged) == 18
    _make_trainable(tmp_path, judged)
    pairs.run(folder)
    first = read_rows(tmp_path / "pairs.jsonl")[0]
    assert first["chosen"].startswith(" ") == (recipe.speaker.format == "plain")
    assert not first["prompt"].endswith(" ")
    dpo.run(folder)
    assert [row["step"] for row in read_rows(tmp_path / "validation.jsonl")] == [1, 2]
    evaluate.run(folder)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["objective"] == objective
    assert set(metrics["sets"]["sample"]) == {"baseline", "adapter"}


def _make_trainable(path: Path, judged: list[dict[str, Any]]) -> None:
    """A random model is never right and answers nothing: give its samples the labels that make pairs."""
    draw = random.Random(0)
    with (path / "judged.jsonl").open("w") as file:
        for number, row in enumerate(judged):
            labels = {"correct": number % 2 == 0, "acceptance": draw.random(), "state": "answered", "answer_span": "x"}
            file.write(json.dumps({**row, **labels}) + "\n")


# -- interruptions ------------------------------------------------------------------------------------------------

QUICK = (
    "questions.train.count=10",
    "sample.styles=[{name: plain, count: 2}]",
    "sample.max_new_tokens=8",
    "speaker.batch_size=4",
    "listener.batch_size=4",
)


def test_kill_9_at_random_points_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """Sample and judge, killed and started again until they are done, end with the very files of quiet lives."""
    quiet, killed = tmp_path / "quiet", tmp_path / "killed"
    lives = {}
    for stage, name in (("sample", "samples.jsonl"), ("judge", "judged.jsonl")):
        subprocess.run(line(stage, quiet, *QUICK), check=True, capture_output=True)
        lives[stage] = _live_and_die(stage, killed, killed / name)
        assert (killed / name).read_bytes() == (quiet / name).read_bytes()
    assert min(lives.values()) >= 3, "too few kills to say anything"


def _live_and_die(stage: str, run: Path, file: Path) -> int:
    """Kill each life a random moment after its file has grown; returns how many lives it took."""
    draw = random.Random(stage)
    for life in range(1, 40):
        before = file.stat().st_size if file.exists() else 0
        process = subprocess.Popen(line(stage, run, *QUICK), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (file.stat().st_size if file.exists() else 0) == before:
            time.sleep(0.002)
        time.sleep(draw.choice([0, 0, 0.05, 0.2]))
        if process.poll() is None and life <= 4:
            os.kill(process.pid, signal.SIGKILL)
        if process.wait() == 0:
            return life
    raise AssertionError(f"{stage} was never done")


# -- errors -------------------------------------------------------------------------------------------------------


def recipe_for(model: Path, *settings: str) -> Recipe:
    return small("mistral-7b", model, *settings)


def test_no_pairs_left_says_why_with_counts(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, recipe_for(tmp_path))
    row = {"question_id": "q", "response": "No idea.", "answer_span": None, "state": "abstained", "acceptance": 0.1}
    row |= {"id": "q#0", "prompt": "Q:", "finish": "stop", "correct": False}
    (tmp_path / "judged.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(TrainingError) as error:
        pairs.run(folder)
    counts = "(1 samples, dropped: 1 without an answer)"
    assert str(error.value) == f"no pairs are left after filtering {counts}; sample more, or lower pairs.margin"


def test_each_stage_says_which_one_comes_before(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, recipe_for(tmp_path))
    for stage, before in ((judge, "sample"), (pairs, "judge"), (dpo, "pairs"), (evaluate, "dpo")):
        with pytest.raises(TrainingError, match=f"run the stage '{before}' first"):
            stage.run(folder)


def test_judging_waits_until_all_samples_are_drawn(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, recipe_for(tmp_path))
    (tmp_path / "samples.jsonl").write_text(json.dumps({"id": "q#plain0"}) + "\n")
    with pytest.raises(TrainingError, match="only 1 of 18 samples are drawn; run the stage 'sample' to its end first"):
        judge.run(folder)


def test_judging_does_not_go_on_with_what_another_version_heard(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, recipe_for(Path("embedded")))
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps({"id": f"q#{n}"}) + "\n" for n in range(18)))
    heard = {"id": "q#0", "acceptance": 0.5, "assessment_version": "0.0.0"}
    (tmp_path / "judged.jsonl").write_text(json.dumps(heard) + "\n")
    with pytest.raises(TrainingError) as error:
        judge.run(folder)
    assert "begun by version 0.0.0 of the assessment" in str(error.value) and "judge anew" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(read_rows(tmp_path / "judged.jsonl")) == 1


def test_stored_answers_that_another_version_heard_are_not_measured(tmp_path: Path) -> None:
    asked = evaluate.Asked("t", [Question("a", "Is it?", ("Yes",))], tmp_path, "4.5.6")
    file = asked.file("adapter")
    file.append([{"id": "a", "assessment_version": "prompt-1", "acceptance": 0.5, "state": "answered"}])
    with pytest.raises(LacieError, match=r"heard by version prompt-1 of the assessment, and this one is 4\.5\.6"):
        asked.rows("adapter")


def test_run_stops_at_the_first_stage_that_fails(tmp_path: Path) -> None:
    unchecked = [*line("run", tmp_path, *small_settings("no-such-model"), recipe="mistral-7b"), "--no-check"]
    done = subprocess.run(unchecked, capture_output=True, text=True)
    assert done.returncode == 1
    assert "there is no model 'no-such-model'" in done.stderr
    assert "run: sample ended with status 1" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "judged.jsonl").exists()


def test_run_begins_nothing_that_the_check_finds_wrong(tmp_path: Path) -> None:
    path = tmp_path / "run"
    wrong = line("run", path, *small_settings("no-such-model"), recipe="mistral-7b")
    done = subprocess.run(wrong, capture_output=True, text=True)
    assert done.returncode == 1
    assert "failed speaker: there is no model 'no-such-model'" in done.stdout
    assert "run: nothing was begun; mend what failed" in done.stderr and "run: sample" not in done.stdout
    assert not path.exists(), "what it finds is mended by other settings, and those would be another run's"
