"""A footer of whole hints: what has no room is left out, and nothing is cut at the edge."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


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
    """Shows those of `hints` that fit."""

    def __init__(self, hints: Callable[[], Sequence[Hint]]) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._hints = hints
        self._shown: list[Hint] = []

    def compose(self) -> ComposeResult:
        if self._bindings_ready:
            self._shown = self._wanted()
            for hint in self._shown:
                yield FooterKey(
                    hint.key, hint.shown, hint.label, "", tooltip=hint.tooltip or hint.label
                ).data_bind(compact=Footer.compact)

    def bindings_changed(self, screen: Screen[object]) -> None:
        ready, self._bindings_ready = self._bindings_ready, True
        if self.is_attached and screen is self.screen and (not ready or self._wanted() != self._shown):
            self.call_after_refresh(self.recompose)

    def on_resize(self) -> None:
        if self._bindings_ready and self._wanted() != self._shown:
            self.call_after_refresh(self.recompose)

    def _wanted(self) -> list[Hint]:
        return fitting(self._hints(), self.app.size.width)
