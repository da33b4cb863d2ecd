"""What to compare with: the baseline, a preset, another adapter, another model; one of the list, or by its REF.

The list opens at once and is filled when the disk has been looked at. What is chosen is found on a thread, on this
machine: a comparison fetches nothing.
"""

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from lacie_chat.chat.others import Against, Other, others_of
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.errors import LacieError
from lacie_chat.printable import printable
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.screens.base import STEPS, SizedDialog
from lacie_chat.tui.widgets.line_layout import unbroken

if TYPE_CHECKING:
    from lacie_chat.chat.choosing import Find


class _Elsewhere(Exception):
    """It isn't on this machine."""


class OthersScreen(SizedDialog[Against | None]):
    """Dismissed with what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False, id="others.close"),
        *STEPS,
    ]

    search = getters.query_one(Input)
    others = getters.query_one(OptionList)
    line = getters.query_one("#others-line", Static)

    def __init__(self, session: ChatSession, find: "Find") -> None:
        super().__init__()
        self._speaker, self._find = session.speaker, find
        self._presets = list(session.making.settings.file.presets)
        self._all: list[Other] | None = None
        self._shown: list[Other] = []
        self._left = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="others-dialog"):
            yield Static("Compare with", classes="dialog-text")
            yield Input(placeholder="Filter, or a model, an adapter, MODEL+ADAPTER", id="search", compact=True)
            yield OptionList(id="others")
            yield Static(id="others-line", markup=False)

    async def on_mount(self) -> None:
        self.search.focus()
        self._say("Looking for what is on this machine…")
        self.run_worker(self._look())

    def on_unmount(self) -> None:
        self._left = True

    async def _look(self) -> None:
        self._all = await asyncio.to_thread(others_of, self._speaker, self._presets)
        if self.is_mounted:
            self._fill()

    def _fill(self) -> None:
        if self._all is None:
            return
        typed = self.search.value
        self._shown = [other for other in self._all if other.matches(typed)]
        self.others.set_options(
            Content.assemble((printable(other.name), "bold"), (f"  {unbroken(printable(other.about))}", DIM))
            for other in self._shown
        )
        if self._shown:
            self.others.highlighted = 0
            self._say(f"enter compares with it · {key_of(self, 'others.close')} goes back")
        elif typed.strip():
            self._say(f"enter looks for it by this name · {key_of(self, 'others.close')} goes back")
        else:
            self._say("There is nothing else on this machine: type a model, or an adapter's file")

    def _say(self, text: str) -> None:
        self.line.update(text)

    # What the user does

    def on_input_changed(self) -> None:
        self._fill()

    def on_input_submitted(self) -> None:
        index = self.others.highlighted
        if self._shown and index is not None:
            self._choose(self._shown[index])
        elif typed := self.search.value.strip():
            self._choose(Other(typed, typed, ""))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(self._shown[event.option_index])

    def action_move(self, action: str) -> None:
        getattr(self.others, f"action_{action}")()

    def _choose(self, other: Other) -> None:
        if other.ref is None:
            self.dismiss(Against(preset=other.preset))
            return
        self._say("Looking at it…")
        self.run_worker(self._take(other.ref), exclusive=True)

    async def _take(self, ref: str) -> None:
        def on_progress(_fraction: float, _text: str) -> None:
            raise _Elsewhere

        try:
            found = await asyncio.to_thread(self._find, ref, on_progress)
        except _Elsewhere:
            self._say_if_there(f"✗ {ref} isn't on this machine; fetch it with: lacie models pull {ref}")
            return
        except LacieError as error:
            self._say_if_there(f"✗ {error}")
            return
        if _same(found.speaker, self._speaker):
            self._say_if_there("✗ That is what answers here: choose another")
        elif self.is_mounted and not self._left:
            for told in found.told:
                self.app.notify(told, timeout=8, markup=False)
            self.dismiss(Against(found.speaker))

    def _say_if_there(self, text: str) -> None:
        if self.is_mounted and not self._left:
            self._say(text)


def _same(one: ChatSpeaker, other: ChatSpeaker) -> bool:
    ours, theirs = one.origin, other.origin
    return ours is not None and theirs is not None and ours.fingerprint == theirs.fingerprint
