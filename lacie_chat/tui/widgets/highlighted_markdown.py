"""From characters of a response to characters on the screen: cues and differing words, set off in rendered Markdown.

How an answer is read as Markdown, answer_markdown.py says; here it comes to the screen, with every space and line end.

The parser is the one that knows which characters of the source become text, so it is asked: a pair of characters that
no text contains is put around each highlight, the source is parsed, and where the pair comes out as text it is turned
into a style. A highlight that would change what the parser sees (inside code, a link's address, a URL) is left out; the
parse is compared with that of the bare source, so the text on the screen is always exactly what it would be without.

Hedges are italic and underlined, boosters bold and underlined: the two differ without colour, and without italics.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markdown_it.token import Token
from textual.await_complete import AwaitComplete
from textual.content import Content
from textual.style import Style
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownBlock

from lacie_chat.answer_markdown import AnswerMarkdown
from lacie_chat.confidence.assessment import Span
from lacie_chat.tui.widgets.code_fence import CodeFence
from lacie_chat.tui.widgets.markdown_blocks import Verbatim, WrittenNumbers

HighlightKind = Literal["hedge", "booster", "differs", "hedge differs", "booster differs"]

STYLES: dict[HighlightKind, Style | str] = {
    "hedge": Style(italic=True, underline=True),
    "booster": Style(bold=True, underline=True),
    "differs": "on $primary-muted",
    "hedge differs": "italic underline on $primary-muted",
    "booster differs": "bold underline on $primary-muted",
}

# Unicode sets these "noncharacters" aside for use inside a program; they never stand in real text.
_CLOSE = "\ufdd2"
_OPEN: dict[HighlightKind, str] = dict(zip(STYLES, "\ufdd0\ufdd1\ufdd3\ufdd4\ufdd5", strict=True))
_KINDS: dict[str, HighlightKind] = {sign: kind for kind, sign in _OPEN.items()}
_SIGNS = re.compile("[\ufdd0-\ufdd5]")


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
        if not self.highlights or _SIGNS.search(src):
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
        content = _SIGNS.sub("", other.content) if other.type in ("text", "inline") else other.content
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


def reveal(content: Content) -> Content:
    """The content without signs, and with the styles that they stood for."""
    plain = content.plain
    if not _SIGNS.search(plain):
        return content
    parts: list[Content] = []
    position = 0
    kind: HighlightKind | None = None
    for sign in _SIGNS.finditer(plain):
        part = content[position : sign.start()]
        parts.append(part.stylize(STYLES[kind]) if kind else part)
        kind = _KINDS.get(sign.group())
        position = sign.end()
    return Content("").join([*parts, content[position:]])


class _Revealing(Verbatim):
    """A block that turns signs into styles."""

    def set_content(self, content: Content) -> None:
        super().set_content(reveal(content))  # type: ignore[misc]


_TEXT_BLOCKS = ("h1", "h2", "h3", "h4", "h5", "h6", "paragraph_open", "th_open", "td_open")

# One for one, so that places in the text hold: line ends that are none to Markdown but are to Python (Textual counts
# lines in both), and controls as the signs that stand for them, for a terminal would obey them.
_SHOWN = {ord(mark): "\n" for mark in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"}
_SHOWN |= {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n\r" and code not in _SHOWN}
_SHOWN |= {0x7F: "\u2421"} | {code: "\ufffd" for code in range(0x80, 0xA0) if code not in _SHOWN}


def shown(text: str) -> str:
    """The text as long as it is, with signs for what would not be seen but move a cursor."""
    return text.translate(_SHOWN)


class HighlightedMarkdown(Markdown):
    """Markdown whose `highlights` (set before `update`) show in the text."""

    BLOCKS: dict[str, type[MarkdownBlock]] = {  # noqa: RUF012 - as Textual declares it
        **Markdown.BLOCKS,
        **{
            name: type(f"Revealing{Markdown.BLOCKS[name].__name__}", (_Revealing, Markdown.BLOCKS[name]), {})
            for name in _TEXT_BLOCKS
        },
        "ordered_list_open": WrittenNumbers,
        "fence": CodeFence,
        "code_block": CodeFence,
    }
    DEFAULT_CSS = """
    HighlightedMarkdown MarkdownBlock, HighlightedMarkdown MarkdownTableCellContents {
        link-style: none;  /* what is underlined hedges or boosts; the address that stands there tells a link */
        link-color: $text-accent;
    }
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(parser_factory=lambda: HighlightingParser(self.highlights), **arguments)
        self.highlights: Sequence[Highlight] = ()

    def update(self, markdown: str) -> AwaitComplete:
        return super().update(shown(markdown))

    def append(self, markdown: str) -> AwaitComplete:
        return super().append(shown(markdown))
