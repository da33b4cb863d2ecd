"""An answer's text as the model wrote it, token by token: how probable each was shows in its style.

Likely tokens are plain, the others italic, underlined, bold and underlined, the less likely the more; colours say the
same once more, so nothing is lost without them. The answer span stands in ⟦ ⟧. One token is under the cursor.

The text is laid out once for a width, and only lines in sight are drawn: a long answer opens and scrolls like a short
one. It is not Markdown: every character that a token wrote is to be seen, also line ends and Markdown's own signs.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lacie_chat.chat.answer_tokens import AnswerToken
from lacie_chat.printable import printable

LEVELS = ((0.9, "likely"), (0.5, "rather"), (0.1, "unlikely"), (0.0, "rare"))
"""From which probability on a token is shown how; the styles are in lacie.tcss."""
NEWLINE, TAB = "↵", "⇥   "
OPEN, CLOSE = "⟦", "⟧"
_EMOJI_STYLE = "\ufe0f"  # terminals disagree on the width that it gives
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class Glyph(NamedTuple):
    """What is drawn of one character; `place` is its index in the text, -1 for a bracket of the answer span."""

    text: str
    width: int
    place: int


def level_of(probability: float) -> str:
    """The name of the level that a probability is in."""
    return next(name for least, name in LEVELS if probability >= least)


def glyphs_of(text: str, span: tuple[int, int] | None = None) -> Iterator[Glyph]:
    """The characters of `text` as they are drawn; combining ones with what they stand on."""
    held: Glyph | None = None
    for place, character in enumerate(text):
        sign = {"\n": NEWLINE, "\t": TAB, _EMOJI_STYLE: ""}.get(character)
        shown = printable(character) if sign is None else sign
        joins = held is not None and (ord(character) in _SKIN_TONES or cell_len(shown) == 0)
        bracketed = span is not None and (place in span)
        if held is not None and joins and not bracketed:
            joined = held.text + shown
            held = Glyph(joined, cell_len(joined), held.place)
            continue
        if held is not None:
            yield held
        if span is not None and place == span[1]:
            yield Glyph(CLOSE, 1, -1)
        if span is not None and place == span[0]:
            yield Glyph(OPEN, 1, -1)
        held = Glyph(shown, cell_len(shown), place)
    if held is not None:
        yield held
    if span is not None and span[1] >= len(text):
        yield Glyph(CLOSE, 1, -1)


def lines_of(glyphs: Iterator[Glyph], width: int) -> list[list[Glyph]]:
    """Glyphs in lines of at most `width` cells, broken after spaces and wide characters where that is possible. What
    may end a line (a space, a line's end) may stand in the last column, which is else left free."""
    lines: list[list[Glyph]] = []
    line: list[Glyph] = []
    used = breaks = 0
    for glyph in glyphs:
        room = width if glyph.text in (" ", NEWLINE, CLOSE) else width - 1
        if line and used + glyph.width > room:
            carried = line[breaks:] if breaks else []
            lines.append(line[:breaks] if breaks else line)
            line, breaks = carried, 0
            used = sum(each.width for each in line)
        line.append(glyph)
        used += glyph.width
        if glyph.text == NEWLINE:
            lines.append(line)
            line, used, breaks = [], 0, 0
        elif glyph.text == " " or glyph.width > 1:
            breaks = len(line)
    return [*lines, line] if line or not lines else lines


class TokenChosen(Message):
    """The cursor is on another token."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class TokenText(ScrollView, can_focus=True, inherit_bindings=False):
    """The text with a cursor; what keys do is the screen's to say."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"token-text--{name}" for _, name in LEVELS),
        "token-text--span",
        "token-text--cursor",
    }

    def __init__(self) -> None:
        super().__init__(id="token-text")
        self.cursor = 0
        self._text = ""
        self._tokens: Sequence[AnswerToken] = ()
        self._span: tuple[int, int] | None = None
        self._first: list[int] = []
        """Of each character the first token that had a part in it, -1 for none."""
        self._levels: list[str] = []
        self._lines: list[list[Glyph]] = []
        self._starts: list[int] = []
        """Of each line the first character."""
        self._column: int | None = None
        """Where the cursor was before it went up or down."""

    def show(self, text: str, tokens: Sequence[AnswerToken], span: tuple[int, int] | None) -> None:
        """Show an answer; the cursor stays where it is, if it can."""
        self._text, self._tokens, self._span = text, tokens, span
        self._first, self._levels = [-1] * len(text), ["likely"] * len(text)
        lowest = [2.0] * len(text)
        for index, token in enumerate(tokens):
            for place in range(token.start, min(token.end, len(text))):
                if self._first[place] < 0:
                    self._first[place] = index
                if token.probability < lowest[place]:
                    lowest[place], self._levels[place] = token.probability, level_of(token.probability)
        self.cursor = max(0, min(self.cursor, len(tokens) - 1))
        self._lay_out()

    def move(self, index: int) -> None:
        """Put the cursor on a token; beyond the ends, on the last or first."""
        self._column = None
        self._go(index)

    def move_lines(self, step: int) -> None:
        """Put the cursor `step` lines lower (higher, if negative), as near below as there is a token."""
        if not self._tokens:
            return
        line, column = self._position()
        goal = self._column if self._column is not None else column
        wanted = max(0, min(line + step, len(self._lines) - 1))
        way = 1 if step > 0 else -1
        while 0 <= wanted < len(self._lines):
            found = self._nearest(wanted, goal)
            if wanted != line and found is not None and found != self.cursor:  # a token may go on in the next line
                self._go(found)
                break
            wanted += way
        self._column = goal

    @property
    def page(self) -> int:
        """Lines that a page is."""
        return max(1, self.scrollable_content_region.height - 1)

    def on_resize(self, _: Resize) -> None:
        self._lay_out()

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        line = offset.y + self.scroll_offset.y
        if line < len(self._lines) and (found := self._nearest(line, offset.x)) is not None:
            self.move(found)

    def render_line(self, y: int) -> Strip:
        width, line = self.size.width, y + self.scroll_offset.y
        base = self.rich_style
        if line >= len(self._lines):
            return Strip.blank(width, base)
        chosen = self._tokens[self.cursor] if self._tokens else None
        segments: list[Segment] = []
        text, last = "", ""
        for glyph in self._lines[line]:
            name = self._style_name(glyph.place, chosen)
            if name != last:
                segments.append(Segment(text, self._style(last, base)))
                text, last = "", name
            text += glyph.text
        segments.append(Segment(text, self._style(last, base)))
        return Strip(segment for segment in segments if segment.text).adjust_cell_length(width, base)

    def _style_name(self, place: int, chosen: AnswerToken | None) -> str:
        if place < 0:
            return "span"
        if chosen is not None and chosen.start <= place < chosen.end:
            return "cursor"
        return self._levels[place]

    def _style(self, name: str, base: Style) -> Style:
        return base + self.get_component_rich_style(f"token-text--{name}", partial=True) if name else base

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 1:
            return
        self._lines = lines_of(glyphs_of(self._text, self._span), width)
        self._starts = []
        for line in self._lines:
            own = next((glyph.place for glyph in line if glyph.place >= 0), None)
            self._starts.append(own if own is not None else len(self._text))
        self.virtual_size = Size(width, len(self._lines))
        self._column = None
        self._bring_into_view()
        self.refresh()

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._tokens) - 1))
        if self._tokens and index != self.cursor:
            self.cursor = index
            self._bring_into_view()
            self.refresh()
            self.post_message(TokenChosen(index))

    def _bring_into_view(self) -> None:
        if self._tokens and self._lines:
            line, _ = self._position()
            self.scroll_to_region(Region(0, line, 1, 1), animate=False, force=True)

    def _position(self) -> tuple[int, int]:
        """Line and column where the chosen token begins."""
        start = self._tokens[self.cursor].start
        line = max(0, bisect_right(self._starts, start) - 1)
        column = 0
        for glyph in self._lines[line]:
            if glyph.place >= start:
                break
            column += glyph.width
        return line, column

    def _nearest(self, line: int, column: int) -> int | None:
        """The token of a line at a column, or the last one before that; None if the line has none."""
        found, reached = None, 0
        for glyph in self._lines[line]:
            if glyph.place >= 0 and self._first[glyph.place] >= 0 and (reached <= column or found is None):
                found = self._first[glyph.place]
            reached += glyph.width
        return found
