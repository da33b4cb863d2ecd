"""What may go into the database, and in which form."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

TITLE_LENGTH = 60


def timestamp() -> str:
    """ISO 8601 in UTC, always with microseconds, so that text order is time order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def storable(text: str) -> str:
    """The text with what can't be kept replaced: lone surrogates (a terminal's stray bytes; UTF-8 has none) and NUL
    (SQLite's text functions end there)."""
    return re.sub("[\ud800-\udfff\\0]", "\ufffd", text)


def one_line(text: str) -> str:
    """A title: its white space as single spaces, and cut where it is long."""
    line = " ".join(storable(text).split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def as_json(value: Mapping[str, Any] | None) -> str | None:
    """An object, or nothing."""
    return None if value is None else json.dumps(dict(value))


def compact_json(value: Sequence[Any]) -> str:
    """A long list, without spaces; ASCII, so that whatever bytes a model wrote can be kept."""
    return json.dumps(value, separators=(",", ":"))
