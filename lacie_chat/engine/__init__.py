"""llama.cpp behind typed values: load, stream, cancel, adapters, choice probabilities; in this process or in a child.

Importing this package loads no native code (the interface opens at once): `Engine` is fetched when it is first named.
"""

from typing import TYPE_CHECKING, Any

from lacie_chat.engine.client import EngineProcess
from lacie_chat.engine.errors import EngineDied, EngineError, EngineStopped
from lacie_chat.engine.events import (
    Alternatives,
    Cut,
    Delta,
    Failed,
    Finished,
    FinishReason,
    GenerationEvent,
    LoadProgress,
    ModelInfo,
    PromptProgress,
    PromptSize,
    Reasoning,
)
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import ChatTurn, EngineSettings, Machine, ReasoningChoice, Role, Said, Sampling

if TYPE_CHECKING:
    from lacie_chat.engine.engine import Engine

__all__ = [
    "Alternatives",
    "ChatTurn",
    "Cut",
    "Delta",
    "Engine",
    "EngineDied",
    "EngineError",
    "EngineLike",
    "EngineProcess",
    "EngineSettings",
    "EngineStopped",
    "Failed",
    "FinishReason",
    "Finished",
    "GenerationEvent",
    "LoadProgress",
    "Machine",
    "ModelInfo",
    "PromptProgress",
    "PromptSize",
    "Reasoning",
    "ReasoningChoice",
    "Role",
    "Said",
    "Sampling",
]


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from lacie_chat.engine.engine import Engine

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
