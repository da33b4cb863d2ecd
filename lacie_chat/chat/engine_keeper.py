"""The chat's one engine: made and loaded when it is first wanted, lent, told to stop, and made anew once it has died.

It is started again after a death, but never on its own after a failed load, nor where engines die one after the other
without an answer between: what killed them would kill the next one. Whoever asks then tries again. Where another model
takes its place, the one at hand is closed first: two models' weights may be more than memory holds.
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from lacie_chat.chat.events import ChatEvent, Loaded, LoadFailed, Loading, Notice, SilenceChanged
from lacie_chat.chat.lane import Lane
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import LoadProgress, ModelInfo
from lacie_chat.engine.protocol import EngineLike

LOOK_SECONDS = 0.5
"""Between two looks whether the engine gives a sign of life."""
RESTARTS = 1
"""So many engines are started by themselves after deaths between which no answer was finished."""


class _Unwanted(EngineError):
    """The user stopped the load."""


class EngineKeeper:
    """`speaker` makes it. `lane` is the thread that loads; `ready` is told of each engine once it is loaded, there."""

    def __init__(
        self,
        speaker: ChatSpeaker,
        lane: Lane,
        post: Callable[[ChatEvent], object],
        ready: Callable[[EngineLike], object],
    ) -> None:
        self.engine: EngineLike | None = None
        self.info: ModelInfo | None = None
        self.load_error = ""
        self.speaker = speaker
        self._lane, self._post, self._ready = lane, post, ready
        self._failures = 0
        self._deaths = 0
        """Since the last answer that was finished."""
        self._loading: EngineLike | None = None
        self._changes = False
        """Is it one that takes another's place?"""
        self._stopped = False
        """Does the user not want what is being loaded?"""
        self._lock = Lock()
        self._closed = Event()
        self.silent = False
        """Does the engine at hand, or the one that is loaded, give no sign of life?"""
        Thread(target=self._look, name="looking at the engine", daemon=True).start()

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
        try:
            return self._open()
        except EngineError as error:
            self._failures += 1
            self.load_error = str(error)
            self._post(LoadFailed(str(error)))
            return None

    @property
    def is_loading(self) -> bool:
        """Is another model being loaded, which can be stopped? Instead of the first there would be none."""
        return self._loading is not None and self._changes and not self._stopped

    def stop_loading(self) -> bool:
        """Load no further: `change` goes back to the model before. False where no other is being loaded. Any thread."""
        with self._lock:
            engine = self._loading
            if engine is None or not self.is_loading:
                return False
            self._stopped = True
        Thread(target=engine.close, name="stopping a load", daemon=True).start()  # may take seconds
        return True

    def turn_away(self) -> None:
        """Another model is to answer: what is known of the one at hand is of no interest any more."""
        self.info, self.load_error = None, ""

    def answered(self) -> None:
        """It has finished an answer: whatever an engine may yet die of, this model doesn't kill it at once."""
        self._deaths = 0

    def change(self, speaker: ChatSpeaker, back: Callable[[ChatSpeaker], object]) -> None:
        """Close the engine and load this speaker's. Where that can't be loaded it is said, `back` is told whose engine
        is loaded again instead, and it is. Blocks: for the lane alone."""
        if self.closed:
            return
        before = self.speaker
        self._let_go()
        self.speaker, self.info, self.load_error = speaker, None, ""
        self._deaths = 0
        self._changes = True
        try:
            self._open()
        except EngineError as error:
            told = f"{speaker.model_name}: {str(error).rstrip('.')}. {before.model_name} stays."
            if isinstance(error, _Unwanted):
                told = f"{speaker.model_name} was not loaded. {before.model_name} answers again."
            self._post(Notice(told, serious=not isinstance(error, _Unwanted)))
            self.speaker, self.info, self._changes = before, None, False
            back(before)
            self.load()
        finally:
            self._changes = False

    def _open(self) -> EngineLike:
        """A new engine, loaded. Raises EngineError, one line."""
        again = self.info is not None

        def progress(of: LoadProgress) -> None:
            self._post(Loading(of.fraction, again))

        engine: EngineLike | None = None
        self._stopped = False
        try:
            engine = self._loading = self.speaker.engine_factory()
            progress(LoadProgress(0.0))  # only now: who hears of a load is to be able to stop it
            self.info = engine.load(progress)
        except EngineError as error:
            if engine is not None:
                engine.close()
            if self._stopped:
                raise _Unwanted(f"{self.speaker.model_name} was not loaded, for you stopped it") from error
            raise
        finally:
            with self._lock:
                self._loading = None
        if self._stopped:  # in its last moment
            self.info = None
            raise _Unwanted(f"{self.speaker.model_name} was not loaded, for you stopped it")
        self.engine, self.load_error = engine, ""
        if self.closed:
            engine.close()
        self._post(Loaded(self.info))
        if self.info.asked_as and not again:
            self._post(Notice(f"{self.speaker.model_name}: {self.info.asked_as}"))
        self._ready(engine)
        return engine

    def _let_go(self) -> None:
        with self._lock:
            engine, self.engine = self.engine, None
        if engine is not None:
            engine.close()

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
        """Start a new engine, once, however many threads notice; unless RESTARTS have come to the same."""
        with self._lock:
            if self.engine is not engine or self.closed:
                return
            self.engine = None
            self._deaths += 1
        engine.close()
        if self._deaths > RESTARTS:
            self._failures += 1
            self.load_error = (
                f"The engine stopped {self._deaths} times without an answer: {self.speaker.model_name} isn't started "
                "again until you ask"
            )
            self._post(LoadFailed(self.load_error))
            return
        self._post(Notice("The engine stopped; a new one is being started. Nothing is lost.", serious=True))
        self._lane.submit(self.finder())

    def renew(self) -> None:
        """A new engine in the place of one that gives no sign of life, or that could not be loaded; because the user
        wants it. What it owes is asked of the new one, where no word of it is there yet."""
        with self._lock:
            engine, loading = self.engine, self._loading
            self._deaths, self.silent = 0, False
        if engine is not None and engine.silent:
            engine.end()
            self.died(engine)
            return
        if loading is not None and loading.silent:
            loading.end()
        self.start()

    def _look(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            engine = self._loading or self.engine
            silent = engine is not None and engine.silent
            if silent != self.silent:
                self.silent = silent
                self._post(SilenceChanged())

    def will_close(self) -> None:
        """Begin nothing more."""
        self._closed.set()

    def close(self) -> None:
        """Free the engine."""
        self.will_close()
        if self.engine is not None:
            self.engine.close()
