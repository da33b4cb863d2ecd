"""The chat without a screen: asks the engine, writes to the store, assesses, and reports what happens.

Two threads work for it. One loads the model and writes answers, one after the other (so a question asked early waits
for its turn); the other listens to finished answers, so that the next answer need not wait for an assessment. Whatever
they do is reported through `post` as events; they never touch a widget. Every method here returns at once.

When the engine dies, the answer keeps what it has, and a new engine is started through the factory. It is started once
for each death, and never again on its own after a failed load: the next question tries again.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Any

from lacie_chat.chat.afterwards import Afterwards
from lacie_chat.chat.answering import write_answer
from lacie_chat.chat.events import ChatEvent, Loaded, LoadFailed, Loading, Notice, TurnChanged, TurnEnded
from lacie_chat.chat.lane import Lane
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.confidence import Calibrator, assess
from lacie_chat.conversations import Status, Store
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Failed, Finished, LoadProgress, ModelInfo
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling, Side

CLOSE_SECONDS = 1.5


def random_seed() -> int:
    """A fresh seed for one answer; kept with it, so that the answer can be drawn again."""
    return secrets.randbits(31)


@dataclass(frozen=True, slots=True)
class Origin:
    """What answers on one side, beyond its name: kept with each answer, so that a mark on it (right, wrong) counts for
    these very files. `shipped` is the calibrator that came with them, whether it is in use or not."""

    model_ref: str
    adapter_ref: str | None
    fingerprint: str
    shipped: Calibrator | None = None

    def to_params(self) -> dict[str, str | None]:
        return {"model_ref": self.model_ref, "adapter_ref": self.adapter_ref, "fingerprint": self.fingerprint}


class ChatSession:
    """One chat: the conversation at hand, and the engine that answers in it.

    `calibrator` is the speaker's; `baseline_calibrator` that of the model without its adapter. `origins` says what
    answers on each side.
    """

    def __init__(
        self,
        engine_factory: Callable[[], EngineLike],
        store: Store,
        post: Callable[[ChatEvent], object],
        *,
        model_name: str,
        adapter_name: str | None = None,
        calibrator: Calibrator | None = None,
        baseline_calibrator: Calibrator | None = None,
        origins: Mapping[Side, Origin] | None = None,
        sampling: Sampling | None = None,
        agreement: int = 0,
        seed: Callable[[], int] = random_seed,
    ) -> None:
        self.store = store
        self.model_name = model_name
        self.adapter_name = adapter_name
        self.calibrator = calibrator
        self.baseline_calibrator = baseline_calibrator
        self.origins = dict(origins or {})
        self.sampling = sampling or Sampling()
        self.agreement = agreement
        """So many samples are drawn after each answer; 0: none."""
        self.side: Side = "speaker"
        self.info: ModelInfo | None = None
        self.load_error = ""
        self._factory = engine_factory
        self._post = post
        self._seed = seed
        self._engine: EngineLike | None = None
        self._failures = 0
        self._lock = Lock()
        self._closed = Event()
        self._pending: list[Turn] = []
        self._speaking = Lane("speaker", self._crashed)
        self._listening = Lane("listener", self._report_crash)
        self._afterwards = Afterwards(lambda: self._engine, post, self.engine_died)
        self.tree = self._new_tree()

    # What the user does

    def start(self) -> None:
        """Begin to load the model."""
        self._speaking.submit(lambda: self._load(again=False))

    def send(self, text: str) -> Turn:
        """Ask; the answer (still empty) is returned."""
        return self._ask(self.tree.add("user", text, self.tree.leaf))

    def edit(self, question: Turn, text: str) -> Turn:
        """Ask otherwise: a branch beside `question`."""
        return self._ask(self.tree.add("user", text, question.parent))

    def regenerate(self, answer: Turn) -> Turn:
        """Answer the same question once more: a branch beside `answer`."""
        assert answer.parent is not None
        return self._ask(answer.parent)

    def cancel(self) -> bool:
        """Stop the answer in progress, else the one that waits longest; False if there is none."""
        with self._lock:
            if not self._pending:
                return False
            turn = self._pending[0]
            turn.stop_requested = True
            engine = self._engine
        if turn.phase == "waiting":
            self._end(self.tree, turn, "cancelled")
        elif engine is not None:
            engine.cancel()
        return True

    def cancel_all(self) -> None:
        """Stop every answer that is not finished."""
        while self.cancel():
            with self._lock:
                if self._pending and self._pending[0].phase != "waiting":
                    for turn in self._pending[1:]:
                        turn.stop_requested = True
                    return

    def new_chat(self) -> None:
        """Leave the conversation for an empty one."""
        self.cancel_all()
        self.tree = self._new_tree()

    def open(self, conversation_id: str) -> None:
        """Go on with a stored conversation. Raises StoreError, one line, if it can't be read."""
        tree = ChatTree.open(self.store, conversation_id, self.model_name, self.adapter_name, report=self._report_store)
        self.cancel_all()
        self.tree = tree

    def switch(self, turn: Turn, step: int) -> bool:
        """Show the branch of another sibling of `turn`; False if there is none on that side."""
        siblings = self.tree.siblings(turn)
        index = siblings.index(turn) + step
        if not 0 <= index < len(siblings):
            return False
        self.tree.select(siblings[index])
        return True

    def read_sentences(self, turn: Turn) -> None:
        """Find out how sure each sentence of an answer sounds, when nothing else is to be done."""
        self._afterwards.read_sentences(self.tree, turn)

    @property
    def pending(self) -> list[Turn]:
        """The answers that are in progress or wait, oldest first."""
        with self._lock:
            return list(self._pending)

    @property
    def busy(self) -> bool:
        """Is an answer in progress, or waiting?"""
        return bool(self._pending)

    def close(self) -> None:
        """Stop, keep what there is, and free the engine."""
        self._closed.set()
        self._afterwards.close()
        self.cancel_all()
        self._speaking.close(CLOSE_SECONDS)
        if self._engine is not None:
            self._engine.close()
        self._listening.close(CLOSE_SECONDS)

    # What a comparison borrows (comparing.py)

    @contextmanager
    def foremost(self) -> Iterator[None]:
        """While this lasts, nothing is found out of earlier answers; may wait for what is in hand."""
        self._afterwards.hold()
        try:
            self._afterwards.clear()
            yield
        finally:
            self._afterwards.release()

    def new_seed(self) -> int:
        """A seed for answers that are drawn beside those of the chat."""
        return self._seed()

    def borrow_engine(self) -> EngineLike | None:
        """The engine, loaded, for a thread that isn't one of ours; waits for it. None if it can't be loaded."""
        found: SimpleQueue[EngineLike | None] = SimpleQueue()

        def lend() -> None:
            try:
                self._load(again=False)
            finally:
                found.put(self._engine)

        self._speaking.submit(lend)
        while not self._closed.is_set():
            with suppress(Empty):
                return found.get(timeout=0.2)
        return None

    # What the threads do

    def _ask(self, question: Turn) -> Turn:
        tree = self.tree
        sampling = replace(self.sampling, seed=self._seed())
        params = self.params_of(self.side, sampling)
        answer = tree.add("assistant", "", question, status="streaming", params=params)
        answer.phase = "waiting"
        self._afterwards.hold()
        with self._lock:
            self._pending.append(answer)
        side, failures = self.side, self._failures
        self._speaking.submit(lambda: self._answer(tree, answer, sampling, side, failures))
        return answer

    def params_of(self, side: Side, sampling: Sampling) -> dict[str, Any]:
        """What is kept with an answer of this side: who gives it, and how it is drawn."""
        origin = self.origins.get(side)
        return {
            "model": self.model_name,
            "adapter": self.adapter_name if side == "speaker" else None,
            "side": side,
            "sampling": asdict(sampling),
            **(origin.to_params() if origin else {}),
        }

    def calibrator_of(self, side: Side) -> Calibrator | None:
        """The calibrator in use for this side's answers."""
        return self.baseline_calibrator if side == "baseline" and self.adapter_name is not None else self.calibrator

    def _load(self, *, again: bool) -> EngineLike | None:
        """The engine, loaded; None if it can't be (which has then been reported)."""
        if self._engine is not None or self._closed.is_set():
            return self._engine
        self._post(Loading(0.0, again))
        engine: EngineLike | None = None
        try:
            engine = self._factory()
            self.info = engine.load(lambda progress: self._progress(progress, again))
        except EngineError as error:
            self._failures += 1
            self.load_error = str(error)
            self._post(LoadFailed(str(error)))
            if engine is not None:
                engine.close()
            return None
        self._engine, self.load_error = engine, ""
        if self._closed.is_set():
            engine.close()
        self._post(Loaded(self.info))
        self._afterwards.wake()
        self._listening.submit(lambda: self._prepare(engine))
        return engine

    def _prepare(self, engine: EngineLike) -> None:
        """Let the listener read its fixed prompts while the user types: the first assessment need not wait for them."""
        if self._closed.is_set():
            return
        with suppress(Exception):  # whoever asks next will see it
            assess("Is it so?", "It is so.", reader=engine.reader)

    def _progress(self, progress: LoadProgress, again: bool) -> None:
        self._post(Loading(progress.fraction, again))

    def _answer(self, tree: ChatTree, turn: Turn, sampling: Sampling, side: Side, failures: int) -> None:
        if turn.status != "streaming":
            return None
        if turn.stop_requested or self._closed.is_set():
            return self._end(tree, turn, "cancelled")
        # A question that was asked before the load failed has seen that failure; a later one deserves a new try.
        engine = self._load(again=False) if failures == self._failures else self._engine
        if engine is None:
            turn.problem = self.load_error
            return self._end(tree, turn, "failed")
        self._afterwards.clear()
        last = write_answer(engine, tree, turn, sampling, side, self._post)
        if isinstance(last, Failed) and last.engine_died and not turn.text and not turn.stop_requested:
            # It may have died unnoticed long before (out of memory, overnight): the question deserves a new engine.
            self.engine_died(engine)
            engine = self._load(again=True) or engine
            last = write_answer(engine, tree, turn, sampling, side, self._post)
        if isinstance(last, Finished):
            status: Status = "cancelled" if last.reason == "cancelled" else "complete"
            self._end(tree, turn, status, last)
            if turn.text.strip() and not self._closed.is_set():
                self.listen(engine, tree, turn, side, self._post)
            return None
        turn.problem = last.message
        self._end(tree, turn, "cut_off" if last.engine_died else "failed")
        if last.engine_died:
            self.engine_died(engine)
        return None

    def _end(self, tree: ChatTree, turn: Turn, status: Status, finished: Finished | None = None) -> None:
        tree.finish(
            turn,
            status,
            usage=dict(finished.usage()) if finished else None,
            timings=dict(finished.timings()) if finished else None,
        )
        turn.phase = "done"
        with self._lock:
            if turn in self._pending:
                self._pending.remove(turn)
                self._afterwards.release()
        self._post(TurnEnded(turn))

    def listen(
        self, engine: EngineLike, tree: ChatTree, turn: Turn, side: Side, post: Callable[[ChatEvent], object]
    ) -> None:
        """Assess an answer of `side`, after all that is being listened to; `post` hears how it goes."""
        calibrator = self.calibrator_of(side)
        self._afterwards.hold()
        turn.phase = "listening"
        post(TurnChanged(turn))

        def listen() -> None:
            if self._closed.is_set():
                return
            try:
                tree.attach(turn, assess(turn.question, turn.text, reader=engine.reader, calibrator=calibrator))
            except EngineDied as error:
                turn.problem = str(error)
                self.engine_died(engine)
            except Exception as error:  # noqa: BLE001 - the answer stays, whatever the assessment ran into
                turn.problem = str(error) or type(error).__name__
            turn.phase = "done"
            if post == self._post:
                self._afterwards.draw_samples(tree, turn, self.agreement, side, calibrator)
            self._afterwards.release()
            post(TurnChanged(turn))

        self._listening.submit(listen)

    def engine_died(self, engine: EngineLike) -> None:
        """Start a new engine, once, however many threads notice."""
        with self._lock:
            if self._engine is not engine or self._closed.is_set():
                return
            self._engine = None
        engine.close()
        self._post(Notice("The engine stopped; a new one is being started. Nothing is lost.", serious=True))
        self._speaking.submit(self._restart)

    def _restart(self) -> None:
        self._load(again=True)

    def _new_tree(self) -> ChatTree:
        return ChatTree(self.store, self.model_name, self.adapter_name, report=self._report_store)

    def _report_store(self, message: str) -> None:
        self._post(Notice(message, serious=True))

    def _crashed(self, error: Exception) -> None:
        with self._lock:
            stuck = [turn for turn in self._pending if turn.phase != "waiting"]
        for turn in stuck:
            turn.problem = f"internal error: {error}"
            self._end(self.tree, turn, "failed")
        self._report_crash(error)

    def _report_crash(self, error: Exception) -> None:
        """What the listener runs into is never the fault of the answer that is being written meanwhile."""
        self._post(Notice(f"Internal error ({type(error).__name__}: {error}); please report it.", serious=True))
