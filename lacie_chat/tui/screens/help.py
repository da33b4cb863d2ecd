"""What the figures under an answer mean; then all actions and their keys, from the one list that the footer and the
command palette read too.
"""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from lacie_chat.confidence import bar
from lacie_chat.confidence.wording import SIGNS, verdict_text
from lacie_chat.highlights import HighlightKind
from lacie_chat.paths import settings_path
from lacie_chat.tui.actions import EDITING, EVERY, GROUPS
from lacie_chat.tui.figures import DIM, VERDICTS_MEAN
from lacie_chat.tui.interface_state import InterfaceState, write_state
from lacie_chat.tui.key_names import keys_of
from lacie_chat.tui.screens.base import Room, SizedScreen, TitleBar
from lacie_chat.tui.widgets.fitting_footer import FittingFooter
from lacie_chat.tui.widgets.highlighted_markdown import STYLES
from lacie_chat.tui.widgets.rows import heading, row

KEY_WIDTH, FIGURE_WIDTH, GROUP_WIDTH = 20, 27, 12

FIGURES: tuple[tuple[str, str], ...] = (
    (bar(0.9), "How sure it sounds to a reader who doesn't know the answer. By its wording alone."),
    ("right about 1 in 6", "How likely it is right: how often answers of this model with such signs were right."),
    *((f"{SIGNS[verdict]} {verdict_text(verdict)}", text) for verdict, text in VERDICTS_MEAN.items()),
    ("how often right?", "Nobody has measured this model yet: lacie calibrate does."),
    ("⊘ declines", "It gives no answer, so there is nothing to be sure of. That is not a low figure."),
    ("· no claim", "It claims nothing that could be right or wrong."),
    ("▸ thought for 12 s", "Above an answer: what the model thought first. No part of it: not heard, not sent back."),
)
"""What stands in the line under an answer, and what it means, in plain words."""

MARKS: tuple[tuple[HighlightKind, str], ...] = (
    ("hedge", "Marked so in the text: words that weaken a claim (“I think”, “possibly”)."),
    ("booster", "Marked so in the text: words that strengthen a claim (“certainly”)."),
)


def help_content(keymap: Mapping[str, str], width: int = 0) -> Content:
    """The help's text, `width` cells wide (0: as wide as it gets)."""
    parts = [heading("What stands under an answer")]
    parts += [row(Content.styled(name, "bold"), text, width, FIGURE_WIDTH) for name, text in FIGURES]
    parts += [row(Content(f"{kind}s").stylize(STYLES[kind]), text, width, FIGURE_WIDTH) for kind, text in MARKS]
    parts += [Content(""), heading("Writing")]
    parts += [_row(keys, text, width) for keys, text in EDITING]
    for group, title in GROUPS.items():
        parts += [Content(""), heading(title)]
        parts += [_row(keys_of(action, keymap), action.help, width) for action in EVERY if action.group == group]
    parts += [
        Content(""),
        Content(
            "A token is a word or a piece of one. Its per cent says how probable it was to the model itself, "
            "not how likely the answer is right."
        ),
        Content(""),
        Content.styled(
            "Arrows and enter are for an answer while the conversation has the focus (tab, or a click).", DIM
        ),
        Content(""),
        heading("Keys of your own"),
        Content.styled(f'"chat.new" = "f2" under [keys] in {settings_path()}; what can stand there:', DIM),
    ]
    for group in GROUPS:
        names = " ".join(action.name.partition(".")[2] for action in EVERY if action.group == group)
        parts.append(row(Content.styled(f"{group}.", "bold"), Content.styled(names, DIM), width, GROUP_WIDTH))
    return Content("\n").join(parts)


def _row(keys: str, text: str, width: int) -> Content:
    return row(Content.styled(keys, "bold"), Content.styled(text, "$text"), width, KEY_WIDTH)


class HelpScreen(SizedScreen[None]):
    """Scrolls; any of its closing keys goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,question_mark", "dismiss", "Back", id="help.close"),
    ]

    def __init__(self, state: InterfaceState) -> None:
        super().__init__()
        self._state = state

    def compose_screen(self) -> ComposeResult:
        yield TitleBar("help")
        with Room(self._draw, id="help"):
            yield Static(id="help-text")
        yield FittingFooter()

    def on_mount(self) -> None:
        self.query_one("#help").focus()
        self._draw()
        self._state.help_opened()
        write_state(self._state)

    def _draw(self) -> None:
        width = self.query_one("#help").scrollable_content_region.width - 1  # a gap before the bar
        self.query_one("#help-text", Static).update(help_content(self._state.keymap, width))
