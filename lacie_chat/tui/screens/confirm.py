"""A question to answer with yes or no, with a line of text or with one of several, before something happens."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static

from lacie_chat.printable import printable
from lacie_chat.tui.screens.base import SizedDialog


class ConfirmScreen(SizedDialog[bool]):
    """Asks; the safe answer has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("n,escape", "answer(False)", "No", show=False),
        Binding("left,right,up,down", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, yes: str, no: str) -> None:
        super().__init__()
        self._question, self._yes, self._no = question, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False, classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                yield Button(self._no, id="no", compact=True)
                yield Button(self._yes, id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class NameScreen(SizedDialog[str | None]):
    """Asks for a line of text; None when escaped or left empty."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False)]

    def __init__(self, label: str, value: str) -> None:
        super().__init__()
        self._label, self._value = label, value

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._label, markup=False, classes="dialog-text")
            yield Input(self._value, id="name")
            yield Static("enter keeps it · escape goes back", classes="dialog-keys")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)


class ChoiceScreen(SizedDialog[str | None]):
    """One of several; None when escaped."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False)]

    def __init__(self, label: str, choices: Sequence[str], now: str) -> None:
        super().__init__()
        self._label, self._choices, self._now = label, list(choices), now

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._label, markup=False, classes="dialog-text")
            yield OptionList(*(Content(printable(choice)) for choice in self._choices), id="choices", compact=True)
            yield Static("enter takes it · escape goes back", classes="dialog-keys")

    def on_mount(self) -> None:
        choices = self.query_one(OptionList)
        choices.highlighted = self._choices.index(self._now) if self._now in self._choices else 0
        choices.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])
