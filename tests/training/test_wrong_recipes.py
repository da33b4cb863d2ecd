"""A recipe's file may hold anything: what is wrong with it is one line, and nothing is parsed without bounds."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lacie_training.errors import TrainingError
from lacie_training.recipes.files import load_listener_recipe, load_recipe
from lacie_training.run_folder import read_recipe

WRONG = {
    "deep lists": ("[" * 50_000, "nested too deeply"),
    "deep mappings": ("{a: " * 50_000, "nested too deeply"),
    "digits": ("name: " + "9" * 5_000, "is not valid YAML"),
    "long": ("a: b\n" * (1 << 18), "too long: over 1 MiB"),
    "a text": ("text", "is not a mapping"),
    "a list": ("[1, 2]", "is not a mapping"),
    "a tag": ("!!python/object/apply:os.system [echo]", "is not valid YAML"),
    "wrong types": ("name: [1]\nspeaker: 3\nquestions: text", "recipe"),
    "another key": ("{? [a, b] : c}", "recipe"),
    "no UTF-8": ("caf\udce9: 1", "not UTF-8"),
}


@pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_recipe_is_one_line(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for read in (load_recipe, load_listener_recipe, lambda _: read_recipe(tmp_path)):
        with pytest.raises(TrainingError) as failed:
            read(str(path))
        assert len(str(failed.value).splitlines()) == 1 and len(str(failed.value)) < 600
        if read is load_recipe:
            assert why in str(failed.value)


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_recipe_or_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(TrainingError):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("[" * 5_000, "the value is not valid YAML"),
        ("9" * 5_000, "the value is not valid YAML"),
        (".nan", "finite number"),
        ("-.inf", "finite number"),
        ("{? [a] : b}", "not valid YAML"),
        ("!!python/name:os.system", "the value is not valid YAML"),
    ],
)
def test_a_wrong_setting_of_the_command_line_is_one_line(value: str, why: str) -> None:
    with pytest.raises(TrainingError, match=why) as failed:
        load_recipe("smoke", [f"dpo.learning_rate={value}"])
    assert len(str(failed.value).splitlines()) == 1
