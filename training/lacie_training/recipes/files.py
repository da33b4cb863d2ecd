"""Recipes as files: found by name or path, changed by the command line, checked against the schema of `recipes`.

Any field can be set on the command line with `--set key.path=value`, where the value is read as YAML. There are two
kinds: those of a run, and those of a listener's adapter, which have `task` at their top.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from lacie_chat.foreign_json import beginning
from lacie_training.errors import TrainingError
from lacie_training.foreign_yaml import MOST_BYTES, NoYAML, parse_yaml
from lacie_training.recipes.errors import first_problem
from lacie_training.recipes.listening import ListenerRecipe
from lacie_training.recipes.schema import Recipe
from lacie_training.recipes.section import Section

RECIPES = Path(__file__).parent

_Kind = TypeVar("_Kind", bound=Section)


def available() -> list[str]:
    """Names of the recipes of runs that come with the project."""
    return sorted(set(_names()) - set(_of_listeners()))


def available_listeners() -> list[str]:
    """Names of the recipes of listeners' adapters that come with the project."""
    return sorted(_of_listeners())


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a run's recipe by name or file and apply `key.path=value` overrides. Raises TrainingError, one line."""
    if name_or_file in _of_listeners():
        raise TrainingError(f"{name_or_file!r} is no run's recipe: use it with `lacie train listener`")
    path = _find(name_or_file, available())
    return parse_recipe(_read(path, overrides), source=str(path))


def load_listener_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> ListenerRecipe:
    """As `load_recipe`, the recipe of a listener's adapter."""
    if name_or_file in available():
        raise TrainingError(f"{name_or_file!r} is the recipe of a run; there are: {', '.join(available_listeners())}")
    path = _find(name_or_file, available_listeners())
    return _checked(_read(path, overrides), ListenerRecipe, source=str(path))


def parse_recipe(data: Mapping[str, Any], *, source: str) -> Recipe:
    """Check plain values against the schema; the first problem becomes one line that names the field."""
    return _checked(data, Recipe, source=source)


def _names() -> list[str]:
    return [path.stem for path in RECIPES.glob("*.yaml")]


def _of_listeners() -> list[str]:
    """By their text: `--help` lists them, and is not to parse them all."""
    paths = {name: RECIPES / f"{name}.yaml" for name in _names()}
    return [name for name, path in paths.items() if re.search("^task:", path.read_text(encoding="utf-8"), re.MULTILINE)]


def _find(name_or_file: str, names: Sequence[str]) -> Path:
    path = Path(name_or_file)
    if not path.suffix:
        path = RECIPES / f"{name_or_file}.yaml"
        if not path.is_file():
            raise TrainingError(f"no recipe {name_or_file!r}; there are: {', '.join(names)}, or give a YAML file")
    return path


def _read(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise TrainingError(f"recipe {path} is not a mapping of settings")
    for override in overrides:
        _apply(data, override)
    return data


def read_yaml(path: Path) -> Any:
    """What a recipe's file holds. Raises TrainingError, one line: not there, no YAML, too long or too deep."""
    try:
        return parse_yaml(beginning(path, MOST_BYTES + 1))
    except OSError as error:
        raise TrainingError(f"recipe {path} can't be read: {error}") from error
    except NoYAML as error:
        raise TrainingError(f"recipe {path} is not valid YAML: {error}") from error


def _checked(data: Mapping[str, Any], kind: type[_Kind], *, source: str) -> _Kind:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise TrainingError(f"recipe {source}: {first_problem(error, kind)}") from error


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    shown = override if len(override) <= 80 else f"{override[:79]}…"
    if not equals or not key.strip():
        raise TrainingError(f"--set {shown!r} is not of the form key.path=value")
    try:
        value = parse_yaml(text)
    except NoYAML as error:
        raise TrainingError(f"--set {shown!r}: the value is not valid YAML: {error}") from error
    if isinstance(value, str):  # YAML 1.1 reads 5e-4 as text; a number is meant
        with suppress(ValueError):
            value = float(value)
    node = data
    *parents, last = key.strip().split(".")
    for part in parents:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise TrainingError(f"--set {shown!r}: {part!r} is not a section")
        node = child
    node[last] = value
