"""Cues and differing words, set off in the text of an answer that is read as Markdown.

The parser is the one that knows which characters of the source become text, so it is asked: a pair of characters that
no text contains is put around each highlight, the source is parsed, and where the pair comes out as text, whoever draws
it turns it into a style. A highlight that would change what the parser sees (inside code, a link's address, a URL) is
left out; the parse is compared with that of the bare source, so the text is always exactly what it would be without.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from markdown_it.token import Token

from lacie_chat.answer_markdown import AnswerMarkdown
from lacie_chat.confidence.assessment import Span

HighlightKind = Literal["hedge", "booster", "differs", "hedge differs", "booster differs"]

# Unicode sets these "noncharacters" aside for use inside a program; they never stand in real text.
_CLOSE = "\ufdd2"
_OPEN: dict[HighlightKind, str] = dict(zip(get_args(HighlightKind), "\ufdd0\ufdd1\ufdd3\ufdd4\ufdd5", strict=True))
KINDS: dict[str, HighlightKind] = {sign: kind for kind, sign in _OPEN.items()}
SIGNS = re.compile("[\ufdd0-\ufdd5]")


@dataclass(frozen=True, slots=True)
class Highlight:
    """Characters `start` to `end` (exclusive) of the response."""

    start: int
    end: int
    kind: HighlightKind


class HighlightingParser(AnswerMarkdown):
    """The parser of answers, whose text tokens carry signs around the highlights."""

    def __init__(self, highlights: Sequence[Highlight] = ()) -> None:
        super().__init__()
        self.highlights = highlights

    def parse(self, src: str, env: Any = None) -> list[Token]:
        bare = super().parse(src, env)
        if not self.highlights or SIGNS.search(src):
            return bare
        signed = super().parse(_signed(src, self.highlights))
        if _same(bare, signed):
            return signed
        # Seldom: find the highlights that don't stand in plain text, and leave those out.
        signed = super().parse(_signed(src, self._plain(src, bare, self.highlights)))
        return signed if _same(bare, signed) else bare

    def _plain(self, src: str, bare: Sequence[Token], highlights: Sequence[Highlight]) -> list[Highlight]:
        """The highlights that stand in plain text, by halves: a few parses for each that doesn't."""
        if _same(bare, super().parse(_signed(src, highlights))):
            return list(highlights)
        if len(highlights) == 1:
            return []
        half = len(highlights) // 2
        return self._plain(src, bare, highlights[:half]) + self._plain(src, bare, highlights[half:])


_WORD = re.compile(r"\w+(?:[.,'’-]\w+)*")
_BETWEEN = re.compile(r"[ ,;:.!?'\"()–—-]*")
_NUMBERED = re.compile(r"^\s*\d+(?=[.)]\s)", re.MULTILINE)


def words_in(text: str, spans: Sequence[Span]) -> list[Span]:
    """The runs of words inside `spans`, cut where Markdown's signs and list numbers stand: those can't be set off."""
    numbers = {match.end() for match in _NUMBERED.finditer(text)}
    runs: list[tuple[int, int]] = []
    for span in spans:
        inside = False
        for word in _WORD.finditer(text, span.start, span.end):
            if word.end() in numbers:
                inside = False
                continue
            if inside and _BETWEEN.fullmatch(text, runs[-1][1], word.start()):
                runs[-1] = (runs[-1][0], word.end())
            else:
                runs.append((word.start(), word.end()))
            inside = True
    return [Span(text[start:end], start, end) for start, end in runs]


def _signed(source: str, highlights: Iterable[Highlight]) -> str:
    """The source with a pair of signs around each highlight; of overlapping ones: the first one."""
    parts = []
    position = 0
    for each in sorted(highlights, key=lambda each: (each.start, -each.end)):
        if each.start < position or each.end > len(source) or each.start >= each.end:
            continue
        parts += [source[position : each.start], _OPEN[each.kind], source[each.start : each.end], _CLOSE]
        position = each.end
    return "".join(parts) + source[position:]


def _same(bare: Sequence[Token], signed: Sequence[Token]) -> bool:
    """Do both say the same, but for signs in plain text?"""
    if len(bare) != len(signed):
        return False
    for one, other in zip(bare, signed, strict=True):
        content = SIGNS.sub("", other.content) if other.type in ("text", "inline") else other.content
        if (one.type, one.tag, one.attrs, one.info, one.content) != (
            other.type,
            other.tag,
            other.attrs,
            other.info,
            content,
        ):
            return False
        if not _same(one.children or [], other.children or []):
            return False
    return True


def pieces(text: str) -> Iterator[tuple[str, HighlightKind | None]]:
    """The text of a parse in its pieces, without signs, each with what it is highlighted as."""
    position = 0
    kind: HighlightKind | None = None
    for sign in SIGNS.finditer(text):
        yield text[position : sign.start()], kind
        kind = KINDS.get(sign.group())
        position = sign.end()
    yield text[position:], kind
