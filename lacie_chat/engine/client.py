"""The engine in a child process, for the chat: a crash in native code, or the kernel's out-of-memory kill, costs an
answer and not the conversation.

Started with `subprocess`, not `multiprocessing`: no fork of a process with threads and a terminal, no import of the
caller's main module.
"""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lacie_chat.engine import wire
from lacie_chat.engine.errors import EngineDied, EngineError, EngineStopped
from lacie_chat.engine.events import Failed, Finished, GenerationEvent, LoadProgress, ModelInfo, PromptSize
from lacie_chat.engine.log import default_log_path, open_log
from lacie_chat.engine.settings import ChatTurn, EngineSettings, Said, Sampling
from lacie_chat.listener_files import Part

if TYPE_CHECKING:
    from lacie_chat.confidence.listener import Listener

_CLOSED = "The engine is closed."


class EngineProcess:
    """See EngineLike. `log_path` takes native output. After EngineDied or Failed(engine_died=True), make another."""

    def __init__(self, settings: EngineSettings, *, log_path: Path | None = None) -> None:
        self._settings = settings
        self._log_path = (log_path or default_log_path()).absolute()
        self._lock = threading.RLock()  # for what is below; re-entered when an answer is collected
        self._process: subprocess.Popen[bytes] | None = None
        self._pending: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._requests = 0
        self._info: ModelInfo | None = None
        self._gone: tuple[str, bool] | None = None
        """Why no request can be served any more, and whether the process died (or was closed)."""
        self._listener: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the child; None before the load."""
        return self._process.pid if self._process is not None else None

    def load(self, on_progress: Callable[[LoadProgress], None] | None = None) -> ModelInfo:
        """Start the process and load the model (once). Raises EngineError, one line, if it can't be."""
        if self._info is not None and self._gone is None:
            return self._info
        settings = wire.settings_data(self._settings)
        with self._request(op="load", settings=settings, log_path=str(self._log_path)) as replies:
            while True:
                event = wire.read_event(self._checked(replies.get()))
                if isinstance(event, ModelInfo):
                    self._info = event
                    return event
                if isinstance(event, LoadProgress) and on_progress is not None:
                    on_progress(event)

    def generate(
        self,
        turns: Sequence[ChatTurn],
        sampling: Sampling,
        *,
        baseline: bool = False,
        adapter: Path | None = None,
        aside: bool = False,
        going_on: Said | None = None,
    ) -> Iterator[GenerationEvent]:
        """Answer the last user turn. Yields events, the last one Finished or Failed; closing the iterator cancels."""
        return RemoteAnswer(
            self,
            turns=[asdict(turn) for turn in turns],
            sampling=asdict(sampling),
            baseline=baseline,
            adapter=str(adapter.absolute()) if adapter else None,
            aside=aside,
            going_on=asdict(going_on) if going_on else None,
        )

    def measure(self, turns: Sequence[ChatTurn], sampling: Sampling, going_on: Said | None = None) -> PromptSize:
        """How many tokens `generate` would read for the same, and what it would leave out. Raises EngineError."""
        self.load()
        said = asdict(going_on) if going_on else None
        asked = {"turns": [asdict(turn) for turn in turns], "sampling": asdict(sampling), "going_on": said}
        with self._request(op="measure", **asked) as replies:
            return wire.read_size(self._checked(replies.get())["value"])

    def cancel(self) -> None:
        """Stop the generations in progress within 200 ms, also while they read their prompts, and what is read in
        parallel. No-op when idle."""
        self._cancel(None)

    def make_way(self) -> None:
        """Stop only what can wait: answers drawn aside, and what is read in parallel. No-op when idle."""
        self._tell("make_way")

    def answer_now(self) -> None:
        """End the thoughts in progress and go to their answers. No-op when idle."""
        self._tell("answer_now")

    @property
    def listener(self) -> "Listener":
        """Who hears, in the child."""
        from lacie_chat.confidence.listener import listener_over

        return listener_over(self._settings.ears, lambda part: RemoteReader(self, part))

    @property
    def patient_listener(self) -> "Listener":
        """The same for what can wait: many texts side by side, stopped by `cancel`."""
        from lacie_chat.confidence.listener import listener_over

        return listener_over(self._settings.ears, lambda part: RemoteReader(self, part, patient=True))

    def close(self) -> None:
        """End the child process. The engine can't be used afterwards."""
        with self._lock:
            self._gone = self._gone or (_CLOSED, False)
            process, listener = self._process, self._listener
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()  # it exits at the end of its input
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if listener is not None and listener is not threading.current_thread():
            listener.join(timeout=2)

    def _cancel(self, request: int | None) -> None:
        self._tell("cancel", request=request)

    def _tell(self, operation: str, **more: Any) -> None:
        """Send what has no reply; nothing where there is no process."""
        with contextlib.suppress(EngineError), self._lock:
            if self._process is not None and self._gone is None:
                self._write({"id": 0, "op": operation, **more})

    @contextlib.contextmanager
    def _request(self, **message: Any) -> Iterator["queue.SimpleQueue[dict[str, Any]]"]:
        request, replies = self._send(message)
        try:
            yield replies
        finally:
            self._forget(request)

    def _send(self, message: dict[str, Any]) -> tuple[int, "queue.SimpleQueue[dict[str, Any]]"]:
        with self._lock:
            self._check_alive()
            if self._process is None:
                self._start()
            self._requests += 1
            request = self._requests
            replies = self._pending[request] = queue.SimpleQueue()
            with contextlib.suppress(
                EngineDied
            ):  # it is just ending: the listener tells why, to this request as to all
                self._write({"id": request, **message})
        return request, replies

    def _forget(self, request: int) -> None:
        with self._lock:
            self._pending.pop(request, None)

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(wire.line(message))
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise EngineDied("The engine's process takes no more requests.") from error

    def _start(self) -> None:
        log = open_log(self._log_path)
        # -P: a file in the user's working folder must not pass for a module. A session of its own: Ctrl-C in the
        # terminal goes to every process of the group.
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "lacie_chat.engine.process"]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log if log is not None else subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"The engine's process can't be started: {error.strerror or error}.") from error
        finally:
            if log is not None:
                log.close()
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if not line.endswith(b"\n"):
                    break  # killed in the middle of a line
                message = json.loads(line)
                with self._lock:
                    replies = self._pending.get(message["id"])
                if replies is not None:
                    replies.put(message)
        status = process.wait()
        with self._lock:
            if self._gone is None:
                self._gone = (_obituary(status, loading=self._info is None, log_path=self._log_path), True)
            for replies in self._pending.values():
                replies.put({"type": "Gone"})

    def _check_alive(self) -> None:
        if self._gone is not None:
            message, died = self._gone
            raise EngineDied(message) if died else EngineError(message)

    def _checked(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["type"] == "Gone":
            self._check_alive()
        if message["type"] == "Stopped":
            raise EngineStopped(message["message"])
        if message["type"] == "Error":
            raise EngineError(message["message"])
        return message


class RemoteAnswer:
    """An answer made in the child; the request goes out at once. Closing it, or letting it go, cancels it."""

    def __init__(self, engine: EngineProcess, **asked: Any) -> None:
        self._engine = engine
        self._request: int | None = None
        self._failed: Failed | None = None
        self._replies: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        try:
            engine.load()
            self._request, self._replies = engine._send({"op": "generate", **asked})
        except EngineError as error:
            self._failed = Failed(str(error), engine_died=isinstance(error, EngineDied))

    def __iter__(self) -> Iterator[GenerationEvent]:
        return self

    def __next__(self) -> GenerationEvent:
        if self._failed is not None:
            failed, self._failed = self._failed, None
            return failed
        if self._request is None:
            raise StopIteration
        try:
            event = wire.read_event(self._engine._checked(self._replies.get()))
        except EngineError as error:
            event = Failed(str(error), engine_died=isinstance(error, EngineDied))
        assert not isinstance(event, (LoadProgress, ModelInfo))
        if isinstance(event, (Finished, Failed)):
            self._end()
        return event

    def close(self) -> None:
        """Cancel, unless it has ended."""
        self._failed = None
        if self._request is not None:
            self._engine._cancel(self._request)
            self._end()

    def __del__(self) -> None:
        with contextlib.suppress(RuntimeError):  # collected in the middle of another write: it then runs to its end
            self.close()

    def _end(self) -> None:
        assert self._request is not None
        self._engine._forget(self._request)
        self._request = None


class RemoteReader:
    """A Reader (confidence/reader.py) of one part in the child. Raises EngineDied when that ends under a call."""

    def __init__(self, engine: EngineProcess, part: Part, *, patient: bool = False) -> None:
        self._engine, self._part, self._patient = engine, part, patient

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """See Reader."""
        rows: list[list[float]] = self._call(
            op="choices",
            prefix=prefix,
            suffixes=list(suffixes),
            choices=[list(choice) for choice in choices],
            part=self._part,
            patient=self._patient,
        )
        return rows

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See Reader."""
        texts: list[str] = self._call(
            op="complete",
            prefix=prefix,
            suffixes=list(suffixes),
            max_tokens=max_tokens,
            stop=list(stop),
            part=self._part,
            patient=self._patient,
        )
        return texts

    def _call(self, **message: Any) -> Any:
        self._engine.load()
        with self._engine._request(**message) as replies:
            return self._engine._checked(replies.get())["value"]


def _obituary(status: int, *, loading: bool, log_path: Path) -> str:
    """One line on how the child ended; `status` as subprocess gives it (negative: a signal)."""
    what = "while it loaded the model" if loading else "unexpectedly"
    if status >= 0:
        return f"The engine's process ended {what} (exit status {status}); its log is {log_path}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if name == "SIGKILL":
        return f"The engine's process was killed {what} ({name}), probably out of memory: try a smaller model."
    why = ", probably because the model file is damaged" if loading else ""
    return f"The engine's process crashed {what} ({name}){why}; its log is {log_path}."
