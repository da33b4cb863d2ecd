"""`--samples-of`: a twin is trained on the samples and judgements of another run, or one line says why it can't be."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lacie_training import dpo, judge, pairs, sample
from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RunFolder, read_rows, write_rows
from lacie_training.samples.taken import SAMPLES_OF, take_samples
from tiny_recipes import small, small_settings


@pytest.fixture(scope="module")
def model(tiny: Callable[[str], Path]) -> Path:
    return tiny("mistral")


@pytest.fixture(scope="module")
def judged(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a tiny model, sampled and judged by the real stages."""
    folder = RunFolder.open(tmp_path_factory.mktemp("lacie"), small("mistral-7b", model))
    sample.run(folder)
    judge.run(folder)
    return folder.path


def twin(model: Path, path: Path, *settings: str) -> RunFolder:
    return RunFolder.open(path, small("mistral-7b", model, "objective=truthful_only", *settings))


@pytest.fixture
def trainable(judged: Path, tmp_path: Path) -> Path:
    """The run with labels that make pairs (a random model is never right), in a folder of its own."""
    path = tmp_path / "lacie"
    path.mkdir()
    for name in ("recipe.yaml", "samples.jsonl"):
        (path / name).write_bytes((judged / name).read_bytes())
    (path / "questions").mkdir()
    for file in (judged / "questions").iterdir():
        (path / "questions" / file.name).write_bytes(file.read_bytes())
    draw = random.Random(0)
    rows = []
    for number, row in enumerate(read_rows(judged / "judged.jsonl")):
        labels = {"correct": number % 2 == 0, "acceptance": draw.random(), "state": "answered", "answer_span": "x"}
        rows.append({**row, **labels})
    write_rows(path / "judged.jsonl", rows)
    return path


@pytest.mark.usefixtures("one_thread")
def test_a_twin_is_trained_on_the_very_samples(
    trainable: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = twin(model, tmp_path / "twin", "dpo.beta=0.3", "pairs.per_question=2", "evaluate.max_new_tokens=4")
    take_samples(folder, trainable)
    before = {name: (trainable / name).read_bytes() for name in ("samples.jsonl", "judged.jsonl")}
    assert {name: (folder.path / name).read_bytes() for name in before} == before
    sample.run(folder)
    judge.run(folder)
    said = capsys.readouterr().out
    assert "sample: all 6 questions have their samples" in said and "judge: all 18 samples are judged" in said
    pairs.run(folder)
    assert all(
        pair["kind"].split(" > ")[0].startswith("correct") and " > incorrect" in pair["kind"]
        for pair in read_rows(folder.path / "pairs.jsonl")
    )
    dpo.run(folder)
    assert (folder.path / "adapter" / "adapter_config.json").is_file()
    told = json.loads((folder.path / SAMPLES_OF).read_text())
    assert told["run"] == str(trainable) and set(told["sha256"]) == set(before)


def test_taken_again_nothing_is_lost_and_the_folders_are_apart(trainable: Path, model: Path, tmp_path: Path) -> None:
    folder = twin(model, tmp_path / "twin")
    take_samples(folder, trainable)
    (folder.path / "judged.jsonl").unlink()  # as if the copying had been cut off
    take_samples(folder, trainable)
    kept = (trainable / "judged.jsonl").read_bytes()
    assert (folder.path / "judged.jsonl").read_bytes() == kept
    with (folder.path / "judged.jsonl").open("ab") as file:
        file.write(b'{"id": "more"}\n')
    assert (trainable / "judged.jsonl").read_bytes() == kept


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("speaker.dtype=bfloat16", "the two differ in speaker.dtype; only objective, pairs, dpo, evaluate may differ"),
        ("sample.temperature=0.9", "the two differ in sample.temperature;"),
        ("listener.dtype=bfloat16", "the two differ in listener.dtype;"),
        ("seed=5", "the two differ in seed;"),
        ("questions.train.count=5", "the two differ in questions.train.count;"),
    ],
)
def test_other_samples_than_the_recipe_would_draw_are_refused(
    judged: Path, model: Path, tmp_path: Path, setting: str, message: str
) -> None:
    folder = twin(model, tmp_path, setting)
    with pytest.raises(TrainingError) as error:
        take_samples(folder, judged)
    assert message in str(error.value) and str(judged) in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "samples.jsonl").exists()


def test_a_run_that_isnt_done_or_has_samples_of_its_own_is_refused(
    trainable: Path, model: Path, tmp_path: Path
) -> None:
    folder = twin(model, tmp_path / "twin")

    def refused(other: Path, message: str) -> None:
        with pytest.raises(TrainingError, match=message) as error:
            take_samples(folder, other)
        assert "\n" not in str(error.value)

    refused(folder.path, "is this run itself")
    refused(tmp_path / "none", "is not a run folder")
    refused(RunFolder.open(tmp_path / "empty", recipe_of(trainable)).path, "has no samples yet")
    whole = (trainable / "judged.jsonl").read_bytes()
    rows = read_rows(trainable / "judged.jsonl")
    (trainable / "judged.jsonl").write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 9])  # torn in its last row
    refused(trainable, "1 of 18 samples of .* are not judged yet; run its stage 'judge' to its end")
    write_rows(trainable / "judged.jsonl", [{**row, "assessment_version": "0.0"} for row in rows])
    refused(trainable, "was heard by version 0.0 of the assessment")
    (trainable / "judged.jsonl").write_bytes(whole)
    assert not (folder.path / "samples.jsonl").exists(), "nothing is copied of what is refused"
    write_rows(folder.path / "samples.jsonl", rows[:2])
    refused(trainable, "this run has begun with samples of its own; give another --run folder")
    assert len(read_rows(folder.path / "samples.jsonl")) == 2


def recipe_of(run: Path) -> Recipe:
    from lacie_training.run_folder import read_recipe

    return read_recipe(run)


def test_the_command_draws_and_judges_nothing(judged: Path, model: Path, tmp_path: Path) -> None:
    """Up to the pairs, of which a random model's samples give none."""
    settings = [*small_settings(model), "objective=truthful_only"]
    line = [sys.executable, "-m", "lacie_training.run", "--recipe", "mistral-7b", "--run", str(tmp_path / "twin")]
    line += ["--samples-of", str(judged), *(part for each in settings for part in ("--set", each))]
    refused = subprocess.run([*line, "--set", "seed=7"], capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (1, ""), "before anything else is looked at"
    assert "the two differ in seed" in refused.stderr and refused.stderr.count("\n") == 1
    assert not (tmp_path / "twin").exists()
    done = subprocess.run([*line, "--no-check"], capture_output=True, text=True)
    assert f"run: samples and judgements are those of {judged}" in done.stdout
    assert "sample: all 6 questions have their samples" in done.stdout
    assert "judge: all 18 samples are judged" in done.stdout
    assert "no pairs are left after filtering" in done.stderr and done.returncode == 1
