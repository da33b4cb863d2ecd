"""Recipes as files: found by name or path, changed by the command line, checked against the schema of `recipes`.

Any field can be set on the command line with `--set key.path=value`, where the value is read as YAML.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lacie_training.errors import TrainingError
from lacie_training.recipes.errors import first_problem
from lacie_training.recipes.schema import Recipe

RECIPES = Path(__file__).parent


def available() -> list[str]:
    """Names of the recipes that come with the project."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by name or file and apply `key.path=value` overrides. Raises TrainingError, one line."""
    path = Path(name_or_file)
    if not path.suffix:
        path = RECIPES / f"{name_or_file}.yaml"
        if not path.is_file():
            raise TrainingError(f"no recipe {name_or_file!r}; there are: {', '.join(available())}, or give a YAML file")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"recipe {path} can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise TrainingError(f"recipe {path} is not valid YAML: {_one_line(error)}") from error
    if not isinstance(data, dict):
        raise TrainingError(f"recipe {path} is not a mapping of settings")
    for override in overrides:
        _apply(data, override)
    return parse_recipe(data, source=str(path))


def parse_recipe(data: Mapping[str, Any], *, source: str) -> Recipe:
    """Check plain values against the schema; the first problem becomes one line that names the field."""
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise TrainingError(f"recipe {source}: {first_problem(error, Recipe)}") from error


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise TrainingError(f"--set {override!r} is not of the form key.path=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TrainingError(f"--set {override!r}: the value is not valid YAML: {_one_line(error)}") from error
    if isinstance(value, str):  # YAML 1.1 reads 5e-4 as text; a number is meant
        with suppress(ValueError):
            value = float(value)
    node = data
    *parents, last = key.strip().split(".")
    for part in parents:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise TrainingError(f"--set {override!r}: {part!r} is not a section")
        node = child
    node[last] = value


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
