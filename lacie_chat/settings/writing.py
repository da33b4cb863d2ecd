"""Writing the settings file: what the user wrote there, comments and order included, stays as it is.

A value goes where its option stands, else in the place of the line that documents it (`# temperature = 0.2`), else
behind the other options. The file is written beside itself and then takes its place: it is there whole or not at all.
"""

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Item

from lacie_chat.private import private_folder
from lacie_chat.settings.errors import SettingsError
from lacie_chat.settings.file import KEYS, PRESETS, SettingsFile, parse_settings, read_settings
from lacie_chat.settings.kinds import Value
from lacie_chat.settings.template import template


def set_values(path: Path, values: Mapping[str, Value | None]) -> SettingsFile:
    """Give options these values; None takes one out, so that its default holds. Returns the file as it now is. Raises
    SettingsError, one line, where it can't be written, or can't be read, and then it is as it was."""

    def change(text: str) -> str:
        for name, value in values.items():
            text = _set(text, name, value)
        return text

    return _change(path, change)


def save_preset(path: Path, name: str, values: Mapping[str, Value]) -> SettingsFile:
    """Make a preset, or give it these values and no others."""

    def change(text: str) -> str:
        document = tomlkit.parse(text)
        presets = document.setdefault(PRESETS, tomlkit.table(is_super_table=True))
        table = presets.get(name)
        if table is None:
            presets[name] = table = tomlkit.table()
        for gone in set(table) - set(values):
            del table[gone]
        for option, value in values.items():
            table[option] = _item(value)
        return tomlkit.dumps(document)

    return _change(path, change)


def add_keys(path: Path, keys: Mapping[str, str]) -> SettingsFile:
    """Put remapped keys into the file, but those of actions that it names already."""

    def change(text: str) -> str:
        document = tomlkit.parse(text)
        known = parse_settings(text, path).keys
        table = document.setdefault(KEYS, tomlkit.table())
        for name, value in keys.items():
            if name not in known:
                table[name] = value
        return tomlkit.dumps(document)

    return _change(path, change)


def write_template(path: Path) -> bool:
    """Write the documented file; False, and nothing happens, where there is one."""
    if path.exists() or path.is_symlink():
        return False
    _write(path, template())
    return True


def _change(path: Path, change: Callable[[str], str]) -> SettingsFile:
    before = read_settings(path)
    if before.unreadable:
        raise SettingsError(f"{before.problems[0]}; nothing is written into it until that is mended")
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else template()
        text = change(text)
    except (OSError, TOMLKitError) as error:
        raise SettingsError(f"{path} can't be changed: {error}") from error
    after = parse_settings(text, path)
    if after.unreadable:
        raise SettingsError(f"{path} can't be changed there; edit it by hand: lacie settings edit")
    _write(path, text)
    return after


def _set(text: str, name: str, value: Value | None) -> str:
    document = tomlkit.parse(text)
    if value is None:
        if name in document:
            del document[name]
        return tomlkit.dumps(document)
    if name not in document and (place := _documented(text, name)) is not None:
        own = tomlkit.document()
        own[name] = _item(value)
        text = text[: place[0]] + tomlkit.dumps(own).rstrip("\n") + text[place[1] :]
        if name in tomlkit.parse(text):
            return text
    document[name] = _item(value)
    return tomlkit.dumps(document)


def _documented(text: str, name: str) -> tuple[int, int] | None:
    """Where the line stands that shows the option in a comment, before any table."""
    table = re.search(r"^\s*\[", text, re.MULTILINE)
    found = re.search(rf"^#\s*{re.escape(name)}\s*=.*$", text[: table.start() if table else None], re.MULTILINE)
    return found.span() if found else None


def _item(value: Value) -> Item:
    if isinstance(value, str) and "\n" in value:
        return tomlkit.string("\n" + value if value.startswith("\n") else value, multiline=True)
    item: Any = tomlkit.item(value)
    return item  # type: ignore[no-any-return]


def _write(path: Path, text: str) -> None:
    partial: Path | None = None
    try:
        path = path.resolve()  # where it is a link, what it leads to is written
        private_folder(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".config-", suffix=".partial")
        partial = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        partial.replace(path)
    except OSError as error:
        if partial is not None:
            with suppress(OSError):
                partial.unlink()
        raise SettingsError(f"{path} can't be written: {error.strerror or error}") from error
