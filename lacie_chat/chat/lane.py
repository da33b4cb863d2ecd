"""A thread that does one thing after the other."""

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from lacie_chat.chat.events import ChatEvent, Notice

log = logging.getLogger(__name__)


class Lane:
    """Runs what it is handed, in order, on one daemon thread: leaving the program never waits for native code.

    A job that fails is reported through `post`, and the next one runs.
    """

    def __init__(self, name: str, post: Callable[[ChatEvent], object]) -> None:
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._post = post
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], object]) -> None:
        """Do `job` after all that was handed in before."""
        self._jobs.put(job)

    def close(self, timeout: float) -> None:
        """Do nothing more; wait up to `timeout` seconds for the job in hand."""
        self._jobs.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as error:
                log.exception("A job of the chat failed")
                self._post(Notice(f"Internal error ({type(error).__name__}: {error}); please report it.", serious=True))
