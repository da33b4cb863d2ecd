"""A response cut into sentences, well enough for judging forms: abbreviations and initials do not end one."""

import re

from lacie_chat.confidence.assessment import Span

_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|prof|jr|sr|vs|no|vol|approx|ca|e\.g|i\.e|[a-z])|^\s*\d+)$", re.IGNORECASE
)
_END = re.compile(r"[.!?…]+[*_\"'”’)\]]*(?=\s|$)|\n+")


def sentences(text: str) -> list[Span]:
    """The sentences of `text` with their offsets, without the white space around them; linear in its length."""
    found: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        is_dot = match.group().startswith(".") and match.group() != "..."
        if is_dot and _ABBREVIATION.search(text[max(start, match.start() - 8) : match.start()]):
            continue
        _append(found, text, start, match.end())
        start = match.end()
    _append(found, text, start, len(text))
    return found


def _append(found: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    stripped = piece.strip()
    if stripped:
        found.append(Span(stripped, start + left, start + left + len(stripped)))
