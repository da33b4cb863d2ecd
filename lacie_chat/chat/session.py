"""The chat without a screen: asks the engine, writes to the store, assesses, and reports what happens.

Two threads work for it. One loads the model and writes answers, one after the other (so a question asked early waits
for its turn); the other listens to finished answers, so that the next answer need not wait for an assessment. Whatever
they do is reported through `post` as events; they never touch a widget. Every method here returns at once.

When the engine dies, the answer keeps what it has, and a new engine is started (engine_keeper.py). The model may be
changed in mid-conversation: what was asked before is its answers' maker's, what is asked from then on the other's.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any

from lacie_chat.chat.afterwards import Afterwards
from lacie_chat.chat.answering import Asked, end_answer, hurry_answers, make_answer, send_cut, stop_answers
from lacie_chat.chat.engine_keeper import EngineKeeper
from lacie_chat.chat.events import ChatEvent, SpeakerChanged, TurnChanged, TurnEnded
from lacie_chat.chat.fit import never_sent
from lacie_chat.chat.folds import OFF, Folds
from lacie_chat.chat.going_on import begin_again
from lacie_chat.chat.lane import Lane
from lacie_chat.chat.listening import Listening
from lacie_chat.chat.making import Making
from lacie_chat.chat.others import Against
from lacie_chat.chat.saving import Saving
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.chat.unheard import calibrator_for, note_unheard, right_now, see_as_now, unheard_of
from lacie_chat.conversations import Store
from lacie_chat.engine.events import ModelInfo
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling
from lacie_chat.settings import Settings

CLOSE_SECONDS = 1.5


def random_seed() -> int:
    """A fresh seed for one answer; kept with it, so that the answer can be drawn again."""
    return secrets.randbits(31)


class ChatSession:
    """One chat: the conversation at hand, and the engine that answers in it.

    `agreement`: so many samples are drawn after each answer. `answer_from`: answers that are right less often than this
    are folded (folds.py). `decides`: who asks is there to say what is to be done where a question doesn't fit (fit.py).
    """

    def __init__(
        self,
        speaker: ChatSpeaker,
        store: Store,
        post: Callable[[ChatEvent], object],
        *,
        agreement: int = 0,
        answer_from: float = OFF,
        decides: bool = False,
        settings: Settings | None = None,
        seed: Callable[[], int] = random_seed,
    ) -> None:
        self.speaker = speaker
        self.store = store
        store.right_by(lambda params, heard: right_now(self.speaker, params, heard))
        self.making = Making(settings or Settings(), store, self._remake)
        self.agreement = agreement
        """So many samples are drawn after each answer; 0: none."""
        self.folds = Folds(answer_from, calibrated=speaker.is_calibrated)
        self.baseline = False
        """Do the next answers come without the adapter?"""
        self.compared_with = Against()
        """What comparisons hold the answers against."""
        self._post = post
        self._seed, self.decides = seed, decides
        self._lock = Lock()
        self._pending: list[Asked] = []
        self._changes = 0
        """How often another speaker was taken."""
        self._speaking = Lane("speaker", post)
        self.keeper = EngineKeeper(speaker, self._speaking, post, self._ready)
        self._afterwards = Afterwards(lambda: self.keeper.engine, post, self.engine_died)
        self._listening = Listening(self, self._afterwards, post, lambda: self.keeper.closed)
        self.saving = Saving(store, self.making, post)
        self.tree = self._new_tree()
        self.sampling = self.making.sampling(speaker)
        """How the next answers are drawn."""

    @property
    def info(self) -> ModelInfo | None:
        """What is known of the model once it is loaded."""
        return self.keeper.info

    @property
    def load_error(self) -> str:
        """Why the model can't be loaded, in one line; empty if it can, or wasn't tried."""
        return self.keeper.load_error

    # What the user does

    def start(self) -> None:
        """Begin to load the model."""
        self.keeper.start()

    def send(self, text: str) -> Turn:
        """Ask; the answer (still empty) is returned."""
        return self._ask(self.tree.add("user", text, self.tree.leaf))

    def edit(self, question: Turn, text: str) -> Turn:
        """Ask otherwise: a branch beside `question`, or in its place where that was never sent."""
        instead = self.tree.add("user", text, question.parent)
        if never_sent(question):
            self.tree.take_out(question, instead)
        return self._ask(instead)

    def regenerate(self, answer: Turn) -> Turn:
        """Answer the same question once more: a branch beside `answer`."""
        assert answer.parent is not None
        return self._ask(answer.parent)

    def go_on(self, answer: Turn) -> None:
        """Let an answer that stopped early (going_on.py) go on where it did."""
        self._queue(answer, begin_again(self.tree, answer))

    def cancel(self) -> bool:
        """Stop the answer in progress, else the one that waits longest; False if there is none."""
        with self._lock:
            oldest = self._pending[:1]
        self._stop(oldest)
        return bool(oldest)

    @property
    def undecided(self) -> Turn | None:
        """The answer to a question that doesn't fit the context; it waits for `send_cut`, or to be cancelled."""
        return next((turn for turn in self.pending if turn.phase == "undecided"), None)

    def send_cut(self) -> None:
        """Send the undecided question without what doesn't fit."""
        with self._lock:
            undecided = [asked for asked in self._pending if asked.turn.phase == "undecided"]
        for asked in undecided[:1]:
            send_cut(asked)

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
        self.making.leave()

    def open(self, conversation_id: str) -> None:
        """Go on with a stored conversation; its answers that were never assessed are, when there is time. Raises
        StoreError, one line, if it can't be read."""
        tree = ChatTree.open(
            self.store,
            conversation_id,
            self.speaker.model_name,
            self.speaker.adapter_name,
            report=self.saving.report,
        )
        see_as_now(self, tree)
        note_unheard(tree)
        self.cancel_all()
        self._afterwards.forget()
        self.tree = self.saving.watch(tree)
        self.making.enter(conversation_id)
        self.hear_left(tree.path())

    def switch(self, turn: Turn, step: int) -> bool:
        """Show the branch of another sibling of `turn`; False if there is none on that side."""
        siblings = self.tree.siblings(turn)
        index = siblings.index(turn) + step
        if not 0 <= index < len(siblings):
            return False
        self.show(siblings[index])
        return True

    def show(self, turn: Turn) -> None:
        """Show the branch through `turn`."""
        self.tree.select(turn)
        self.hear_left(self.tree.path())

    def change_speaker(self, speaker: ChatSpeaker) -> None:
        """Go on with another model, once what is being listened to is heard; only while `why_unchangeable` has nothing
        to say. What is asked from now on is for this one. If it can't be loaded, the one before is back, in one line.
        """
        self._afterwards.hold()
        self.keeper.turn_away()
        change = self._take(speaker)
        self._speaking.submit(lambda: self._change(speaker, change))

    @property
    def is_loading(self) -> bool:
        """Is a model being loaded, and can that be stopped?"""
        return self.keeper.is_loading

    def stop_loading(self) -> bool:
        """Load the model no further: the one before is back, in one line. False where none is being loaded."""
        return self.keeper.stop_loading()

    @property
    def why_unchangeable(self) -> str:
        """One line on what stands in the way of another model; empty if nothing does."""
        return "An answer is in progress: change the model when it is there, or stop it." if self.busy else ""

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

    @property
    def listened_to(self) -> int:
        """How many answers are being assessed, or wait for it, whichever conversation they are of."""
        return self._listening.count + self._afterwards.still_to_hear

    def close(self) -> None:
        """Stop, keep what there is, and free the engine."""
        self.keeper.will_close()
        self._afterwards.close()
        self.cancel_all()
        self._speaking.close(CLOSE_SECONDS)
        self.keeper.close()
        self._listening.close(CLOSE_SECONDS)
        self.saving.close()

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

    def params_of(self, baseline: bool, sampling: Sampling, speaker: ChatSpeaker | None = None) -> dict[str, Any]:
        """What is kept with an answer that is asked for now: who gives it (another than the chat's `speaker` may), how
        it is drawn, what it is told first."""
        return (speaker or self.speaker).params_of(baseline, sampling) | self.making.kept()

    def borrow_engine(self) -> EngineLike | None:
        """The engine, loaded, for a thread that isn't one of ours; waits for it. None if it can't be loaded."""
        return self.keeper.borrow()

    def stop_engine(self) -> None:
        """Let it end the answers that it is writing."""
        self.keeper.stop()

    def hurry_engine(self) -> None:
        """Let it go on from thinking to answering."""
        self.keeper.hurry()

    def engine_died(self, engine: EngineLike) -> None:
        """Start a new engine, once, however many threads notice; but not one after the other for ever."""
        self.keeper.died(engine)

    # What the threads do

    def _ask(self, question: Turn) -> Turn:
        self.making.keep(self.tree.conversation_id)
        seed = self.making.seed(len(question.children))
        sampling = replace(self.sampling, seed=self._seed() if seed is None else seed)
        params = self.params_of(self.baseline, sampling)
        self.tree.answered_by(self.speaker.model_name, self.speaker.adapter_name)
        answer = self.tree.add("assistant", "", question, status="streaming", params=params)
        answer.phase = "waiting"
        return self._queue(answer, sampling)

    def _queue(self, answer: Turn, sampling: Sampling) -> Turn:
        asked = Asked(self.tree, answer, sampling, self._hear, decides=self.decides)
        find = self.keeper.finder()
        change = self._changes
        self._afterwards.hold()
        with self._lock:
            self._pending.append(asked)
        self._speaking.submit(lambda: self._answer(asked, find, change))
        return answer

    def _answer(self, asked: Asked, find: Callable[[], EngineLike | None], change: int) -> None:
        if change != self._changes:  # the one before is back, and this was asked of the other
            asked.turn.problem = f"{asked.turn.params['model']} can't be loaded"
            for turn in stop_answers([asked.turn]):
                if turn.status == "streaming":
                    end_answer(asked.tree, turn, "failed", asked.post)
            return
        self._afterwards.clear()
        make_answer(asked, self, find)

    def _take(self, speaker: ChatSpeaker) -> int:
        """This one answers from now on; returns the number of the change."""
        same = replace(speaker, engine_factory=self.speaker.engine_factory) == self.speaker  # but run otherwise
        self.speaker, self.baseline = speaker, self.baseline and same
        self.compared_with = self.compared_with if same else Against()
        self._remake()
        self.folds.calibrated = speaker.is_calibrated
        see_as_now(self, self.tree)
        self._changes += 1
        self._post(SpeakerChanged())
        return self._changes

    def _change(self, speaker: ChatSpeaker, change: int) -> None:
        def back(before: ChatSpeaker) -> None:
            if self._changes == change:  # else a third one was chosen meanwhile
                self._take(before)

        try:
            self._afterwards.clear()
            self._listening.wait()
            self._afterwards.drop()
            self.keeper.change(speaker, back)
        finally:
            self._afterwards.release()
        self.hear_left(self.tree.path())

    def _hear(self, event: ChatEvent) -> None:
        """What is said of an answer of the conversation: its end is also ours."""
        if isinstance(event, TurnEnded):
            if event.turn.status == "complete":
                self.keeper.answered()
            with self._lock:
                ended = [asked for asked in self._pending if asked.turn is event.turn]
                for asked in ended:
                    self._pending.remove(asked)
                    self._afterwards.release()
        self._post(event)

    def _stop(self, pending: Sequence[Asked]) -> None:
        waiting = stop_answers([asked.turn for asked in pending])
        for asked in pending:
            asked.decision.put(False)
            if asked.turn in waiting:
                end_answer(asked.tree, asked.turn, "cancelled", asked.post)
        if len(waiting) < len(pending):
            self.stop_engine()

    def _ready(self, engine: EngineLike) -> None:
        self._afterwards.wake()
        self._listening.prepare(engine)

    def listen(self, engine: EngineLike, asked: Asked) -> None:
        """Assess a finished answer, after all that is being listened to."""
        self._listening.hear(engine, asked)

    def listen_later(self, tree: ChatTree, turn: Turn, speaker: ChatSpeaker | None = None) -> None:
        """Assess an answer (of another speaker) that has ended when there is time, by whatever engine there is then."""
        self._afterwards.hear(tree, turn, calibrator_for(speaker or self.speaker, turn))
        self._post(TurnChanged(turn))

    def hear_left(self, turns: Iterable[Turn]) -> None:
        """Assess those of the conversation's answers which a program that ended left unheard, when there is time."""
        for turn in unheard_of(turns):
            self.listen_later(self.tree, turn)

    def _remake(self) -> None:
        """Something was set: draw so from now on, and measure by the calibrators for that."""
        self.sampling = self.making.sampling(self.speaker)
        drawn = self.speaker.drawn_so(self.sampling, self.making.told())
        if drawn != self.speaker:
            self.speaker, self.folds.calibrated = drawn, drawn.is_calibrated
            see_as_now(self, self.tree)

    def _new_tree(self) -> ChatTree:
        who = self.speaker.model_name, self.speaker.adapter_name
        return self.saving.watch(ChatTree(self.store, *who, report=self.saving.report))
