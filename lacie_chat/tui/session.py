"""The chat without a screen: asks the engine, writes to the store, assesses, and reports what happens.

Two threads work for it. One loads the model and writes answers, one after the other (so a question asked early waits
for its turn); the other listens to finished answers, so that the next answer need not wait for an assessment. Whatever
they do is reported through `post` as events; they never touch a widget. Every method here returns at once.

When the engine dies, the answer keeps what it has, and a new engine is started through the factory. It is started once
for each death, and never again on its own after a failed load: the next question tries again.
"""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from threading import Event, Lock
from typing import Any

from lacie_chat.confidence import Calibrator, assess
from lacie_chat.conversations import Status, Store
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Cut, Delta, Failed, Finished, LoadProgress, ModelInfo, PromptProgress
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling, Side
from lacie_chat.tui.events import (
    ChatEvent,
    Loaded,
    LoadFailed,
    Loading,
    Notice,
    PromptRead,
    TextAdded,
    TurnChanged,
    TurnEnded,
)
from lacie_chat.tui.lane import Lane
from lacie_chat.tui.tree import ChatTree, Turn

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
        seed: Callable[[], int] = random_seed,
    ) -> None:
        self.store = store
        self.model_name = model_name
        self.adapter_name = adapter_name
        self.calibrator = calibrator
        self.baseline_calibrator = baseline_calibrator
        self.origins = dict(origins or {})
        self.sampling = sampling or Sampling()
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
        self._listening = Lane("listener", self._crashed)
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
        self.cancel_all()
        self._speaking.close(CLOSE_SECONDS)
        if self._engine is not None:
            self._engine.close()
        self._listening.close(CLOSE_SECONDS)

    # What the threads do

    def _ask(self, question: Turn) -> Turn:
        tree = self.tree
        sampling = replace(self.sampling, seed=self._seed())
        params = self.params_of(self.side, sampling)
        answer = tree.add("assistant", "", question, status="streaming", params=params)
        answer.phase = "waiting"
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
        self._listening.submit(lambda: self._prepare(engine))
        return engine

    def _prepare(self, engine: EngineLike) -> None:
        """Let the listener read its fixed prompts while the user types: the first assessment need not wait for them."""
        if self._closed.is_set():
            return
        with suppress(EngineError):  # whoever asks next will see it
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
        last = self._attempt(engine, tree, turn, sampling, side)
        if isinstance(last, Failed) and last.engine_died and not turn.text and not turn.stop_requested:
            # It may have died unnoticed long before (out of memory, overnight): the question deserves a new engine.
            self._engine_died(engine)
            engine = self._load(again=True) or engine
            last = self._attempt(engine, tree, turn, sampling, side)
        if isinstance(last, Finished):
            status: Status = "cancelled" if last.reason == "cancelled" else "complete"
            self._end(tree, turn, status, last)
            if turn.text.strip() and not self._closed.is_set():
                self._listen(engine, tree, turn, side)
            return None
        turn.problem = last.message
        self._end(tree, turn, "cut_off" if last.engine_died else "failed")
        if last.engine_died:
            self._engine_died(engine)
        return None

    def _attempt(
        self, engine: EngineLike, tree: ChatTree, turn: Turn, sampling: Sampling, side: Side
    ) -> Finished | Failed:
        turn.phase = "reading"
        self._post(TurnChanged(turn))
        try:
            return self._generate(engine, tree, turn, sampling, side)
        except EngineError as error:
            return Failed(str(error), engine_died=isinstance(error, EngineDied))

    def _generate(
        self, engine: EngineLike, tree: ChatTree, turn: Turn, sampling: Sampling, side: Side
    ) -> Finished | Failed:
        for event in engine.generate(tree.prompt(turn), sampling, side=side):
            match event:
                case Delta(text):
                    tree.append(turn, text)
                    if turn.phase != "answering":
                        turn.phase = "answering"
                        self._post(TurnChanged(turn))
                    self._post(TextAdded(turn, text))
                case PromptProgress(done, total):
                    self._post(PromptRead(turn, done, total))
                case Cut(dropped_turns=dropped):
                    turn.note = _cut_note(dropped)
                    self._post(TurnChanged(turn))
                case Finished() | Failed():
                    return event
            if turn.stop_requested:
                engine.cancel()  # again: the first call came before the engine had begun
        return Failed("The engine ended the answer without a word.")

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
        self._post(TurnEnded(turn))

    def _listen(self, engine: EngineLike, tree: ChatTree, turn: Turn, side: Side) -> None:
        calibrator = self.calibrator_of(side)
        turn.phase = "listening"
        self._post(TurnChanged(turn))

        def listen() -> None:
            if self._closed.is_set():
                return
            try:
                tree.attach(turn, assess(turn.question, turn.text, reader=engine.reader, calibrator=calibrator))
            except EngineDied as error:
                turn.problem = str(error)
                self._engine_died(engine)
            except Exception as error:  # noqa: BLE001 - the answer stays, whatever the assessment ran into
                turn.problem = str(error) or type(error).__name__
            turn.phase = "done"
            self._post(TurnChanged(turn))

        self._listening.submit(listen)

    def _engine_died(self, engine: EngineLike) -> None:
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
        self._post(Notice(f"Internal error ({type(error).__name__}: {error}); please report it.", serious=True))


def _cut_note(dropped: int) -> str:
    if dropped == 0:
        return "The start of the question no longer fits the model's context and was left out."
    if dropped == 1:
        return "The oldest turn no longer fits the model's context and was left out."
    return f"The oldest {dropped} turns no longer fit the model's context and were left out."
