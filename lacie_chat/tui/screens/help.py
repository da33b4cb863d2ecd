"""All actions and their keys, from the one list that the footer and the command palette read too."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from lacie_chat.tui.actions import ACTIONS, COMPARE_ACTIONS, EDITING, GROUPS, TOKEN_ACTIONS, Action
from lacie_chat.tui.interface_state import state_path
from lacie_chat.tui.screens.base import SizedScreen

KEY_WIDTH = 20
EVERY = (*ACTIONS, *COMPARE_ACTIONS, *TOKEN_ACTIONS)
SIGNS = {"question_mark": "?", "plus": "+", "minus": "-"}


def keys_of(action: Action, keymap: Mapping[str, str]) -> str:
    """The keys of an action as one reads them, remapped ones included."""
    keys = keymap.get(action.name, action.keys)
    return "  ".join(SIGNS.get(key.strip(), key.strip()) for key in keys.split(","))


def help_content(keymap: Mapping[str, str]) -> Content:
    """The help's text."""
    parts = [_heading("Writing")]
    parts += [_row(keys, text) for keys, text in EDITING]
    for group, title in GROUPS.items():
        parts += [Content(""), _heading(title)]
        parts += [_row(keys_of(action, keymap), action.help) for action in EVERY if action.group == group]
    parts += [
        Content(""),
        _heading("In the text of an answer"),
        Content.assemble(
            ("hedges", "italic underline"), " weaken a claim, ", ("boosters", "bold underline"), " strengthen it."
        ),
        Content("A token is a word or a piece of one. Its per cent says how probable it was to the model itself,"),
        Content("not how likely the answer is right."),
        Content(""),
        Content.styled("Single letters and arrows work while the conversation has the focus (tab).", "$foreground 65%"),
        Content.styled(f'Other keys: "keys": {{"chat.new": "f2"}} in {state_path()}', "$foreground 65%"),
        Content.styled("Ids: " + ", ".join(action.name for action in EVERY), "$foreground 65%"),
    ]
    return Content("\n").join(parts)


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $text-primary")


def _row(keys: str, text: str) -> Content:
    return Content.assemble((f"{keys:<{KEY_WIDTH}}", "bold"), (text, "$text"))


class HelpScreen(SizedScreen[None]):
    """Scrolls; any of its closing keys goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,question_mark", "dismiss", "Back", id="help.close"),
    ]

    def __init__(self, keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._keymap_shown = keymap

    def compose_screen(self) -> ComposeResult:
        yield Static("lacie · help", classes="title-bar")
        with VerticalScroll(id="help"):
            yield Static(help_content(self._keymap_shown), id="help-text")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one("#help").focus()
