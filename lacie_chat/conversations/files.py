"""Exported conversations as files: what they are called, and that none is ever written over."""

import re
from contextlib import suppress
from pathlib import Path

from lacie_chat.conversations.errors import StoreError
from lacie_chat.conversations.records import Conversation
from lacie_chat.conversations.store import Format

FORMATS: dict[str, Format] = {"md": "markdown", "markdown": "markdown", "json": "json", "html": "html"}
"""By the names that are typed."""

_ENDINGS: dict[Format, str] = {"markdown": "md", "json": "json", "html": "html"}
_LONGEST = 40


def format_of(path: Path) -> Format:
    """The format that a file's name asks for; Markdown where it says nothing."""
    ending = path.suffix.lower().removeprefix(".")
    return FORMATS.get("html" if ending == "htm" else ending, "markdown")


def write_new(path: Path, text: str) -> None:
    """Write a file that isn't there yet, whole or not at all. Raises StoreError, one line."""
    try:
        file = path.open("x", encoding="utf-8", newline="\n")
    except FileExistsError:
        raise StoreError(f"{path} is there already; give another name") from None
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror}") from None
    try:
        with file:
            file.write(text)
    except OSError as error:  # a full disk: half a conversation under this name would pass for all of it
        with suppress(OSError):
            path.unlink()
        raise StoreError(f"can't write {path}: {error.strerror}") from None


def write_into(folder: Path, conversation: Conversation, text: str, format: Format) -> Path:
    """Write an export under a name made of the title and the id, with a number behind it where that is taken; the file.
    Raises StoreError, one line, if the folder can't be written."""
    words = re.findall(r"\w+", conversation.title.lower())
    stem = "-".join([*("-".join(words)[:_LONGEST].strip("-_") or "conversation").split(), conversation.id])
    for number in range(1, 1000):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.{_ENDINGS[format]}"
        if not path.exists():
            write_new(path, text)
            return path
    raise StoreError(f"{folder} has too many exports of this conversation; move some away")
