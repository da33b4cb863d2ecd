"""The chat without a screen: asks the engine, writes to the store, assesses, and reports what happens.

Two threads work for it. One loads the model and writes answers, one after the other (so a question asked early waits
for its turn); the other listens to finished answers, so that the next answer need not wait for an assessment. Whatever
they do is reported through `post` as events; they never touch a widget. Every method here returns at once.

When the engine dies, the answer keeps what it has, and a new engine is started through the factory. It is started once
for each death, and never again on its own after a failed load: the next question tries again.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Any

from lacie_chat.chat.afterwards import Afterwards
from lacie_chat.chat.answering import Asked, end_answer, hurry_answers, make_answer, stop_answers
from lacie_chat.chat.events import ChatEvent, Loaded, LoadFailed, Loading, Notice, TurnChanged, TurnEnded
from lacie_chat.chat.folds import OFF, Folds
from lacie_chat.chat.lane import Lane
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.chat.unheard import calibrator_for, note_unheard, unheard_of
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, assess, with_p_right
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import LoadProgress, ModelInfo
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling

CLOSE_SECONDS = 1.5


def random_seed() -> int:
    """A fresh seed for one answer; kept with it, so that the answer can be drawn again."""
    return secrets.randbits(31)


@dataclass(frozen=True, slots=True)
class Origin:
    """What answers, beyond its name: kept with each answer, so that a mark on it (right, wrong) counts for these very
    files. `shipped` is the calibrator that came with them, whether it is in use or not."""

    model_ref: str
    adapter_ref: str | None
    fingerprint: str
    shipped: Calibrator | None = None

    def to_params(self) -> dict[str, str | None]:
        return {"model_ref": self.model_ref, "adapter_ref": self.adapter_ref, "fingerprint": self.fingerprint}


class ChatSession:
    """One chat: the conversation at hand, and the engine that answers in it.

    `calibrator` and `origin` are the speaker's, with its adapter if it has one; `baseline_calibrator` and
    `baseline_origin` those of the model without it. The origins say which files answer. `answer_from`: answers that
    are right less often than this are folded (folds.py).
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
        origin: Origin | None = None,
        baseline_origin: Origin | None = None,
        sampling: Sampling | None = None,
        agreement: int = 0,
        answer_from: float = OFF,
        assessment_version: str = ASSESSMENT_VERSION,
        seed: Callable[[], int] = random_seed,
    ) -> None:
        self.store = store
        self.model_name = model_name
        self.adapter_name = adapter_name
        self.calibrator = calibrator
        self.baseline_calibrator = baseline_calibrator
        self.origin = origin
        self.baseline_origin = baseline_origin
        self.sampling = sampling or Sampling()
        self.reasoning_at_first = self.sampling.reasoning
        self.agreement = agreement
        """So many samples are drawn after each answer; 0: none."""
        self.folds = Folds(answer_from, calibrated=calibrator is not None or baseline_calibrator is not None)
        self.assessment_version = assessment_version
        """What the listener of this chat hears is of this version; marks and calibrators hold for one."""
        self.baseline = False
        """Do the next answers come without the adapter?"""
        self.info: ModelInfo | None = None
        self.load_error = ""
        self._factory = engine_factory
        self._post = post
        self._seed = seed
        self._engine: EngineLike | None = None
        self._failures = 0
        self._lock = Lock()
        self._closed = Event()
        self._pending: list[Asked] = []
        self._speaking = Lane("speaker", post)
        self._listening = Lane("listener", post)
        self._afterwards = Afterwards(lambda: self._engine, post, self.engine_died)
        self.tree = self._new_tree()

    # What the user does

    def start(self) -> None:
        """Begin to load the model."""
        self._speaking.submit(self._load)

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
            oldest = self._pending[:1]
        self._stop(oldest)
        return bool(oldest)

    def answer_now(self) -> bool:
        """Let the answer in progress end its thought; False if it isn't thinking, or was asked before."""
        hurried = hurry_answers(self.pending[:1], self._post)
        if hurried:
            self.hurry_engine()
        return hurried

    def cancel_all(self) -> None:
        """Stop every answer that is not finished."""
        with self._lock:
            pending = list(self._pending)
        self._stop(pending)

    def new_chat(self) -> None:
        """Leave the conversation for an empty one."""
        self.cancel_all()
        self._afterwards.forget()
        self.tree = self._new_tree()

    def open(self, conversation_id: str) -> None:
        """Go on with a stored conversation; its answers that were never assessed are, when there is time. Raises
        StoreError, one line, if it can't be read."""
        tree = ChatTree.open(self.store, conversation_id, self.model_name, self.adapter_name, report=self._report_store)
        for turn in tree.turns():
            heard = turn.assessment
            turn.heard_otherwise = heard is not None and heard.assessment_version != self.assessment_version
            if heard is not None and not turn.heard_otherwise and (calibrator := calibrator_for(self, turn)):
                turn.assessment = with_p_right(heard, calibrator)  # as the one in use sees it today
        note_unheard(tree)
        self.cancel_all()
        self._afterwards.forget()
        self.tree = tree
        self._hear_old()

    def switch(self, turn: Turn, step: int) -> bool:
        """Show the branch of another sibling of `turn`; False if there is none on that side."""
        siblings = self.tree.siblings(turn)
        index = siblings.index(turn) + step
        if not 0 <= index < len(siblings):
            return False
        self.tree.select(siblings[index])
        self._hear_old()
        return True

    def read_sentences(self, turn: Turn) -> None:
        """Find out how sure each sentence of an answer sounds, when nothing else is to be done."""
        self._afterwards.read_sentences(self.tree, turn)

    @property
    def pending(self) -> list[Turn]:
        """The answers that are in progress or wait, oldest first."""
        with self._lock:
            return [asked.turn for asked in self._pending]

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
                self._load()
            finally:
                found.put(self._engine)

        self._speaking.submit(lend)
        while not self._closed.is_set():
            with suppress(Empty):
                return found.get(timeout=0.2)
        return None

    def stop_engine(self) -> None:
        """Let it end the answers that it is writing."""
        if (engine := self._engine) is not None:
            engine.cancel()

    def hurry_engine(self) -> None:
        """Let it go on from thinking to answering."""
        if (engine := self._engine) is not None:
            engine.answer_now()

    # What the threads do

    def _ask(self, question: Turn) -> Turn:
        sampling = replace(self.sampling, seed=self._seed())
        params = self.params_of(self.baseline, sampling)
        answer = self.tree.add("assistant", "", question, status="streaming", params=params)
        answer.phase = "waiting"
        asked, failures = Asked(self.tree, answer, sampling, self._hear), self._failures
        self._afterwards.hold()
        with self._lock:
            self._pending.append(asked)
        self._speaking.submit(lambda: self._answer(asked, failures))
        return answer

    def _answer(self, asked: Asked, failures: int) -> None:
        self._afterwards.clear()
        # A question that was asked before the load failed has seen that failure; a later one deserves a new try.
        make_answer(asked, self, lambda: self._load() if failures == self._failures else self._engine)

    def _hear(self, event: ChatEvent) -> None:
        """What is said of an answer of the conversation: its end is also ours."""
        if isinstance(event, TurnEnded):
            with self._lock:
                ended = [asked for asked in self._pending if asked.turn is event.turn]
                for asked in ended:
                    self._pending.remove(asked)
                    self._afterwards.release()
        self._post(event)

    def _stop(self, pending: Sequence[Asked]) -> None:
        waiting = stop_answers([asked.turn for asked in pending])
        for asked in pending:
            if asked.turn in waiting:
                end_answer(asked.tree, asked.turn, "cancelled", asked.post)
        if len(waiting) < len(pending):
            self.stop_engine()

    def params_of(self, baseline: bool, sampling: Sampling) -> dict[str, Any]:
        """What is kept with an answer: who gives it, with the adapter or as the baseline, and how it is drawn."""
        origin = self.origin_of(baseline)
        return {
            "model": self.model_name,
            "adapter": None if baseline else self.adapter_name,
            "baseline": baseline,
            "sampling": asdict(sampling),
            **(origin.to_params() if origin else {}),
        }

    def origin_of(self, baseline: bool) -> Origin | None:
        """The files that give these answers; None if that was not said."""
        return self.baseline_origin if baseline else self.origin

    def calibrator_of(self, baseline: bool) -> Calibrator | None:
        """The calibrator in use for these answers."""
        return self.baseline_calibrator if baseline and self.adapter_name is not None else self.calibrator

    def _load(self) -> EngineLike | None:
        """The engine, loaded; None if it can't be (which has then been reported)."""
        if self._engine is not None or self._closed.is_set():
            return self._engine
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
        self._engine, self.load_error = engine, ""
        if self._closed.is_set():
            engine.close()
        self._post(Loaded(self.info))
        if self.info.asked_as and not again:
            self._post(Notice(f"{self.model_name}: {self.info.asked_as}"))
        self._afterwards.wake()
        self._listening.submit(lambda: self._prepare(engine))
        return engine

    def _prepare(self, engine: EngineLike) -> None:
        """Let the listener read its fixed prompts while the user types: the first assessment need not wait for them."""
        if self._closed.is_set():
            return
        with suppress(Exception):  # whoever asks next will see it
            assess("Is it so?", "It is so.", listener=engine.listener)

    def listen(self, engine: EngineLike, asked: Asked) -> None:
        """Assess a finished answer, after all that is being listened to."""
        if self._closed.is_set():
            return
        tree, turn, post = asked.tree, asked.turn, asked.post
        calibrator = calibrator_for(self, turn)
        self._afterwards.hold()
        turn.phase = "listening"
        post(TurnChanged(turn))

        def listen() -> None:
            if self._closed.is_set():
                return
            try:
                heard = assess(
                    turn.question, turn.text, listener=engine.listener, calibrator=calibrator, tokens=turn.tokens
                )
                tree.attach(turn, heard)
            except EngineDied as error:
                turn.problem = str(error)
                self.engine_died(engine)
            except Exception as error:  # noqa: BLE001 - the answer stays, whatever the assessment ran into
                turn.problem = str(error) or type(error).__name__
            turn.phase = "done"
            if "comparison" not in turn.params:  # that one has samples of its own
                self._afterwards.draw_samples(tree, turn, self.agreement, calibrator)
            self._afterwards.release()
            post(TurnChanged(turn))

        self._listening.submit(listen)

    def _hear_old(self) -> None:
        for turn in unheard_of(self.tree):
            self._afterwards.hear(self.tree, turn, calibrator_for(self, turn))

    def engine_died(self, engine: EngineLike) -> None:
        """Start a new engine, once, however many threads notice."""
        with self._lock:
            if self._engine is not engine or self._closed.is_set():
                return
            self._engine = None
        engine.close()
        self._post(Notice("The engine stopped; a new one is being started. Nothing is lost.", serious=True))
        self._speaking.submit(self._load)

    def _new_tree(self) -> ChatTree:
        return ChatTree(self.store, self.model_name, self.adapter_name, report=self._report_store)

    def _report_store(self, message: str) -> None:
        self._post(Notice(message, serious=True))
