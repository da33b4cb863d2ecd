"""A thread that does one thing after the other."""

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

log = logging.getLogger(__name__)


class Lane:
    """Runs what it is handed, in order, on one daemon thread: leaving the program never waits for native code."""

    def __init__(self, name: str, on_crash: Callable[[Exception], None]) -> None:
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._on_crash = on_crash
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
                self._on_crash(error)
