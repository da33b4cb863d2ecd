"""Where the user writes: several lines, a history, and a paste that is never sent by itself.

Enter sends. Ctrl+j makes a new line: it is a byte of its own in every terminal; shift+enter and alt+enter are only in
some. Pasted text arrives as one event (bracketed paste), so its line ends don't send.
"""

from textual.events import Key
from textual.widgets import TextArea

from lacie_chat.tui.messages import Submitted

NEWLINE_KEYS = ("ctrl+j", "shift+enter", "alt+enter", "ctrl+enter")


class Composer(TextArea):
    """A text area that grows to eight lines."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(
            id="composer",
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder=placeholder,
            tab_behavior="focus",
        )
        self.past: list[str] = []
        self._position = 0
        self._draft = ""

    async def on_key(self, event: Key) -> None:
        # Here and not as bindings: those with priority overtake the keys typed just before, others come after TextArea.
        if event.key == "enter" or event.key in NEWLINE_KEYS:
            event.stop()
            event.prevent_default()
            if event.key == "enter":
                self.action_send()
            else:
                self.action_newline()

    def action_send(self) -> None:
        text = self.text.strip()
        if text:
            self.remember(text)
            self.clear()
            self.post_message(Submitted(text))

    def action_newline(self) -> None:
        self.replace("\n", *self.selection, maintain_selection_offset=False)

    def action_cursor_up(self, select: bool = False) -> None:
        if not select and self.navigator.is_first_wrapped_line(self.cursor_location) and self._position > 0:
            self._recall(self._position - 1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if not select and self.navigator.is_last_wrapped_line(self.cursor_location) and self._position < len(self.past):
            self._recall(self._position + 1)
        else:
            super().action_cursor_down(select)

    def remember(self, text: str) -> None:
        """Put a text at the end of the history; it stands there once."""
        if not self.past or self.past[-1] != text:
            if text in self.past:
                self.past.remove(text)
            self.past.append(text)
        self._position, self._draft = len(self.past), ""

    def put_away(self) -> None:
        """Clear, but keep the text where the up key finds it."""
        text = self.text
        self.clear()
        if text.strip():
            self.remember(text)

    def fill(self, text: str) -> None:
        """Replace the text, with the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def _recall(self, position: int) -> None:
        if self._position == len(self.past):
            self._draft = self.text
        self._position = position
        self.fill(self._draft if position == len(self.past) else self.past[position])
