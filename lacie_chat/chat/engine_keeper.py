"""The chat's one engine: made and loaded when it is first wanted, lent, told to stop, and made anew once it has died.

It is started once for each death, and never again on its own after a failed load: the next question tries again.
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock

from lacie_chat.chat.events import ChatEvent, Loaded, LoadFailed, Loading, Notice
from lacie_chat.chat.lane import Lane
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import LoadProgress, ModelInfo
from lacie_chat.engine.protocol import EngineLike


class EngineKeeper:
    """`lane` is the thread that loads; `ready` is told of each engine once it is loaded, on that thread."""

    def __init__(
        self,
        factory: Callable[[], EngineLike],
        model_name: str,
        lane: Lane,
        post: Callable[[ChatEvent], object],
        ready: Callable[[EngineLike], object],
    ) -> None:
        self.engine: EngineLike | None = None
        self.info: ModelInfo | None = None
        self.load_error = ""
        self._factory, self._model_name = factory, model_name
        self._lane, self._post, self._ready = lane, post, ready
        self._failures = 0
        self._lock = Lock()
        self._closed = Event()

    @property
    def closed(self) -> bool:
        """Has the chat ended?"""
        return self._closed.is_set()

    def start(self) -> None:
        """Begin to load; returns at once."""
        self._lane.submit(self.load)

    def load(self) -> EngineLike | None:
        """The engine, loaded; None if it can't be (which has then been reported). Blocks: for the lane alone."""
        if self.engine is not None or self.closed:
            return self.engine
        again = self.info is not None

        def progress(of: LoadProgress) -> None:
            self._post(Loading(of.fraction, again))

        progress(LoadProgress(0.0))
        engine: EngineLike | None = None
        try:
            engine = self._factory()
            self.info = engine.load(progress)
        except EngineError as error:
            self._failures += 1
            self.load_error = str(error)
            self._post(LoadFailed(str(error)))
            if engine is not None:
                engine.close()
            return None
        self.engine, self.load_error = engine, ""
        if self.closed:
            engine.close()
        self._post(Loaded(self.info))
        if self.info.asked_as and not again:
            self._post(Notice(f"{self._model_name}: {self.info.asked_as}"))
        self._ready(engine)
        return engine

    def finder(self) -> Callable[[], EngineLike | None]:
        """How a question that is asked now finds its engine: where a load fails before its turn comes, it has seen
        that failure; a later question deserves a new try."""
        failures = self._failures
        return lambda: self.load() if failures == self._failures else self.engine

    def borrow(self) -> EngineLike | None:
        """The engine, loaded, for a thread that isn't the lane; waits for it. None if it can't be loaded."""
        found: SimpleQueue[EngineLike | None] = SimpleQueue()

        def lend() -> None:
            try:
                self.load()
            finally:
                found.put(self.engine)

        self._lane.submit(lend)
        while not self.closed:
            with suppress(Empty):
                return found.get(timeout=0.2)
        return None

    def stop(self) -> None:
        """Let it end the answers that it is writing."""
        if (engine := self.engine) is not None:
            engine.cancel()

    def hurry(self) -> None:
        """Let it go on from thinking to answering."""
        if (engine := self.engine) is not None:
            engine.answer_now()

    def died(self, engine: EngineLike) -> None:
        """Start a new engine, once, however many threads notice."""
        with self._lock:
            if self.engine is not engine or self.closed:
                return
            self.engine = None
        engine.close()
        self._post(Notice("The engine stopped; a new one is being started. Nothing is lost.", serious=True))
        self.start()

    def will_close(self) -> None:
        """Begin nothing more."""
        self._closed.set()

    def close(self) -> None:
        """Free the engine."""
        self.will_close()
        if self.engine is not None:
            self.engine.close()
