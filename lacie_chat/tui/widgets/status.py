"""One line over the composer: what the engine is doing."""

import re

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from lacie_chat.chat.fit import what_goes
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import bar
from lacie_chat.engine.events import PromptSize

NARROW = 60
"""Cells under which it says less."""
GO_ON = "answer.go_on"
HINT = "enter sends · ctrl+j new line"
RETRY = "alt+r tries again, alt+m takes another model; all else still works"
NARROW = 60
"""Columns of a terminal in which a file's folders leave no room for what is wrong with it."""
_FOLDERS = re.compile(r"(?<![^\s'\"])(?:~|[A-Za-z]:)?[\\/](?:[^\s\\/]+[\\/])+")
LONG_PROMPT = 256
"""Tokens from which on the reading of a prompt is worth a bar."""


class Status(Static):
    """Shows one state at a time; a line that says nothing new keeps its place, so nothing jumps."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="status")
        self._state = Content("")
        self._setting = ""

    def on_resize(self) -> None:
        self._draw()

    def show_loading(self, name: str, fraction: float, *, again: bool) -> None:
        word = "Loading again" if again else "Loading"
        self._show(Content.assemble(f"{word} {name}  ", (bar(fraction), "$text-primary"), f" {fraction:4.0%}"))

    def show_failed(self, message: str) -> None:
        shown = _FOLDERS.sub("…/", message) if self.app.size.width < NARROW else message
        line = Content.assemble(("✗ ", "bold"), shown).stylize("$text-error")
        self._show(line + Content.styled(f" · {RETRY}", "$foreground 65%"))

    def show_reading(self, done: int, total: int) -> None:
        if total < LONG_PROMPT:
            self._show(Content("Reading…"))
        else:
            self._show(
                Content.assemble(
                    "Reading the conversation  ", (bar(done / total), "$text-primary"), f" {done} of {total} tokens"
                )
            )

    def show_unfit(self, size: PromptSize, keys: tuple[str, str, str]) -> None:
        """It doesn't fit; `keys` send it without what doesn't, edit it, and don't send it."""
        goes = what_goes(size)
        narrow = self.content_size.width < NARROW
        words = ("cut", "edit", "don't send") if narrow else (f"sends it without {goes}", "edits it", "doesn't send it")
        acts = (GO_ON, "chat.edit", "answer.stop")
        parts = [
            Content.assemble((key, "bold"), f" {word}").stylize(Style.from_meta({"@click": f"screen.perform('{act}')"}))
            for key, word, act in zip(keys, words, acts, strict=True)
        ]
        head = Content("Doesn't fit" if narrow else "It doesn't fit").stylize("$text-warning")
        self._show(Content(" · ").join([head, *parts]))

    def show_answering(self, turn: Turn, waiting: int) -> None:
        more = f" · {waiting} more waiting" if waiting else ""
        if turn.phase != "thinking":
            doing = "Answering… escape stops"
        else:
            asked = turn.answer_requested
            doing = "Ending the thought… escape stops" if asked else "Thinking… escape goes to the answer"
        self._show(Content(f"{doing}{more}"))

    def show_listening(self, count: int) -> None:
        """So many answers are not assessed yet."""
        self._show(Content("Listening…" if count == 1 else f"Listening to {count} answers…"))

    def show_ready(self, detail: str) -> None:
        self._show(Content(f"Ready{detail}").stylize("$foreground 65%"))

    def show_setting(self, text: str) -> None:
        """What is switched on, beside whatever state is shown."""
        if text != self._setting:
            self._setting = text
            self._draw()

    def _show(self, content: Content) -> None:
        if not content.is_same(self._state):
            self._state = content
            self._draw()

    def _draw(self) -> None:
        state = (
            Content.assemble(self._state, (f" · {self._setting}", "$text-warning")) if self._setting else self._state
        )
        room = self.content_size.width - state.cell_length - len(HINT)
        if room < 2:
            self.update(state)  # wraps, which only the reason of a failure is long enough for
        else:
            self.update(Content.assemble(state, " " * room, (HINT, "$foreground 65%")))
