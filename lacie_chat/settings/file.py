"""The settings file as it is read: its values, presets and keys, and one line for everything that is wrong with it.

What is wrong is left out and the rest counts, so that a slip in the file never keeps a chat from opening; who can't go
on with half of it calls `checked`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lacie_chat import paths
from lacie_chat.foreign_json import beginning
from lacie_chat.settings.errors import SettingsError
from lacie_chat.settings.kinds import Value
from lacie_chat.settings.options import BY_NAME, OF_ANSWER

PRESETS, KEYS = "presets", "keys"
_LARGEST = 1 << 20
"""Bytes of the file; a long system prompt has some thousands."""


@dataclass(frozen=True)
class SettingsFile:
    """What stands in the file at `path`. `unreadable`: it is no TOML at all, or can't be opened."""

    path: Path = field(default_factory=paths.settings_path)
    values: Mapping[str, Value] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    unreadable: bool = False

    def checked(self) -> "SettingsFile":
        """Itself. Raises SettingsError with its first problem, and how many more there are."""
        if self.problems:
            more = f" ({len(self.problems) - 1} more: lacie settings show)" if len(self.problems) > 1 else ""
            raise SettingsError(self.problems[0] + more)
        return self

    def preset(self, name: str) -> Mapping[str, Value]:
        """The preset of this name. Raises SettingsError, one line, where there is none."""
        if name in self.presets:
            return self.presets[name]
        there = f"there are: {', '.join(self.presets)}" if self.presets else f"write [presets.{name}] into {self.path}"
        raise SettingsError(f"there is no preset {name!r}{nearest(name, self.presets) or f'; {there}'}")


def read_settings(path: Path | None = None) -> SettingsFile:
    """The file (None: the user's), empty where there is none; never raises for what stands in it."""
    path = path or paths.settings_path()
    try:
        raw = beginning(path, _LARGEST + 1)
        if len(raw) > _LARGEST:
            return SettingsFile(path, problems=(f"{path} is too long: over {_LARGEST >> 20} MiB",), unreadable=True)
        text = raw.decode("utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        return SettingsFile(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return SettingsFile(path, problems=(f"{path} can't be read: {why}",), unreadable=True)
    return parse_settings(text, path)


def parse_settings(text: str, path: Path) -> SettingsFile:
    """The same of a text."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _no_toml(path, str(error))
    except ValueError:  # of int() itself
        return _no_toml(path, "it holds a number of thousands of digits")
    except RecursionError:
        return _no_toml(path, "it is nested too deeply")
    return _Reading(path).read(table)


def _no_toml(path: Path, why: str) -> SettingsFile:
    line = f"{path} is no TOML: {why[:1].lower()}{why[1:]}"
    return SettingsFile(path, problems=(line,), unreadable=True)


def nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """`; did you mean NAME?`, or nothing."""
    found = get_close_matches(name.lower().replace("-", "_"), list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def checked_values(table: Mapping[str, Any]) -> dict[str, Value]:
    """Those of a table's options of an answer that are as they should be: what a conversation keeps may be older."""
    found = {}
    for option in OF_ANSWER:
        try:
            found[option.name] = option.kind.check(table[option.name])
        except (KeyError, ValueError):
            continue
    return found


class _Reading:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []

    def read(self, table: Mapping[str, Any]) -> SettingsFile:
        presets = {
            name: self._values(self._table(content, f"{PRESETS}.{name}"), f"{PRESETS}.{name}.")
            for name, content in self._table(table.get(PRESETS, {}), PRESETS).items()
        }
        values = self._values({name: value for name, value in table.items() if name not in (PRESETS, KEYS)}, "")
        keys = self._keys(self._table(table.get(KEYS, {}), KEYS))
        return SettingsFile(self._path, values, presets, keys, tuple(self._problems))

    def _wrong(self, problem: str) -> None:
        self._problems.append(f"{self._path}: {problem}")

    def _table(self, content: Any, name: str) -> Mapping[str, Any]:
        if isinstance(content, dict):
            return content
        self._wrong(f"{name} is not a table; write [{name}] on a line of its own")
        return {}

    def _values(self, table: Mapping[str, Any], before: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, value in table.items():
            option = BY_NAME.get(name)
            if option is None:
                self._wrong(f"there is no option {before}{name}{nearest(name, BY_NAME)}")
            elif before and not option.of_answer:
                self._wrong(f"{before}{name} can't be in a preset; write {name} above the tables")
            else:
                try:
                    found[name] = option.kind.check(value)
                except ValueError as wanted:
                    self._wrong(f"{before}{name} is {_shown(value)}, which is not {wanted}")
        return found

    def _keys(self, table: Mapping[str, Any]) -> dict[str, str]:
        """Dotted ids stand in quotes, or are tables within tables: both mean the same."""
        found: dict[str, str] = {}
        for name, value in _flat(table).items():
            if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
                value = ",".join(value)
            if isinstance(value, str) and value.strip():
                found[name] = ",".join(key.strip() for key in value.split(",") if key.strip())
            else:
                self._wrong(f'keys.{name} is {_shown(value)}, which is not keys in quotes, as in "f2,ctrl+n"')
        return found


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def _shown(value: Any) -> str:
    """A value as TOML has it, short."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
