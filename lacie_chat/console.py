"""The one place where Rich's consoles are made: styled and wrapped for a terminal, plain lines for everything else.

A pipe and a file get every line whole, however long: what is cut to a width that nobody sees can't be searched, and a
path that is broken in two can't be opened. On a terminal that takes no control codes (TERM=dumb or unset) nothing is
styled. A COLUMNS that no terminal has is passed over.

The codes that reach the terminal are those of Rich: a renderable's text is made harmless when it has been laid out, for
not all that is in it went through `printable` before (`&rlm;` in Markdown is a mark only then).
"""

import os
import sys
from collections.abc import Iterable
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from lacie_chat.printable import printable
from lacie_chat.streams import terminal_takes_codes, unguarded

_UNLIMITED = 100_000
_NARROWEST, _WIDEST = 10, 2_000


class HarmlessConsole(Console):
    """Rich's, of which no text and no link is an escape sequence."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Rich's segments, the text in them harmless."""
        return map(harmless, super().render(renderable, options))


def harmless(segment: Segment) -> Segment:
    """The segment as wide as it was, without control and format characters and without a link that holds some."""
    text, style, control = segment
    if control or (text.isprintable() and not (style and style.link and not style.link.isprintable())):
        return segment
    shown = printable(text, space="")
    if "\n" not in text:
        shown += " " * (cell_len(text) - cell_len(shown))
    if style and style.link and not style.link.isprintable():
        style = style.update_link(None)
    return Segment(shown, style)


def make_console(*, stderr: bool = False) -> Console:
    """A console on standard output or standard error as it is now; it highlights nothing by itself."""
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty():
        return HarmlessConsole(file=unguarded(stream), highlight=False, soft_wrap=True, width=_UNLIMITED)
    colours: Literal["auto"] | None = "auto" if terminal_takes_codes() else None
    console = HarmlessConsole(file=unguarded(stream), highlight=False, color_system=colours)
    if not _NARROWEST <= console.width <= _WIDEST:
        console.width = min(max(_width_of_terminal(stream.fileno()), _NARROWEST), _WIDEST)
    return console


def _width_of_terminal(descriptor: int) -> int:
    try:
        return os.get_terminal_size(descriptor).columns or 80
    except OSError:
        return 80


def show(renderable: RenderableType) -> None:
    """Print something that Rich lays out, as a table; outside a terminal without the blanks that fill its lines."""
    console = make_console()
    if console.width != _UNLIMITED:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    for line in captured.get().splitlines():
        print(line.rstrip())
