"""From characters of a response to characters on the screen: cues and differing words, set off in rendered Markdown.

How an answer is read as Markdown, answer_markdown.py says; here it comes to the screen, with every space and line end.

The parser puts signs around them (highlights.py); here they become styles.

Hedges are italic and underlined, boosters bold and underlined: the two differ without colour, and without italics.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.await_complete import AwaitComplete
from textual.content import Content
from textual.style import Style
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownBlock

from lacie_chat.highlights import SIGNS, Highlight, HighlightingParser, HighlightKind, pieces
from lacie_chat.tui.widgets.code_fence import CodeFence
from lacie_chat.tui.widgets.markdown_blocks import Verbatim, WrittenNumbers

STYLES: dict[HighlightKind, Style | str] = {
    "hedge": Style(italic=True, underline=True),
    "booster": Style(bold=True, underline=True),
    "differs": "on $primary-muted",
    "hedge differs": "italic underline on $primary-muted",
    "booster differs": "bold underline on $primary-muted",
}

_BEHIND = "on $primary-muted"
WITHOUT_COLOUR: dict[HighlightKind, Style | str] = {
    kind: style.replace(_BEHIND, "reverse") if isinstance(style, str) else style for kind, style in STYLES.items()
}


def reveal(content: Content, styles: Mapping[HighlightKind, Style | str] = STYLES) -> Content:
    """The content without signs, and with the styles that they stood for."""
    plain = content.plain
    if not SIGNS.search(plain):
        return content
    parts: list[Content] = []
    position = 0
    for text, kind in pieces(plain):
        part = content[position : position + len(text)]
        parts.append(part.stylize(styles[kind]) if kind else part)
        position += len(text) + 1
    return Content("").join(parts)


class _Revealing(Verbatim):
    """A block that turns signs into styles."""

    def set_content(self, content: Content) -> None:
        styles = WITHOUT_COLOUR if self.app.no_color else STYLES  # type: ignore[attr-defined]
        super().set_content(reveal(content, styles))  # type: ignore[misc]


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
