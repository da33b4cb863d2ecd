"""Blocks of Markdown that show what stands in the source; Textual's own join lines, squeeze spaces and count anew.

A line's end is a line's end, spaces inside a line are as many as they are (verses, columns, code that nobody fenced,
the wide space of Japanese), and the numbers of a list are those that were written.
"""

from collections.abc import Sequence

from markdown_it.token import Token
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content, Span
from textual.style import Style
from textual.widgets._markdown import (
    MarkdownBullet,
    MarkdownListItem,
    MarkdownOrderedList,
)

TAB = "    "
_STYLED = {"em_open": ".em", "strong_open": ".strong", "s_open": ".s"}


class Verbatim:
    """What makes a block of text so; no block itself, for Textual takes a block's styles from its first base."""

    def _token_to_content(self, token: Token) -> Content:
        return inline_content(token.children or ())


def inline_content(tokens: Sequence[Token]) -> Content:
    """The text of inline tokens, every character of it, with what emphasis and links there are."""
    parts: list[str] = []
    spans: list[Span] = []
    opened: list[tuple[Style | str, int]] = []
    place = 0
    for token in tokens:
        if token.type in _STYLED:
            opened.append((_STYLED[token.type], place))
        elif token.type == "link_open":
            opened.append((Style.from_meta({"@click": f"link({token.attrs.get('href', '')!r})"}), place))
        elif token.type.endswith("_close"):
            style, start = opened.pop()
            spans.append(Span(start, place, style))
        else:
            text = "\n" if token.type in ("hardbreak", "softbreak") else token.content.replace("\t", TAB)
            if token.type == "code_inline":
                spans.append(Span(place, place + len(text), ".code_inline"))
            parts.append(text)
            place += len(text)
    return Content("".join(parts), spans=spans)


class WrittenNumbers(MarkdownOrderedList):
    """An ordered list with the numbers of its source; only where all are the same (`1.`, `1.`, `1.`) they count on."""

    def compose(self) -> ComposeResult:
        items = [block for block in self._blocks if isinstance(block, MarkdownListItem)]
        numbers = [item.bullet for item in items]
        if len(set(numbers)) == 1 and numbers[0].isdigit():
            numbers = [str(number) for number in range(int(numbers[0]), int(numbers[0]) + len(items))]
        width = max((len(number) for number in numbers), default=0) + 3
        for number, item in zip(numbers, items, strict=True):
            bullet = MarkdownBullet()
            bullet.symbol = f"{number}{item._token.markup or '.'} ".rjust(width)
            yield Horizontal(bullet, Vertical(*item._blocks))
        self._blocks.clear()
