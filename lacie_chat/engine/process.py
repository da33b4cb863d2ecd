"""The engine's own process: `python -m lacie_chat.engine.process`, started by EngineProcess and never by hand.

Standard input brings requests and standard output takes replies (wire.py). Both are moved to private descriptors first,
and descriptors 0 to 2 point elsewhere, so that whatever native code prints lands in the log. The main thread only
reads requests, hence a cancel arrives while a decode runs; each request works in a thread of its own.

When the parent is gone, however it went, this process ends with it, whatever it does (lifeline.py): the one argument is
the descriptor that tells. So it does at the end of standard input.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lacie_chat.engine import wire
from lacie_chat.engine.errors import EngineError, EngineStopped
from lacie_chat.engine.events import Failed
from lacie_chat.engine.lifeline import end_with
from lacie_chat.errors import LacieError

# Native libraries are imported by the first `load`, in its thread: until then requests are read already.
if TYPE_CHECKING:
    from lacie_chat.confidence.reader import Reader
    from lacie_chat.engine.batch_service import BatchService
    from lacie_chat.engine.engine import Engine
    from lacie_chat.engine.speaker import Answer


class _Child:
    def __init__(self, replies: int) -> None:
        self._replies = replies
        self._writing = threading.Lock()
        self._engine: Engine | None = None
        self._batches: BatchService | None = None
        self._answers: dict[int, Answer] = {}
        self._starting = threading.Lock()
        self._log_path: Path | None = None

    def handle(self, message: dict[str, Any]) -> None:
        operation, request = message["op"], message["id"]
        if operation == "ping":
            self._send({"id": 0, "type": "Pong"})
            return
        if operation == "cancel":
            for number, answer in list(self._answers.items()):
                if message["request"] in (None, number):
                    answer.cancel()
        if operation in ("cancel", "make_way"):
            if message.get("request") is None and self._engine is not None:
                self._engine.make_way()
            return
        if operation == "answer_now":
            if self._engine is not None:
                self._engine.answer_now()
            return
        if operation == "generate":  # known before the next line is read, which may cancel it
            if self._engine is None:
                self._send(wire.event_message(request, Failed("The engine isn't loaded.")))
                return
            self._answers[request] = self._engine.begin(
                wire.read_turns(message["turns"]),
                wire.read_sampling(message["sampling"]),
                baseline=message["baseline"],
                adapter=Path(message["adapter"]) if message["adapter"] else None,
                aside=message["aside"],
                going_on=wire.read_said(message["going_on"]),
            )
        work: dict[str, Callable[[dict[str, Any]], None]] = {
            "load": self._load,
            "generate": self._generate,
            "measure": self._measure,
            "choices": self._choices,
            "complete": self._complete,
            "open": self._open,
            "render": lambda message: self._value(message, self._opened().render(message)),
            "respond": lambda message: self._value(message, self._opened().respond(message)),
        }
        threading.Thread(target=self._guarded, args=(work[operation], message), daemon=True).start()

    def _guarded(self, work: Callable[[dict[str, Any]], None], message: dict[str, Any]) -> None:
        try:
            work(message)
        except EngineStopped as error:
            self._send({"id": message["id"], "type": "Stopped", "message": str(error)})
        except LacieError as error:
            self._send({"id": message["id"], "type": "Error", "message": str(error)})
        except Exception as error:  # noqa: BLE001 - the one place that turns a bug into a line and a log entry
            traceback.print_exc()
            summary = f"{type(error).__name__}: {error}".splitlines()[0]
            text = f"The engine met an unexpected error ({summary}); the details are in {self._log_path}."
            reply = wire.event_message(message["id"], Failed(text)) if message["op"] == "generate" else None
            self._send(reply or {"id": message["id"], "type": "Error", "message": text})

    def _loaded(self) -> "Engine":
        if self._engine is None:
            raise EngineError("The engine isn't loaded.")
        return self._engine

    def _load(self, message: dict[str, Any]) -> None:
        from lacie_chat.engine.engine import Engine

        request = message["id"]
        with self._starting:
            if self._engine is None:
                self._log_path = Path(message["log_path"])
                self._engine = Engine(wire.read_settings(message["settings"]), log_path=self._log_path)
        info = self._engine.load(lambda progress: self._send(wire.event_message(request, progress)))
        self._send(wire.event_message(request, info))

    def _generate(self, message: dict[str, Any]) -> None:
        request = message["id"]
        try:
            for event in self._answers[request]:
                self._send(wire.event_message(request, event))
        finally:
            del self._answers[request]

    def _measure(self, message: dict[str, Any]) -> None:
        turns, sampling = wire.read_turns(message["turns"]), wire.read_sampling(message["sampling"])
        size = self._loaded().measure(turns, sampling, wire.read_said(message["going_on"]))
        self._value(message, wire.size_data(size))

    def _choices(self, message: dict[str, Any]) -> None:
        reader = self._reader(message)
        rows = reader.choice_probabilities(message["prefix"], message["suffixes"], message["choices"])
        self._value(message, rows)

    def _complete(self, message: dict[str, Any]) -> None:
        reader = self._reader(message)
        texts = reader.complete(
            message["prefix"], message["suffixes"], max_tokens=message["max_tokens"], stop=message["stop"]
        )
        self._value(message, texts)

    def _open(self, message: dict[str, Any]) -> None:
        from lacie_chat.engine.batch_service import BatchService

        self._log_path = Path(message["log_path"])
        self._batches = BatchService(message)
        self._value(message, None)

    def _opened(self) -> "BatchService":
        if self._batches is None:
            raise EngineError("The engine isn't loaded.")
        return self._batches

    def _reader(self, message: dict[str, Any]) -> "Reader":
        if self._batches is not None:
            return self._batches.reader(message)
        return self._loaded().reader(message["part"], patient=message["patient"])

    def _value(self, message: dict[str, Any], value: Any) -> None:
        self._send({"id": message["id"], "type": "Value", "value": value})

    def _send(self, message: dict[str, Any]) -> None:
        data = memoryview(wire.line(message))
        with self._writing:
            try:
                while data:
                    data = data[os.write(self._replies, data) :]
            except OSError:  # the parent is gone
                os._exit(0)


def main() -> NoReturn:
    """Serve until standard input ends."""
    import json

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the interface's
    if len(sys.argv) > 1:
        end_with(int(sys.argv[1]))
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # the parent gave us the log as standard error
    child = _Child(replies)
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            child.handle(json.loads(line))
    os._exit(0)  # at once: a decode may be running, and nothing here outlives the process


if __name__ == "__main__":
    sys.exit(main())
