"""What the model thought before an answer: folded under one line with its length and time, while it comes and after.

It is no part of the answer: plain text, dimmed, in a frame of its own. However long it is, only rows in sight are
drawn, and a word that comes costs the same at its end as at its beginning (wrapped_text.py).
"""

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import thought_size, thought_text
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.messages import ThoughtWanted
from lacie_chat.tui.widgets.line_layout import WITHIN
from lacie_chat.tui.widgets.wrapped_text import WrappedText

FOLDED, OPENED = "▸", "▾"
REDRAW_SECONDS = 0.5
"""How often the line says anew how long it has been; counting words at every one would cost more with each."""


def thought_line(turn: Turn, *, opened: bool, key: str = "", width: int = 0) -> Content:
    """`▸ thought for 12 s, 340 words · ctrl+space opens`; the key only where there is room for it."""
    if turn.phase == "thinking":
        said = f"thinking… {thought_size(turn.reasoning, turn.thought_seconds)}"
    else:
        said = thought_text(turn.reasoning, turn.thought_seconds)
    line = f"{OPENED if opened else FOLDED} {said}"
    hint = f"{WITHIN}{key} {'folds it' if opened else 'opens'}" if key else ""
    return Content(line if width and len(line) + len(hint) > width else line + hint)


class ThoughtLine(Static):
    """The line; a click opens or folds."""

    ALLOW_SELECT = False

    def __init__(self, turn: Turn) -> None:
        super().__init__(classes="thought-line")
        self.turn = turn

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(ThoughtWanted(self.turn))


class ThoughtText(Widget):
    """The text. It can be selected with the mouse; what is copied then has the thought's own line ends."""

    def __init__(self) -> None:
        super().__init__(classes="thought-text")
        self._text = WrappedText()

    def add(self, text: str) -> None:
        """Put `text` to the end."""
        before = len(self._text.rows)
        self._text.add(text)
        if len(self._text.rows) != before:
            self.refresh(layout=True)
        else:
            self.refresh(Region(0, before - 1, self.size.width, 1))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self._text.resize(width)
        return len(self._text.rows)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y >= len(self._text.rows):
            return Strip.blank(width, base)
        row = self._text.rows[y]
        text = self._text.row_text(row)
        segments = [Segment(text, base)]
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(row.line)) is not None:
            start = max(0, min(span[0] - row.start, len(text)))
            end = len(text) if span[1] == -1 else max(start, min(span[1] - row.start, len(text)))
            marked = base + self.screen.get_component_rich_style("screen--selection")
            segments = [Segment(text[:start], base), Segment(text[start:end], marked), Segment(text[end:], base)]
        strip = Strip([segment for segment in segments if segment.text])
        return strip.adjust_cell_length(width, base).apply_offsets(row.start, row.line)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        spans = [(line, selection.get_span(line)) for line in range(len(self._text.lines))]
        found = self._text.extract([(line, *span) for line, span in spans if span is not None])
        return (found, "\n") if found else None

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


class ThoughtView(Vertical):
    """Line and text; out of sight where nothing was thought."""

    def __init__(self, turn: Turn) -> None:
        super().__init__(classes="thought -none")
        self.turn = turn
        self.opened = False
        self._key = ""
        self._shown = 0
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield ThoughtLine(self.turn)
        with Vertical(classes="thought-body"):
            yield ThoughtText()

    def on_mount(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self._draw_line()

    @property
    def line(self) -> ThoughtLine:
        return self.query_one(ThoughtLine)

    @property
    def body(self) -> Vertical:
        return self.query_one(".thought-body", Vertical)

    @property
    def shown(self) -> bool:
        """Is there a thought?"""
        return not self.has_class("-none")

    def toggle(self) -> None:
        """Open it, or fold it again."""
        self.opened = not self.opened
        self.show()

    def hint(self, key: str) -> None:
        """Say in the line which key opens it; empty: none does, for now."""
        if key != self._key:
            self._key = key
            self._draw_line()

    def follow(self) -> None:
        """Show what has come since the last call."""
        if not self.shown:
            self.show()
        elif self.opened:
            self._add_new()

    def show(self) -> None:
        """Draw it as it now is."""
        if not self.query(ThoughtText):
            return  # not built yet, or no more
        self.set_class(not self.turn.reasoning.strip(), "-none")
        self.body.display = self.opened
        if self.opened:
            self._add_new()
        self._draw_line()
        if self.turn.phase == "thinking" and self._timer is None:
            self._timer = self.set_interval(REDRAW_SECONDS, self._tick)

    def _add_new(self) -> None:
        """All but the line ends around the whole; those at its end may still turn out to be inside."""
        new = self.turn.reasoning[self._shown :].rstrip("\n")
        if new:
            self.query_one(ThoughtText).add(new if self._shown else new.lstrip("\n"))
            self._shown += len(new)

    def _tick(self) -> None:
        self._draw_line()
        if self.turn.phase != "thinking" and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _draw_line(self) -> None:
        if self.shown:
            for line in self.query(ThoughtLine):  # none before it is built
                content = thought_line(self.turn, opened=self.opened, key=self._key, width=self.size.width)
                line.update(content.stylize(DIM))
