"""What the interface draws is text, whoever wrote it: no line of it holds a control or format character.

Answers, titles, questions, names of models and files, drafts that were kept, what an editor gave back: all of it comes
to the screen as the lines of widgets, borders, tooltips and toasts with them, and passes Textual's filters there. So
that is where it is made harmless, once, whichever widget shows it. What is copied is, too: an escape sequence on the
clipboard ends a paste early, and what follows is typed into the shell that it lands in.
"""

from collections.abc import Sequence
from typing import TypeVar

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

from lacie_chat.console import harmless

Result = TypeVar("Result")


class Harmless(LineFilter):
    """Every piece of a line as `harmless` makes it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same pieces, as wide as they were."""
        return [harmless(segment) for segment in segments]


class ShowsHarmless(App[Result]):
    """An app whose lines pass that filter last."""

    _harmless = Harmless()

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._harmless]
