"""The one place where Rich's consoles are made: styled and wrapped for a terminal, plain lines for everything else.

A pipe and a file get every line whole, however long: what is cut to a width that nobody sees can't be searched, and a
path that is broken in two can't be opened. On a terminal that takes no control codes (TERM=dumb or unset) nothing is
styled. A COLUMNS that no terminal has is passed over.
"""

import os
import sys

from rich.console import Console, RenderableType

from lacie_chat.streams import terminal_takes_codes

_UNLIMITED = 100_000
_NARROWEST, _WIDEST = 10, 2_000


def make_console(*, stderr: bool = False) -> Console:
    """A console on standard output or standard error as it is now; it highlights nothing by itself."""
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty():
        return Console(stderr=stderr, highlight=False, soft_wrap=True, width=_UNLIMITED)
    console = Console(stderr=stderr, highlight=False, color_system="auto" if terminal_takes_codes() else None)
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
