"""What the chat reports while it works: plain typed values, posted from worker threads, free of Textual.

The screen subscribes to these; `session.py` makes them. A turn is handed over by reference: its text and status are
already up to date when the event arrives.
"""

from dataclasses import dataclass

from lacie_chat.chat.tree import Turn
from lacie_chat.engine.events import ModelInfo


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded; `fraction` 0 to 1. `again`: after the engine died."""

    fraction: float
    again: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is ready."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model can't be loaded; one line for the user."""

    message: str


@dataclass(frozen=True, slots=True)
class SilenceChanged:
    """The engine gives no sign of life any more, or does again: `EngineKeeper.silent`."""


@dataclass(frozen=True, slots=True)
class SpeakerChanged:
    """Another model answers from now on: `ChatSession.speaker`. Or, where it can't be loaded, the one before again."""


@dataclass(frozen=True, slots=True)
class PromptRead:
    """`done` of `total` tokens of the prompt of `turn` are read."""

    turn: Turn
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TextAdded:
    """`text` came to the end of `turn`."""

    turn: Turn
    text: str


@dataclass(frozen=True, slots=True)
class ThoughtAdded:
    """`text` came to the end of what is thought before `turn`."""

    turn: Turn
    text: str


@dataclass(frozen=True, slots=True)
class TurnChanged:
    """The phase, status, note or assessment of `turn` changed."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """No more text will come to `turn`."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the user. `serious`: something went wrong."""

    message: str
    serious: bool = False


@dataclass(frozen=True, slots=True)
class SavingChanged:
    """The store has stopped taking what is said, or takes it again: `ChatSession.saving`."""


ChatEvent = (
    Loading
    | Loaded
    | LoadFailed
    | SilenceChanged
    | SpeakerChanged
    | PromptRead
    | TextAdded
    | ThoughtAdded
    | TurnChanged
    | TurnEnded
    | Notice
    | SavingChanged
)
