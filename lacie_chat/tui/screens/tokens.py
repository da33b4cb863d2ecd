"""The tokens of one answer: how probable each was to the model itself, and what else could have stood there.

This is what the model thought while it wrote, token by token, which is not how likely the answer is right: a name that
is made up can be as probable as a true one. Below the text stands all that is known of the token under the cursor.
"""

from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lacie_chat.chat.answer_tokens import AnswerToken, answer_tokens
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.conversations import StoreError
from lacie_chat.tui.actions import TOKEN_ACTIONS
from lacie_chat.tui.interface_state import InterfaceState
from lacie_chat.tui.screens.base import SizedScreen
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.widgets.fitting_footer import FittingFooter
from lacie_chat.tui.widgets.token_panel import token_content
from lacie_chat.tui.widgets.token_text import CLOSE, NEWLINE, OPEN, TokenChosen, TokenText

UNLIKELY = 0.5
STREAMING = "The answer is still being written; its tokens are shown once it has ended."
NOTHING = "The model said nothing, so there are no tokens."
UNKNOWN = "No tokens are kept with this answer: it is from before they were, or the engine stopped before its end."
MEANING = "Per cent as the model has it, before temperature and cuts."

LEGEND = Content.assemble(
    ("90 % and more", "$text"),
    " · ",
    ("50 to 90 %", "italic $text-primary"),
    " · ",
    ("10 to 50 %", "underline $text-warning"),
    " · ",
    ("under 10 %", "bold underline $text-error"),
    (f" · {OPEN}answer{CLOSE} · {NEWLINE} line end", "$foreground 65%"),
)


class TokensScreen(SizedScreen[None]):
    """`turn` is an answer of `tree`; `show` draws it anew when it has changed."""

    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in TOKEN_ACTIONS]

    title_bar = getters.query_one("#tokens-title", Static)
    note = getters.query_one("#tokens-note", Static)
    text = getters.query_one(TokenText)
    panel = getters.query_one("#token-panel", VerticalScroll)
    panel_text = getters.query_one("#token-panel-text", Static)

    def __init__(self, tree: ChatTree, turn: Turn, state: InterfaceState) -> None:
        super().__init__()
        self.turn = turn
        self._tree = tree
        self._state = state
        self._tokens: list[AnswerToken] = []

    def compose_screen(self) -> ComposeResult:
        yield Static(id="tokens-title", classes="title-bar", markup=False)
        yield Static(id="tokens-note", markup=False)
        with Container(id="tokens-body"):
            yield TokenText()
            with VerticalScroll(id="token-panel", can_focus=False):
                yield Static(id="token-panel-text", markup=False)
        yield Static(LEGEND, id="tokens-legend")
        yield FittingFooter()

    def on_mount(self) -> None:
        self.text.focus()
        self.show()

    def show(self) -> None:
        """Draw the answer as it now is."""
        turn, note = self.turn, ""
        try:
            self._tree.read_tokens(turn)
        except StoreError as error:
            note = f"✗ {error}"
        self._tokens = answer_tokens(turn.text, turn.tokens, turn.alternatives)
        if not self._tokens and not note:
            note = STREAMING if turn.status == "streaming" else UNKNOWN if turn.text else NOTHING
        span = turn.assessment.answer_span if turn.assessment is not None else None
        self.note.update(Content(note))
        self.note.display = bool(note)
        self.panel.display = bool(self._tokens)
        self.set_class(not self._tokens, "-unknown")
        self.text.show(turn.text, self._tokens, (span.start, span.end) if span is not None else None)
        self._draw_title()
        self._draw_panel()
        self.refresh_bindings()

    def on_token_chosen(self, _: TokenChosen) -> None:
        self._draw_panel()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._tokens) or action not in ("tokens_next", "tokens_previous")

    def _draw_title(self) -> None:
        count, unlikely = len(self._tokens), sum(token.probability < UNLIKELY for token in self._tokens)
        figures = f" · {unlikely} of {count} under 50 %" if count else ""
        self.title_bar.update(Content.assemble(("lacie", "bold"), " · tokens", (figures, "$foreground 65%")))

    def _draw_panel(self) -> None:
        if self._tokens:
            index = self.text.cursor
            token = self._tokens[index]
            content = token_content(token, index, len(self._tokens), self.turn.text[token.start : token.end])
            self.panel_text.update(Content.assemble(content, "\n", (MEANING, "$foreground 65%")))
            self.panel.scroll_home(animate=False)

    # The actions (see actions.py)

    def action_tokens_back(self) -> None:
        self.dismiss(None)

    def action_tokens_left(self) -> None:
        self.text.move(self.text.cursor - 1)

    def action_tokens_right(self) -> None:
        self.text.move(self.text.cursor + 1)

    def action_tokens_up(self) -> None:
        self.text.move_lines(-1)

    def action_tokens_down(self) -> None:
        self.text.move_lines(1)

    def action_tokens_page_up(self) -> None:
        self.text.move_lines(-self.text.page)

    def action_tokens_page_down(self) -> None:
        self.text.move_lines(self.text.page)

    def action_tokens_first(self) -> None:
        self.text.move(0)

    def action_tokens_last(self) -> None:
        self.text.move(len(self._tokens) - 1)

    def action_tokens_next(self) -> None:
        self._go_to_unlikely(range(self.text.cursor + 1, len(self._tokens)))

    def action_tokens_previous(self) -> None:
        self._go_to_unlikely(range(self.text.cursor - 1, -1, -1))

    def _go_to_unlikely(self, places: range) -> None:
        found = next((place for place in places if self._tokens[place].probability < UNLIKELY), None)
        if found is None:
            self.notify(f"No token under 50 % {'further on' if places.step > 0 else 'before this one'}.", timeout=2)
        else:
            self.text.move(found)

    def action_tokens_help(self) -> None:
        self.app.push_screen(HelpScreen(self._state))
