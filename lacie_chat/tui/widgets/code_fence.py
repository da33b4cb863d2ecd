"""A block of code in an answer: the language that it names, its lines as long as they are, and a place to click that
copies it.

Lines aren't wrapped, for a wrapped line of code is another one; they scroll sideways, by the wheel with shift, by the
bar under them, and by key (transcript.py). What is underlined in an answer hedges or boosts, so nothing in code is.
"""

import re
from typing import Any

from markdown_it.token import Token
from textual.app import ComposeResult
from textual.containers import HorizontalScroll
from textual.content import Content
from textual.events import Click
from textual.highlight import ANSIDarkHighlightTheme, ANSILightHighlightTheme, HighlightTheme, highlight
from textual.widget import Widget
from textual.widgets import Label, Markdown, Static
from textual.widgets.markdown import MarkdownBlock, MarkdownFence

from lacie_chat.tui.clipboard import copy

COPY = "copy"
STEP = 16
"""Cells by which a key scrolls."""
POINT_OUT_SECONDS = 2.0
_UNDERLINED = re.compile(r"\s*\bunderline\b")
_SPELT = {
    # colours that Textual's themes for a terminal's own colours misspell; they would be none
    "ansi_yelllow": "ansi_yellow", "ansi_greenb": "ansi_green", "ansi_blow": "ansi_blue", "ans_red": "ansi_red",
    "$text 60%": "$text-muted",  # the same, but where a theme says otherwise
    "ansi_default": "$foreground",  # the terminal's own text colour is nothing to be seen on a background of ours
}  # fmt: skip
_TOO_DARK = re.compile(r"ansi_(red|magenta)\b")


def _without_underlines(theme: type[HighlightTheme]) -> type[HighlightTheme]:
    styles = {kind: _UNDERLINED.sub("", style) for kind, style in theme.STYLES.items()}
    return type(f"Plain{theme.__name__}", (theme,), {"STYLES": {k: _SPELT.get(v, v) for k, v in styles.items()}})


class _BrightTheme(ANSIDarkHighlightTheme):
    """The terminal's bright colours, where its dark ones can't be read on black."""

    STYLES: dict[Any, str] = {  # noqa: RUF012 - as Textual declares it
        kind: _TOO_DARK.sub(r"ansi_bright_\1", _SPELT.get(style, style))
        .replace("ansi_bright_black", "ansi_white")
        .replace("ansi_blue", "ansi_bright_cyan")
        for kind, style in ANSIDarkHighlightTheme.STYLES.items()
    }


_FULL = _without_underlines(HighlightTheme)
_DARK, _LIGHT = _without_underlines(_BrightTheme), _without_underlines(ANSILightHighlightTheme)


class CodeHead(Static):
    """The line above the code; a click copies."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    CodeHead { height: auto; width: 1fr; padding: 0 1; color: $foreground 65%; }
    CodeHead:hover { color: $foreground; text-style: bold; }
    """

    def __init__(self, fence: "CodeFence") -> None:
        super().__init__(classes="code-head")
        self._fence = fence
        self.tooltip = "A click copies this code"

    def on_mount(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """What the code says that it is, and at the right what a click does."""
        named = self._fence.lexer.strip()
        gap = max(2 if named else 0, self.content_size.width - Content(named).cell_length - len(COPY))
        self.update(Content(named + " " * gap + COPY))

    def on_click(self, event: Click) -> None:
        event.stop()
        copy(self, self._fence.source_code, "the code")


class CodeLines(HorizontalScroll, can_focus=False):
    """The code; a bar under it where it is wider than the screen."""

    DEFAULT_CSS = """
    CodeLines {
        height: auto; width: 1fr; overflow-x: auto; overflow-y: hidden; scrollbar-size-horizontal: 1;
        scrollbar-color: $foreground 30%; scrollbar-background: $surface;
    }
    CodeLines > Label { width: auto; padding: 0 1; }
    """


class CodeFence(MarkdownFence):
    """The block."""

    DEFAULT_CSS = """
    CodeFence, CodeFence:ansi { layout: vertical; height: auto; width: 1fr; padding: 0; overflow: hidden hidden; }
    CodeFence.-pointed-out CodeHead { color: $foreground; background: $primary-muted; text-style: bold; }
    """

    def __init__(self, markdown: Markdown, token: Token, code: str) -> None:
        super().__init__(markdown, token, code)
        self.source_code = token.content.rstrip("\n")
        """The code without a line's end at its end, else as it was written."""

    @property
    def allow_horizontal_scroll(self) -> bool:
        return False  # its lines scroll, and the line above them stays

    @classmethod
    def highlight(cls, code: str, language: str, ansi: bool = False, dark: bool = False) -> Content:
        theme = (_DARK if dark else _LIGHT) if ansi else _FULL
        named = language.split()
        return highlight(code, language=named[0] if named else "text", theme=theme)

    def compose(self) -> ComposeResult:
        yield CodeHead(self)
        with CodeLines():
            yield Label(self._highlighted_code, id="code-content", expand=True)

    def _copy_context(self, block: MarkdownBlock) -> None:
        super()._copy_context(block)
        if isinstance(block, CodeFence):
            self.source_code = block.source_code
            for head in self.query(CodeHead):  # none before it is built
                head.show()

    def point_out(self) -> None:
        """Bring it into view, and set it off for a moment."""
        self.scroll_visible(animate=False)
        self.add_class("-pointed-out")
        self.set_timer(POINT_OUT_SECONDS, lambda: self.remove_class("-pointed-out"))

    @property
    def lines(self) -> CodeLines | None:
        """Where it scrolls; None before it is built."""
        return next(iter(self.query(CodeLines)), None)


def wide_fences(parent: Widget) -> list[CodeLines]:
    """Code in sight under `parent` that has lines longer than there is room."""
    found = [fence.lines for fence in parent.query(CodeFence) if parent.region.overlaps(fence.region)]
    return [lines for lines in found if lines is not None and lines.max_scroll_x > 0]


def scroll_code(parent: Widget, step: int) -> None:
    """Scroll it by `step` cells."""
    for lines in wide_fences(parent):
        lines.scroll_relative(x=step, animate=False)
