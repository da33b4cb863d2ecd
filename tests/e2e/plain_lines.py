"""What is typed in a plain chat, and an engine that answers there."""

import io
from collections.abc import Callable

from scripted import Answer, ScriptedEngine, ScriptedReader


class Typed(io.StringIO):
    """Standard input; before a line that is a function, that is called."""

    def __init__(self, *lines: str | Callable[[], object]) -> None:
        super().__init__()
        self._lines = list(lines)

    def readline(self, *_: object) -> str:
        while self._lines:
            line = self._lines.pop(0)
            if isinstance(line, str):
                return f"{line}\n"
            line()
        return ""


def interrupt() -> None:
    raise KeyboardInterrupt


def river(*texts: str, **more: object) -> ScriptedEngine:
    return ScriptedEngine([Answer([text], **more) for text in texts], ScriptedReader("the Danube", acceptance=0.9))
