"""Texts of our own, as YAML beside this file: whole texts with what they are worth, and parts to compose others from.

YAML and not JSON lines, so that a comment can say where a value comes from.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent

Valued = tuple[float, str]
"""What a text is worth, from 0 to 1, and the text."""


@cache
def _read(name: str) -> dict[str, list[Any]]:
    read: dict[str, list[Any]] = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return read


def parts(file: str, section: str) -> tuple[str, ...]:
    """The texts of a section that have no value of their own, in the file's order."""
    return tuple(_read(file)[section])


def valued(file: str, section: str) -> tuple[Valued, ...]:
    """The texts of a section and what they are worth, in the file's order."""
    return tuple((float(value), text) for value, text in _read(file)[section])
