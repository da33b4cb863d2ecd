"""A run folder and recipes from elsewhere: whatever stands in them, a stage ends in one line that names the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from any_json import ANY, changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lacie_training import dpo, judge, pairs
from lacie_training.errors import TrainingError
from lacie_training.foreign_yaml import NoYAML, parse_yaml
from lacie_training.learning.checkpoints import checkpoint_steps
from lacie_training.recipes.files import load_listener_recipe, load_recipe
from lacie_training.row_kinds import JUDGED, PAIRS, SAMPLES, SCORES, Kind, pairs_report, rows_of_kind
from lacie_training.run_folder import RunFolder, write_rows

from lacie_chat.errors import LacieError

SAMPLE: dict[str, Any] = {
    "id": "q#plain0", "question_id": "q", "question": "Who?", "answers": ["She"], "match": "exact", "style": "plain",
    "prompt": "Q: Who? A:", "draw": "q#plain0", "response": "She.", "finish": "stop", "tokens": 2,
}  # fmt: skip
HEARD = {**SAMPLE, "state": "answered", "answer_span": "She", "acceptance": 0.5, "correct": True}
PAIR = {
    "id": "a>b", "prompt": "Q:", "chosen": " a", "rejected": " b", "chosen_finished": True, "rejected_finished": False,
}  # fmt: skip
COUNT = load_recipe("smoke").questions.train.count * load_recipe("smoke").sample.per_question
"""Of the recipe's samples."""
ROWS = ((SAMPLES, SAMPLE), (JUDGED, HEARD), (PAIRS, PAIR), (SCORES, {"id": "step-1", "step": 1, "f1": 0.5}))


@given(st.data(), st.sampled_from(ROWS))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wrong_value_in_a_row_is_named(
    tmp_path: Path, data: st.DataObject, which: tuple[Kind, dict[str, Any]]
) -> None:
    kind, row = which
    path = tmp_path / "rows.jsonl"
    made = data.draw(changed(row))
    path.write_text(json.dumps(row) + "\n" + json.dumps(made) + "\n")
    try:
        assert rows_of_kind(path, kind) == [row, made]
        assert all(type(made.get(name)) in (type(row[name]), int, float, type(None)) for name in kind)
    except LacieError as error:
        assert len(str(error).splitlines()) == 1 and str(path) in str(error) and len(str(error)) < 400


@pytest.mark.parametrize(
    ("stage", "file", "rows", "broken", "why"),
    [
        (judge.run, "samples.jsonl", [SAMPLE] * COUNT, {"response": None}, f"row {COUNT}: 'response' is None"),
        (judge.run, "samples.jsonl", [SAMPLE] * COUNT, {"answers": "She"}, f"row {COUNT}: 'answers' is 'She'"),
        (pairs.run, "judged.jsonl", [HEARD] * 2, {"acceptance": "high"}, "row 2: 'acceptance' is 'high'"),
        (pairs.run, "judged.jsonl", [HEARD] * 2, {"acceptance": 7}, "row 2: 'acceptance' is 7"),
        (pairs.run, "judged.jsonl", [HEARD] * 2, {"correct": "x" * 100_000}, "row 2: 'correct' is 'xxx"),
        (dpo.train, "pairs.jsonl", [PAIR] * 3, {"chosen": ["a"]}, r"row 3: 'chosen' is \['a'\]"),
    ],
    ids=range(6),
)
def test_a_stage_names_the_row(
    tmp_path: Path,
    stage: Callable[[RunFolder], None],
    file: str,
    rows: list[dict[str, Any]],
    broken: dict[str, Any],
    why: str,
) -> None:
    folder = RunFolder.open(tmp_path, load_recipe("smoke"))
    made = [{**row, "id": f"q#plain{number}"} for number, row in enumerate(rows)]
    write_rows(tmp_path / file, [*made[:-1], {**made[-1], **broken}])
    with pytest.raises(TrainingError, match=why) as failed:
        stage(folder)
    assert len(str(failed.value).splitlines()) == 1 and len(str(failed.value)) < 400


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", "[" * 100_000, '{"accept_threshold": NaN}', '{"samples": "many"}']
)
def test_a_report_of_pairs_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs_report.json").write_text(text)
    with pytest.raises(TrainingError, match=r"pairs_report\.json"):
        pairs_report(tmp_path / "pairs_report.json")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "9" * 5000, "NaN"], ids=range(5))
def test_a_checkpoint_with_a_damaged_state_is_none(tmp_path: Path, text: str) -> None:
    for step, state in ((1, "{}"), (2, text)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert checkpoint_steps(tmp_path) == [1]


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
YAML = {
    "deep": ("a: " + "[" * 20_000, "nested too deeply"),
    "deep blocks": ("".join(" " * n + "a:\n" for n in range(60)), "nested too deeply"),
    "aliases": (BOMB, "it comes to over 100,000 values"),
    "an alias within itself": ("name: &a [*a]", "it comes to over 100,000 values"),
    "5,000 digits": ("seed: " + "9" * 5000, "Exceeds the limit"),
    "base 60": ("seed: " + ":".join(["1"] * 5000), "a number in it has too many digits"),
    "no date": ("name: 2021-99-99", "month must be in 1..12"),
    "a tag": ("name: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
    "two documents": ("a: 1\n---\nb: 2\n", "expected a single document"),
    "zeros": ("\0" * 64, "unacceptable character"),
    "an unknown alias": ("a: *b", "found undefined alias"),
    "a list as a key": ("? [a]\n: b\n", "found unhashable key"),
    "endless": ("# " + "x" * (2 << 20), "too long: over 1 MiB"),
}


@pytest.mark.parametrize(("text", "why"), YAML.values(), ids=list(YAML))
def test_a_recipe_that_is_none_is_one_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    for load in (load_recipe, load_listener_recipe):
        with pytest.raises(TrainingError, match=why) as failed:
            load(str(path))
        assert len(str(failed.value).splitlines()) == 1 and len(str(failed.value)) < 400
    with pytest.raises(TrainingError) as failed:
        load_recipe("smoke", [f"seed={text}"])
    assert len(str(failed.value).splitlines()) == 1 and len(str(failed.value)) < 500


@given(ANY)
@settings(max_examples=50)
def test_any_value_is_yaml_or_one_line(value: Any) -> None:
    try:
        parse_yaml(json.dumps(value))
    except NoYAML as error:
        assert len(str(error).splitlines()) == 1
