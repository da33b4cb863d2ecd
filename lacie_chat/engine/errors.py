"""Errors of the engine, each one line for the user."""

from lacie_chat.errors import LacieError


class EngineError(LacieError):
    """The model can't be loaded or can't go on."""


class EngineDied(EngineError):
    """The engine's process ended under us (killed, out of memory, aborted in native code); start a new one to go on."""


class EngineStopped(EngineError):
    """What was read in parallel was stopped by `cancel`; it can be asked for again."""
