"""What all screens share: a line instead of a broken layout where the terminal is too small."""

from collections.abc import Callable
from typing import TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

MIN_WIDTH, MIN_HEIGHT, WIDE = 40, 10, 120
SHORT = 18
"""Rows under which the composer loses its frame."""

WIDTHS = [(0, "-too-narrow"), (MIN_WIDTH, "-narrow"), (WIDE, "-wide")]
HEIGHTS = [(0, "-too-low"), (MIN_HEIGHT, "-short"), (SHORT, "-tall")]
"""The classes, and from how many cells on a screen has them."""

Result = TypeVar("Result")
STEPS = tuple(
    Binding(key, f"move('{action}')", show=False, priority=True)
    for key, action in (("up", "cursor_up"), ("down", "cursor_down"), ("pageup", "page_up"), ("pagedown", "page_down"))
)
"""Keys that go to a list while one types in the filter above it; its screen has an `action_move`."""


class TooSmall(Static):
    """Hidden by the styles unless there is no room for anything else."""

    def __init__(self) -> None:
        super().__init__(f"This terminal is too small: at least {MIN_WIDTH}x{MIN_HEIGHT} is needed.")


class TitleBar(Static):
    """The top line of a screen beside the chat: where one is."""

    def __init__(self, name: str) -> None:
        super().__init__(Content.assemble(("lacie", "bold"), f" · {name}"), classes="title-bar")


class Room(VerticalScroll):
    """Holds what is drawn to measure, and has it drawn again when its own size is another. (A screen hears of a new
    size before it has laid its widgets out, and would draw into the old one.)"""

    def __init__(self, draw: Callable[[], None], *, id: str) -> None:
        super().__init__(id=id)
        self._draw_again = draw

    def on_resize(self) -> None:
        self._draw_again()


class SizedDialog(ModalScreen[Result]):
    """A screen over another one that has those classes, too."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS


class SizedScreen(Screen[Result]):
    """A screen whose classes say how much room there is; the styles do the rest."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    @property
    def writing_place(self) -> Widget | None:
        """Where typed text goes, whatever has the focus; None: to what has it."""
        return None

    def stop(self) -> bool:
        """Stop what is under way on this screen; False if there is nothing."""
        return False

    def compose(self) -> ComposeResult:
        yield TooSmall()
        yield from self.compose_screen()

    def compose_screen(self) -> ComposeResult:
        """The screen's own widgets."""
        yield from ()
