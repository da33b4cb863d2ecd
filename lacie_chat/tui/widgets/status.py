"""One line over the composer: what the engine is doing."""

import re
from typing import NamedTuple

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from lacie_chat.chat.fit import what_goes
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import bar
from lacie_chat.engine.events import PromptSize
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.widgets.line_layout import WITHIN, flowed

DIM = "$foreground 65%"
FULL_FROM = 0.9
"""The share of the context from which on the meter stands out."""
GO_ON = "answer.go_on"
HINT = "enter sends · ctrl+j new line"
NARROW = 60
"""Columns of a terminal under which it says less: a file's folders leave no room for what is wrong with it, say."""
_FOLDERS = re.compile(r"(?<![^\s'\"])(?:~|[A-Za-z]:)?[\\/](?:[^\s\\/]+[\\/])+")
LONG_PROMPT = 256
"""Tokens from which on the reading of a prompt is worth a bar."""


class Meter(NamedTuple):
    """How much of the context is used (None: nobody has counted), and how much there is."""

    used: int | None
    n_ctx: int

    def text(self, *, narrow: bool) -> str:
        """In few words."""
        if self.used is None:
            return f"room for {self.n_ctx:,}" if narrow else f"room for {self.n_ctx:,} tokens"
        return f"{self.used:,}/{self.n_ctx:,}" if narrow else f"{self.used:,} of {self.n_ctx:,} tokens"


class Status(Static):
    """Shows one state at a time; a line that says nothing new keeps its place, so nothing jumps."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="status")
        self._state: tuple[Content, ...] = ()
        self._setting = ""

    @property
    def _narrow(self) -> bool:
        return self.app.size.width < NARROW

    def on_resize(self) -> None:
        self._draw()

    def show_loading(self, name: str, fraction: float, *, again: bool) -> None:
        word = "Loading again" if again else "Loading"
        self._show(Content.assemble(f"{word} {name}  ", (bar(fraction), "$text-primary"), f" {fraction:4.0%}"))

    def show_failed(self, message: str) -> None:
        shown = _FOLDERS.sub("…/", message) if self._narrow else message
        line = Content.assemble(("✗ ", "bold"), shown).stylize("$text-error")
        retry, other = key_of(self, "chat.reload"), key_of(self, "chat.model")
        ways = [f"{retry} tries again", f"{other} takes another model", "all else still works"]
        if self._narrow:
            ways = [f"{retry}: again", f"{other}: other model"]
        self._show(line, *(Content.styled(way, DIM) for way in ways))

    def show_silent(self, *, waits: bool) -> None:
        """The engine gives no sign of life. `waits`: an answer is to come from it."""
        renew, stop = key_of(self, "chat.reload"), key_of(self, "answer.stop")
        ways = [f"{renew}: new one"] if self._narrow else [f"{renew} starts a new one"]
        if waits:
            ways.append(f"{stop} stops")
        head = Content.assemble(("✗ ", "bold"), "The engine doesn't answer").stylize("$text-error")
        self._show(head, *(Content.styled(way, DIM) for way in ways))

    def show_reading(self, done: int, total: int) -> None:
        if total < LONG_PROMPT:
            self._show(Content("Reading…"))
        else:
            self._show(
                Content.assemble(
                    "Reading the conversation  ", (bar(done / total), "$text-primary"), f" {done} of {total} tokens"
                )
            )

    def show_unfit(self, size: PromptSize, keys: tuple[str, ...]) -> None:
        """It doesn't fit; `keys` send it without what doesn't, edit it, and don't send it. Of an answer that is to go
        on: let it, and leave it as it is."""
        goes = what_goes(size)
        narrow = self._narrow
        words: tuple[str, ...]
        words = ("cut", "edit", "don't send") if narrow else (f"sends it without {goes}", "edits it", "doesn't send it")
        acts: tuple[str, ...] = (GO_ON, "chat.edit", "answer.stop")
        if size.said:
            keys, acts = (keys[0], keys[2]), (GO_ON, "answer.stop")
            words = ("cut", "leave it") if narrow else (f"goes on without {goes}", "leaves it as it is")
        parts = [
            Content.assemble((key, "bold"), f" {word}").stylize(Style.from_meta({"@click": f"screen.perform('{act}')"}))
            for key, word, act in zip(keys, words, acts, strict=True)
        ]
        head = Content("Doesn't fit" if narrow else "It doesn't fit").stylize("$text-warning")
        self._show(head, *parts)

    def show_answering(self, turn: Turn, waiting: int, meter: Meter) -> None:
        narrow, stop = self._narrow, key_of(self, "answer.stop")
        if turn.phase != "thinking":
            doing = f"Answering… {stop} stops"
        elif turn.answer_requested:
            doing = f"Ending the thought… {stop} stops"
        else:
            doing = f"Thinking… {key_of(self, 'answer.now')} goes to the answer"
        parts = [doing]
        if turn.drawn:
            parts.append(f"{turn.drawn:,} token{'s' * (turn.drawn != 1)}" if not narrow else f"{turn.drawn:,}")
            if (speed := turn.speed) is not None:
                parts.append(f"{speed:.0f}/s")
            if turn.read and not narrow:
                parts.append(meter.text(narrow=True))
        if waiting:
            parts.append(f"{waiting} waiting" if narrow else f"{waiting} more waiting")
        self._show(*map(Content, parts))

    def show_listening(self, count: int) -> None:
        """So many answers are not assessed yet."""
        self._show(Content("Listening…" if count == 1 else f"Listening to {count} answers…"))

    def show_ready(self, meter: Meter) -> None:
        full = meter.used is not None and meter.used >= FULL_FROM * meter.n_ctx
        told = meter.text(narrow=self._narrow)
        self._show(Content.styled("Ready", DIM), Content.styled(told, "$text-warning" if full else DIM))

    def show_setting(self, text: str) -> None:
        """What is switched on, beside whatever state is shown."""
        if text != self._setting:
            self._setting = text
            self._draw()

    def _show(self, *parts: Content) -> None:
        """What the engine does; no part is broken across lines where it fits one."""
        if len(parts) != len(self._state) or not all(map(Content.is_same, parts, self._state)):
            self._state = parts
            self._draw()

    def _draw(self) -> None:
        setting = [Content.styled(self._setting, "$text-warning")] if self._setting else []
        width = self.content_size.width
        state = flowed([(WITHIN, part) for part in (*self._state, *setting)], width)
        room = width - state.cell_length - len(HINT)
        self.update(state if room < 2 else Content.assemble(state, " " * room, (HINT, DIM)))
