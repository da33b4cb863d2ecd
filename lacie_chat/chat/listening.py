"""The thread that listens: it assesses finished answers, one after the other, so that the next answer need not wait."""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock
from typing import TYPE_CHECKING

from lacie_chat.chat.afterwards import Afterwards
from lacie_chat.chat.answering import Asked
from lacie_chat.chat.events import ChatEvent, TurnChanged
from lacie_chat.chat.lane import Lane
from lacie_chat.chat.tree import Turn
from lacie_chat.chat.unheard import calibrator_for
from lacie_chat.confidence import assess
from lacie_chat.engine.errors import EngineDied
from lacie_chat.engine.protocol import EngineLike

if TYPE_CHECKING:
    from lacie_chat.chat.session import ChatSession


class Listening:
    """For one session; once `closed` says so it begins nothing more. What an engine's death leaves unheard goes to
    `afterwards`, for the next engine."""

    def __init__(
        self,
        session: "ChatSession",
        afterwards: Afterwards,
        post: Callable[[ChatEvent], object],
        closed: Callable[[], bool],
    ) -> None:
        self._session, self._afterwards, self._closed = session, afterwards, closed
        self._lane = Lane("listener", post)
        self._lock = Lock()
        self._turns: list[Turn] = []

    @property
    def count(self) -> int:
        """Answers that are being listened to, or wait for it."""
        with self._lock:
            return len(self._turns)

    def prepare(self, engine: EngineLike) -> None:
        """Let the listener read its fixed prompts while the user types: the first assessment need not wait for them."""

        def read() -> None:
            if not self._closed():
                with suppress(Exception):  # whoever asks next will see it
                    assess("Is it so?", "It is so.", listener=engine.listener)

        self._lane.submit(read)

    def hear(self, engine: EngineLike, asked: Asked) -> None:
        """Assess a finished answer, after all that is being listened to."""
        if self._closed():
            return
        self._afterwards.hold()
        asked.turn.phase = "listening"
        with self._lock:
            self._turns.append(asked.turn)
        own = self._session.speaker
        speaker = asked.speaker or own
        heard_alike = speaker.assessment_version == own.assessment_version
        calibrator = calibrator_for(speaker, asked.turn) if heard_alike else None
        asked.post(TurnChanged(asked.turn))

        def listen() -> None:
            if self._closed():
                return
            tree, turn = asked.tree, asked.turn
            try:
                heard = assess(
                    turn.question, turn.text, listener=engine.listener, calibrator=calibrator, tokens=turn.tokens
                )
                tree.attach(turn, heard)
            except EngineDied:
                self._session.engine_died(engine)
                self._session.listen_later(tree, turn, asked.speaker)
            except Exception as error:  # noqa: BLE001 - the answer stays, whatever the assessment ran into
                turn.problem = str(error) or type(error).__name__
            with self._lock:
                self._turns.remove(turn)
            if turn.assessment is not None or turn.problem:
                turn.phase = "done"
                if "comparison" not in turn.params:  # that one has samples of its own
                    self._afterwards.draw_samples(tree, turn, self._session.agreement, calibrator)
            self._afterwards.release()
            asked.post(TurnChanged(turn))

        self._lane.submit(listen)

    def wait(self) -> None:
        """Until all is heard that was to be heard by now; blocks."""
        heard = Event()
        self._lane.submit(heard.set)
        while not (heard.wait(0.2) or self._closed()):
            pass

    def close(self, timeout: float) -> None:
        """Listen no more; wait up to `timeout` seconds for what is in hand."""
        self._lane.close(timeout)
