"""What is found out of an answer when there is time: its sentences' acceptances, whether samples agree, and the
assessment of an old answer that never got one.

All of it can wait, so it has a thread of its own and works only while nothing else is to be done. `hold` (a question
was asked, an answer is being listened to) stops the work in hand at once and `release` lets it go on; samples that are
drawn already are kept. Sentences come first, what was asked for last before the rest: that is what the user looks at.
Then come answers that a program which ended left unheard, oldest first, and last the samples.

Sentences are read when the details of an answer are looked at, not after every answer: nobody pays, in time or in
battery, for what nobody looks at; answers of old conversations get theirs in the same way; and where the panel stays
open beside the conversation, each new answer is read as soon as it is assessed. Samples are drawn after every answer
where they are switched on, since the confidence line shows them.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Literal

from lacie_chat.chat.events import ChatEvent, TurnChanged
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.confidence import (
    Calibrator,
    agreement_of,
    assess,
    can_agree,
    wants_sentences,
    with_agreement,
    with_sentences,
)
from lacie_chat.conversations import StoreError
from lacie_chat.engine.asking import draw_sample, sample_seeds
from lacie_chat.engine.errors import EngineDied, EngineStopped
from lacie_chat.engine.protocol import EngineLike

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""How long an answer waits at most for the work in hand to end; it takes about 20 ms."""


_Kind = Literal["sentences", "assessment", "samples"]
_ORDER: dict[_Kind, int] = {"samples": 0, "assessment": 1, "sentences": 2}
"""What is more urgent."""


@dataclass(eq=False)
class _Wish:
    """Something to find out of `turn`: its sentences, its assessment, or how many of `k` samples of its speaker
    agree."""

    kind: _Kind
    tree: ChatTree
    turn: Turn
    k: int = 0
    calibrator: Calibrator | None = None
    samples: list[str] = field(default_factory=list)


class Afterwards:
    """`engine` gives the loaded engine or None; `died` is told of one that ended under the work. All methods may be
    called from any thread, and return at once but for `clear`."""

    def __init__(
        self,
        engine: Callable[[], EngineLike | None],
        post: Callable[[ChatEvent], object],
        died: Callable[[EngineLike], object],
    ) -> None:
        self._engine, self._post, self._died = engine, post, died
        self._wishes: list[_Wish] = []
        self._in_hand: _Wish | None = None
        self._at_work: EngineLike | None = None
        self._held = 0
        self._closed = False
        self._changed = Condition()
        Thread(target=self._run, name="afterwards", daemon=True).start()

    # What others ask for

    def read_sentences(self, tree: ChatTree, turn: Turn) -> None:
        """Find out each sentence's acceptance, unless that is known or under way, or another listener heard the whole:
        the two can't be compared."""
        if turn.assessment is None or turn.phase != "done" or turn.sentences_problem or turn.heard_otherwise:
            return
        with self._changed:
            asked = any(wish.turn is turn and wish.kind == "sentences" for wish in self._all())
            if asked or not wants_sentences(turn.assessment):
                return
        self._add(_Wish("sentences", tree, turn))

    def draw_samples(self, tree: ChatTree, turn: Turn, k: int, calibrator: Calibrator | None) -> None:
        """Find out how many of `k` samples agree, if the answer has a span to agree on."""
        if k > 0 and turn.assessment is not None and can_agree(turn.assessment):
            turn.drawing = True
            self._add(_Wish("samples", tree, turn, k, calibrator))

    def hear(self, tree: ChatTree, turn: Turn, calibrator: Calibrator | None) -> None:
        """Assess an old answer that never was."""
        turn.unheard, turn.phase = False, "listening"
        self._add(_Wish("assessment", tree, turn, calibrator=calibrator))

    @property
    def still_to_hear(self) -> int:
        """How many answers wait for their assessment here, with the one in hand."""
        with self._changed:
            return sum(wish.kind == "assessment" for wish in self._all())

    def forget(self) -> None:
        """The conversation at hand is left: its old answers that still wait to be heard wait for the next time."""
        with self._changed:
            for wish in [wish for wish in self._wishes if wish.kind == "assessment"]:
                self._wishes.remove(wish)
                wish.turn.unheard, wish.turn.phase = True, "done"

    def drop(self) -> None:
        """Another model answers from now on: it can't draw the samples of answers that it didn't give, and may be heard
        by another listener. Old answers still wait to be heard; sentences are asked for when they are looked at."""
        self.forget()
        with self._changed:
            dropped, self._wishes = self._wishes, []
        for wish in dropped:
            wish.turn.drawing = False
            self._post(TurnChanged(wish.turn))

    def hold(self) -> None:
        """Something else comes first, until `release`."""
        with self._changed:
            self._held += 1
            engine = self._at_work
        if engine is not None:
            engine.make_way()

    def release(self) -> None:
        """It is done."""
        with self._changed:
            self._held -= 1
            self._changed.notify_all()

    def clear(self) -> None:
        """Wait until the work in hand has stopped; only for a thread that holds, and may wait."""
        with self._changed:
            for _ in range(int(WAIT_SECONDS / 0.01)):
                if (engine := self._at_work) is None:
                    return
                engine.make_way()  # again: the first call may have come before the work had begun
                self._changed.wait(0.01)

    def wake(self) -> None:
        """There is an engine (again)."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Do nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.hold()

    # What the thread does

    def _all(self) -> list[_Wish]:
        return [*self._wishes, *([self._in_hand] if self._in_hand else [])]

    def _add(self, wish: _Wish) -> None:
        with self._changed:
            self._wishes.append(wish)
            self._changed.notify_all()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            wish, engine = taken
            done = True
            try:
                match wish.kind:
                    case "sentences":
                        self._read(engine, wish)
                    case "assessment":
                        self._assess(engine, wish)
                    case "samples":
                        done = self._draw(engine, wish)
            except EngineStopped:
                done = False
            except EngineDied:
                self._give_up(wish, "the engine stopped")
                self._died(engine)
            except Exception as error:  # the answer and its assessment stay, whatever happens here
                if self._closed:  # and its engine with it, in the middle of this
                    done = False
                else:
                    log.exception("What comes after an answer failed")
                    self._give_up(wish, str(error).rstrip(".") or type(error).__name__)
            with self._changed:
                self._in_hand = self._at_work = None
                if not done:
                    # an assessment goes on where it was, before those of newer answers
                    self._wishes.insert(0 if wish.kind == "assessment" else len(self._wishes), wish)
                self._changed.notify_all()
            if done:
                self._post(TurnChanged(wish.turn))

    def _take(self) -> tuple[_Wish, EngineLike] | None:
        """The next wish, once nothing else is to be done; None when closed."""
        with self._changed:
            while not self._closed:
                engine = self._engine()
                if self._wishes and not self._held and engine is not None:
                    self._in_hand, self._at_work = self._wishes.pop(self._most_urgent()), engine
                    return self._in_hand, engine
                self._changed.wait()
        return None

    def _most_urgent(self) -> int:
        def urgency(index: int) -> tuple[int, int]:
            kind = self._wishes[index].kind
            return _ORDER[kind], -index if kind == "assessment" else index

        return max(range(len(self._wishes)), key=urgency)

    def _read(self, engine: EngineLike, wish: _Wish) -> None:
        assessment = wish.turn.assessment
        if assessment is not None and wants_sentences(assessment):
            wish.tree.attach(wish.turn, with_sentences(assessment, listener=engine.patient_listener))

    def _assess(self, engine: EngineLike, wish: _Wish) -> None:
        turn = wish.turn
        with suppress(StoreError):  # without its tokens it is judged by its wording
            wish.tree.read_tokens(turn)
        heard = assess(
            turn.question,
            turn.text,
            listener=engine.patient_listener,
            calibrator=wish.calibrator,
            tokens=turn.tokens,
        )
        wish.tree.attach(turn, heard)
        turn.phase = "done"

    def _draw(self, engine: EngineLike, wish: _Wish) -> bool:
        """False if it was stopped; what was drawn is kept for the next time."""
        turn = wish.turn
        prompt = wish.tree.prompt(turn)
        for seed in sample_seeds(wish.k)[len(wish.samples) :]:
            text = draw_sample(
                engine,
                prompt,
                seed,
                baseline=turn.baseline,
                reasoning=(turn.params.get("sampling") or {}).get("reasoning"),  # as the answer was found
                stopped=lambda: self._held > 0,
            )
            if text is None:
                return False
            wish.samples.append(text)
        assessment = turn.assessment
        if assessment is not None and assessment.answer_span is not None:
            span = assessment.answer_span.text
            agreement = agreement_of(turn.question, span, wish.samples, listener=engine.patient_listener)
            wish.tree.attach(turn, with_agreement(assessment, agreement, wish.calibrator))
        turn.drawing = False
        return True

    def _give_up(self, wish: _Wish, why: str) -> None:
        match wish.kind:
            case "sentences":
                wish.turn.sentences_problem = why
            case "assessment":
                wish.turn.problem, wish.turn.phase = why, "done"
            case "samples":
                wish.turn.drawing = False
