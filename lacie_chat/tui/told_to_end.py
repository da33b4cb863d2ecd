"""An app that is told to end, by SIGTERM or SIGHUP, ends as if it were quit: with the terminal as it was found.

By default such a signal ends the process where it stands: on the other screen, without a cursor, with the mouse's
codes coming as text, and with a terminal that shows nothing of what is typed. Nobody is asked about what isn't saved,
for nobody may be there; what can be kept is, as at every end.
"""

import asyncio
import signal
import sys
from contextlib import suppress
from typing import TypeVar

from textual.app import App

Result = TypeVar("Result")


class EndsWhenTold(App[Result]):
    """Its status is that of a process which the signal ended. A second signal does end it where it stands."""

    def on_load(self) -> None:
        """Before the terminal is touched."""
        if sys.platform == "win32":
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(RuntimeError, ValueError):  # not in the main thread: whoever runs it there looks after that
                asyncio.get_running_loop().add_signal_handler(number, self._end, number)

    def _end(self, number: int) -> None:
        asyncio.get_running_loop().remove_signal_handler(number)
        self.exit(return_code=128 + number)
