"""What answers on the two sides of a comparison in the chat, and whose engine gives it.

The right side is the chat's own speaker. The left one is its model without the adapter (the baseline); or with another
adapter, which the chat's engine lays over the same weights; or another model, whose engine is started for the
comparison and closed with it; or the same speaker by a preset. All are heard by the chat's listener.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Literal

from lacie_chat.chat.answering import Asked
from lacie_chat.chat.others import Against
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import LoadProgress
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.names import pair_name

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
"""What is compared with, and the chat's own, as `lacie compare` has them: the difference is the right one's."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One side. `title` says it in full, `name` within a sentence; `adapter`: the engine's own is not the one."""

    title: str
    name: str
    speaker: ChatSpeaker
    baseline: bool = False
    adapter: Path | None = None
    preset: str | None = None


def sides_of(own: ChatSpeaker, against: Against) -> dict[Side, Compared]:
    """The chat's speaker against what was chosen."""
    other = against.speaker
    if against.preset is not None:
        title = pair_name(own.model_name, own.adapter_name)
        left = Compared(f"preset {against.preset}", f"preset {against.preset}", own, preset=against.preset)
        return {"left": left, "right": Compared(title, "the chat's own", own)}
    if other is not None and other.shares_weights(own) and other.adapter_name is None:
        other = None  # the model alone, which is the baseline
    if other is None:
        baseline = Compared(f"baseline: {own.model_name}", "the baseline", own, baseline=True)
        return {"left": baseline, "right": Compared(f"with {own.adapter_name}", "the adapter", own)}
    if other.shares_weights(own):
        names = [other.adapter_name or "", own.adapter_name or "the baseline"]
        titles = [f"with {other.adapter_name}"]
        titles.append(f"with {own.adapter_name}" if own.adapter_name else f"baseline: {own.model_name}")
        adapter = other.adapter_path
    else:
        titles = [pair_name(each.model_name, each.adapter_name) for each in (other, own)]
        names, adapter = list(titles), None
    if names[0] == names[1]:
        names = [f"{name} ({side})" for name, side in zip(names, SIDES, strict=True)]
    return {
        "left": Compared(titles[0], names[0], other, adapter=adapter),
        "right": Compared(titles[1], names[1], own),
    }


class OtherEngine:
    """The engine of another model, for one comparison: loaded when it is first asked, closed with the comparison.

    `changed` is told while it loads. Its answers are heard by the chat's own engine, so that it never loads a listener.
    """

    def __init__(self, speaker: ChatSpeaker, session: ChatSession, changed: Callable[[], object]) -> None:
        self.load_error = ""
        self.loading: float | None = None
        """How far it is, 0 to 1; None while nothing is being loaded."""
        self.speaker, self._session, self._changed = speaker, session, changed
        self._engine: EngineLike | None = None
        self._loaded = False
        self._closed = False
        self._lock = Lock()

    def find(self) -> EngineLike | None:
        """It, loaded; None if it can't be, and `load_error` says why. Blocks."""
        with self._lock:
            if self._closed:
                return None
            engine = self._engine = self._engine or self.speaker.engine_factory()
        if self._loaded:
            return engine
        try:
            engine.load(self._progressed)
        except EngineError as error:
            self.load_error = str(error)
            self.engine_died(engine)
            return None
        finally:
            self.loading = None
        self._loaded, self.load_error = True, ""
        return engine

    def engine_died(self, engine: EngineLike) -> None:
        """Let it go; the next answer gets a new one."""
        with self._lock:
            if self._engine is engine:
                self._engine, self._loaded = None, False
        engine.close()

    def listen(self, engine: EngineLike, asked: Asked) -> None:
        """Have the chat's listener assess its answer."""
        self._session.listen(self._session.borrow_engine() or engine, asked)

    def listen_later(self, tree: ChatTree, turn: Turn) -> None:
        """The same, when there is time."""
        self._session.listen_later(tree, turn, self.speaker)

    def cancel(self) -> None:
        """Stop what it is writing."""
        if (engine := self._engine) is not None:
            engine.cancel()

    def answer_now(self) -> None:
        """End its thought."""
        if (engine := self._engine) is not None:
            engine.answer_now()

    def close(self) -> None:
        """Free it; returns at once."""
        with self._lock:
            self._closed, engine = True, self._engine
        if engine is not None:
            Thread(target=engine.close, name="closing the other model", daemon=True).start()

    def _progressed(self, progress: LoadProgress) -> None:
        self.loading = progress.fraction
        self._changed()
