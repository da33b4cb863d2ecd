"""A footer of whole hints: what has no room is left out, and nothing is cut at the edge."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any, NamedTuple

from rich.cells import cell_len
from textual.actions import parse
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from lacie_chat.tui.key_names import keys_now

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


def hints_of(screen: Screen[Any], labels: Mapping[str, str] | None = None) -> list[Hint]:
    """What a screen's own bindings do now, in their order and with the user's keys; of several with one key the first.
    `labels` are other words for what some do now, by their ids.

    The screen is asked, not Textual: what has the focus hides a key that it takes first, as a filter does enter."""
    found: dict[str, Hint] = {}
    for binding in screen.BINDINGS:
        assert isinstance(binding, Binding)
        name = binding.id or ""
        _, action, parameters = parse(binding.action)
        if not binding.show or not screen.check_action(action, parameters):
            continue
        key = keys_now(screen, name, binding.key)[0]
        written = screen.app.get_key_display(replace(binding, key=key))
        label = (labels or {}).get(name, binding.description)
        found.setdefault(key, Hint(key, written, label, binding.tooltip))
    return list(found.values())


class FittingFooter(Footer):
    """Shows those of `hints` that fit; without any, what the screen's own bindings do. Its keys are made once and said
    anew: it changes with every word that is begun, and widgets that come and go make all others wait."""

    def __init__(self, hints: Callable[[], Sequence[Hint]] | None = None) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._hints = hints or (lambda: hints_of(self.screen))
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
