"""Runs that were begun before a change of the schema go on after it: their stored recipes keep their identity.

`begun_runs/` holds `recipe.yaml` as run folders held it on 2026-11-28, and is not to be written anew.
"""

from pathlib import Path

import pytest
import yaml
from lacie_training.recipes.files import parse_recipe

BEGUN = Path(__file__).parent / "begun_runs"


@pytest.mark.parametrize(("name", "digest"), [("smoke", "a264b9110d85bd0b"), ("mistral-7b", "6e3785f910936b99")])
def test_a_run_that_was_begun_keeps_its_identity(name: str, digest: str) -> None:
    stored = BEGUN / f"{name}.yaml"
    assert parse_recipe(yaml.safe_load(stored.read_text()), source=str(stored)).digest() == digest
