"""What is wrong with a recipe, in one line that names the field; for an unknown key also the nearest one there is."""

import difflib
import reprlib
from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError


def first_problem(error: ValidationError, root: type[BaseModel]) -> str:
    """The first unknown key, else the first of the problems. `root` is the schema that was not met."""
    problems = error.errors()
    first = next((each for each in problems if each["type"] == "extra_forbidden"), problems[0])
    where, section = _place(first["loc"], root)
    if first["type"] == "extra_forbidden":
        return f"unknown key {where!r}{_nearest(where, section, root)}"
    if first["type"] == "value_error":  # one of our own validators: it names what it got
        return f"{where or 'recipe'}: {first['msg'].removeprefix('Value error, ')}"
    # a field that may be one of several things fails as each of them
    said = dict.fromkeys(each["msg"] for each in problems if _place(each["loc"], root)[0] == where)
    return f"{where or 'recipe'}: {'; or '.join(said)} (got {reprlib.repr(first['input'])})"


def _place(location: tuple[int | str, ...], root: type[BaseModel]) -> tuple[str, type[BaseModel]]:
    """The dotted path of an error, without the names pydantic gives to the branches of a union, and the section
    that the path's last key stands in.
    """
    path: list[str] = []
    kind: Any = root
    section = root
    for part in location:
        choices = [each for each in get_args(kind) if each is not NoneType]
        if get_origin(kind) not in (list, dict) and len(choices) == 1:  # Optional
            kind = choices[0]
        if _is_section(kind):
            section = kind
            path.append(str(part))
            kind = kind.model_fields[str(part)].annotation if part in kind.model_fields else None
        elif get_origin(kind) in (list, dict):
            path.append(str(part))
            kind = get_args(kind)[-1]
        else:
            break
    return ".".join(path), section


def _nearest(where: str, section: type[BaseModel], root: type[BaseModel]) -> str:
    """`; did you mean …?` with the closest field of the section where the unknown key stands, or of any section."""
    key = where.rpartition(".")[2]
    near = difflib.get_close_matches(key, section.model_fields, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    elsewhere = {path.rpartition(".")[2]: path for path in reversed(list(_paths(root)))}
    near = difflib.get_close_matches(key, elsewhere, n=1, cutoff=0.85)
    if near:
        return f"; did you mean {elsewhere[near[0]]!r}?"
    return f"; there are: {', '.join(section.model_fields)}"


def _paths(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        if _is_section(field.annotation):
            yield from _paths(field.annotation, f"{prefix}{name}.")  # type: ignore[arg-type]


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
