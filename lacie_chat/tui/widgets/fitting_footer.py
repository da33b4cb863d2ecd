"""A footer of whole hints: what has no room is left out, and nothing is cut at the edge."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

MOST = 24
"""More have no room in any terminal."""


class Hint(NamedTuple):
    """A key, how it is written, and what it does; in full for the pointer that rests on it."""

    key: str
    shown: str
    label: str
    tooltip: str = ""

    @property
    def cells(self) -> int:
        """Its width with the gap behind it."""
        return cell_len(self.shown) + 1 + cell_len(self.label) + 1


def fitting(hints: Sequence[Hint], width: int) -> list[Hint]:
    """The first of the hints for which there is room, and always the last one."""
    if not hints:
        return []
    *others, last = hints
    room = width + 1 - last.cells  # the last gap may stand beyond the edge
    shown = []
    for hint in others:
        if (room := room - hint.cells) < 0:
            break
        shown.append(hint)
    return [*shown, last]


class FittingFooter(Footer):
    """Shows those of `hints` that fit. Its keys are made once and said anew: it changes with every word that is begun,
    and widgets that come and go make all others wait."""

    def __init__(self, hints: Callable[[], Sequence[Hint]]) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._hints = hints
        self._shown: list[Hint] = []

    def compose(self) -> ComposeResult:
        for _ in range(MOST):
            place = FooterKey("", "", "", "")
            place.display = False
            yield place

    def bindings_changed(self, screen: Screen[object]) -> None:
        self._bindings_ready = True
        if screen is self.screen:
            self.refit()

    def on_resize(self) -> None:
        self.refit()

    def refit(self) -> None:
        """Show what is wanted now."""
        if not (self._bindings_ready and self.is_attached):
            return
        wanted = fitting(self._hints(), self.app.size.width)[-MOST:]
        if wanted == self._shown:
            return
        self._shown = wanted
        for place, hint in zip_longest(self.query(FooterKey), wanted):
            place.display = hint is not None
            if hint is not None:
                place.key, place.key_display, place.description = hint.key, hint.shown, hint.label
                place.tooltip = hint.tooltip or hint.label
                place.refresh(layout=True)
