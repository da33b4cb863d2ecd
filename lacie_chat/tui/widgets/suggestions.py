"""What may be meant while a word is being typed: a few lines over the composer, which keeps the focus."""

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from lacie_chat.printable import printable
from lacie_chat.tui.messages import SuggestionTaken

ROWS, SHORT_ROWS = 8, 4
"""Lines at once, and in a low terminal."""
NAMES = 24
"""Cells that names get at most beside what is said of them."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`text` takes the place of what was typed; `name` is what is shown of it, `about` says what it is. `done`: nothing
    more can follow (a folder's name goes on)."""

    text: str
    name: str
    about: str = ""
    done: bool = True


@dataclass(frozen=True, slots=True)
class Offer:
    """Suggestions for the characters `start` to `end` of the composer's text. `picked`: the first is what enter takes;
    else none is before one moves to it."""

    start: int
    end: int
    suggestions: tuple[Suggestion, ...]
    picked: bool
    command: bool = False


class Suggestions(Static):
    """The list; hidden where there is nothing to suggest."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="suggestions")
        self.display = False
        self.offer: Offer | None = None
        self._chosen: int | None = None
        self._first = 0

    @property
    def chosen(self) -> Suggestion | None:
        """The one that enter takes."""
        return self.offer.suggestions[self._chosen] if self.offer is not None and self._chosen is not None else None

    @property
    def foremost(self) -> Suggestion | None:
        """The one that tab takes: the chosen one, else the first."""
        return self.chosen or (self.offer.suggestions[0] if self.offer is not None else None)

    def show(self, offer: Offer | None) -> None:
        """Offer these; None: nothing."""
        if offer != self.offer:
            self.offer = offer
            self._chosen = 0 if offer is not None and offer.picked else None
            self._first = 0
            self.display = offer is not None
            self._draw()

    def step(self, step: int) -> None:
        """Choose the next one, or the one before; beyond the end is the other end."""
        if self.offer is not None:
            count = len(self.offer.suggestions)
            start = (-1 if step > 0 else 0) if self._chosen is None else self._chosen
            self._chosen = (start + step) % count
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def on_click(self, event: Click) -> None:
        event.stop()
        row = event.get_content_offset(self)
        if self.offer is not None and row is not None and self._first + row.y < len(self.offer.suggestions):
            self.post_message(SuggestionTaken(self.offer.suggestions[self._first + row.y]))

    def _draw(self) -> None:
        if self.offer is None:
            return
        items, width = self.offer.suggestions, self.content_size.width or self.app.size.width - 4
        rows = SHORT_ROWS if self.screen.has_class("-short") else ROWS
        at = self._chosen or 0
        self._first = max(0, min(self._first, at), at - rows + 1)
        shown = items[self._first : self._first + rows]
        names = min(NAMES, width // 2, max(cell_len(item.name) for item in shown)) if any(i.about for i in shown) else 0
        lines = []
        for place, item in enumerate(shown, start=self._first):
            name = printable(item.name)
            begin = f" {set_cell_size(name, names) if names and cell_len(name) <= names else name} "
            end = f" +{len(items) - place - 1}" if place == self._first + rows - 1 and place < len(items) - 1 else ""
            about = Content(f" {item.about}").truncate(max(0, width - cell_len(begin) - len(end)), ellipsis=True)
            line = Content.assemble((begin, "bold"), about.stylize("$foreground 65%"))
            line = line.truncate(width - len(end), pad=True) + Content.styled(end, "$foreground 65%")
            lines.append(line.stylize("reverse") if place == self._chosen else line)
        self.update(Content("\n").join(lines))
