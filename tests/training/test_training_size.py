"""The benchmark of the training's stages, rehearsed on a tiny model: all it measures, and the tables that it prints."""

import json
from pathlib import Path

import pytest
from lacie_training.recipes.files import load_recipe

from tests.benchmarks import training_size
from tests.benchmarks.training_size_hours import hours
from tests.benchmarks.training_size_model import SHAPES, cut_tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = (
    "speaker.chunk=4",
    "speaker.batch_size=4",
    "listener.batch_size=2",
    "sample.styles=[{name: plain, count: 2}]",
    "sample.max_new_tokens=4",
    "dpo.pairs_per_step=2",
    "dpo.per_device_batch=2",
)


def test_every_stage_is_measured_beside_what_stands_in_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = [option for setting in QUICK for option in ("--set", setting)]
    file = tmp_path / "figures.json"
    line = ["--shapes", "tiny", "--seconds", "0.1", "--json", str(file), "--model", str(tmp_path / "model")]
    assert training_size.main([*line, *overrides]) == 0
    figures = json.loads(file.read_text())
    by_name = {each["what"]: each for each in figures["measured"]}
    assert list(by_name) == [
        "sampling",
        "generate, 1 question at once",
        "generate, 2 questions at once",
        "judging",
        "reference",
        "training, without checkpointing",
        "training, with checkpointing",
        "TRL's defaults",
    ]
    for what, each in by_name.items():
        assert not each["failed"] and all(rate > 0 for rate in each["rates"].values()), what
    assert by_name["judging"]["rates"]["heard"] > 0, "answers are found, so there is something to hear"
    assert all(each["flops"] > 0 for what, each in by_name.items() if what != "judging")
    assert (tmp_path / "model" / "config.json").is_file()
    said = capsys.readouterr().out
    assert "| TRL's defaults |" in said and "measured |" not in said.splitlines()[0]
    assert "| `mistral-7b` |" in said and "| `llama3-70b` |" in said


def test_hours_are_counts_over_rates() -> None:
    recipe = load_recipe("mistral-7b")
    rates = {
        "sampling": {"tokens": 80_000.0},
        "judging": {"samples": 100.0},
        "reference": {"pairs": 50.0},
        "training, with checkpointing": {"pairs": 25.0},
    }
    found = hours(recipe, rates, round(7.24e9))
    assert found["sample"] == pytest.approx(100_000 * 80 / 80_000 / 3600)
    assert found["judge"] == pytest.approx(100_000 / 100 / 3600)
    assert found["train"] == pytest.approx(15_000 / 25 / 3600)
    assert hours(recipe, rates, round(3.62e9))["train"] == pytest.approx(2 * found["train"]), "twice the parameters"
    assert hours(load_recipe("smoke", ["speaker.model=other.gguf"]), rates, 10**9) == {}, "of a size nobody knows"


def test_shapes_are_those_of_the_models_they_are_named_after() -> None:
    assert training_size.weights_of(SHAPES["7b"]) == pytest.approx(7.24e9 - 32000 * 4096, rel=0.01)
    assert training_size.weights_of(SHAPES["135m"]) == pytest.approx(134.5e6, rel=0.01)
    tokenizer = cut_tokenizer(4096)
    ids = tokenizer("Which is the longest river?").input_ids
    assert max(ids) < 4096 and tokenizer.decode(ids) == "Which is the longest river?"
