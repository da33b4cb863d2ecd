"""A child process that runs llama.cpp, from outside: started, asked and told, watched for its end, ended.

Started with `subprocess`, not `multiprocessing`: no fork of a process with threads and a terminal, no import of the
caller's main module. It ends with this process (lifeline.py).

While it is asked for something it is also asked every second whether it is there: a process that was stopped, or that
the system lets do nothing, gives no other sign. It is never ended for that, for it may come back; but what was called
off is given up after a while, and whoever waits can be told (`silent`).
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from lacie_chat.engine import wire
from lacie_chat.engine.errors import EngineDied, EngineError, EngineStopped
from lacie_chat.engine.log import default_log_path, open_log

_CLOSED = "The engine is closed."
_ENDED = "The engine was ended, for it gave no sign of life any more."
BEAT_SECONDS = 1.0
SILENT_AFTER = 10
"""Beats without a sign of life."""
PATIENCE = 5
"""Beats that what was called off may take to end; it takes milliseconds."""


class ChildProcess:
    """One life of a child, which runs `model`; it starts with the first request. `log_path` takes native output."""

    def __init__(self, log_path: Path | None = None, *, model: Path | None = None) -> None:
        self._model = model
        self._log_path = (log_path or default_log_path()).absolute()
        self._lock = threading.RLock()  # for what is below; re-entered when an answer is collected
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        """The end of the pipe whose closing ends the child."""
        self._pending: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        """What the child is still to be sent, by a thread of its own: one that has stopped reads nothing, and a pipe
        holds little. None is the end."""
        self._requests = 0
        self._loaded = False
        """Has it said that it holds its model?"""
        self._gone: tuple[str, bool] | None = None
        """Why no request can be served any more, and whether the process died (or was closed)."""
        self._listener: threading.Thread | None = None
        self._beats = 0
        """Since its last sign of life."""
        self._stoppable: set[int] = set()
        """Requests that `cancel` ends."""
        self._called_off: dict[int, int] = {}
        """Those that were, and how many beats it has been."""
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the child; None before the load."""
        return self._process.pid if self._process is not None else None

    @property
    def silent(self) -> bool:
        """Has it given no sign of life for a while, though it is to do something?"""
        return self._gone is None and self._beats >= SILENT_AFTER

    def end(self) -> None:
        """End it at once, as if it had died: whoever waits for it gets EngineDied."""
        with self._lock:
            self._gone = self._gone or (_ENDED, True)
            process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the child process. The engine can't be used afterwards."""
        with self._lock:
            self._gone = self._gone or (_CLOSED, False)
            process, listener = self._process, self._listener
        if process is None:
            return
        self._outbox.put(None)  # it exits at the end of its input
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if listener is not None and listener is not threading.current_thread():
            listener.join(timeout=2)

    def _tell(self, operation: str, **more: Any) -> None:
        """Send what has no reply; nothing where there is no process."""
        with self._lock:
            if self._process is not None and self._gone is None:
                self._outbox.put(wire.line({"id": 0, "op": operation, **more}))

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
            if message["op"] in ("generate", "measure") or message.get("patient"):
                self._stoppable.add(request)
            self._outbox.put(wire.line({"id": request, **message}))
        return request, replies

    def _forget(self, request: int) -> None:
        with self._lock:
            self._pending.pop(request, None)
            self._called_off.pop(request, None)
            self._stoppable.discard(request)

    def _start(self) -> None:
        log = open_log(self._log_path)
        theirs, ours = os.pipe() if os.name == "posix" else (None, None)
        # -P: a file in the user's working folder must not pass for a module. A session of its own: Ctrl-C in the
        # terminal goes to every process of the group.
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "lacie_chat.engine.process"]
        command += [] if theirs is None else [str(theirs)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log if log is not None else subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
                pass_fds=[] if theirs is None else [theirs],
            )
            self._lifeline, ours = ours, None
        except OSError as error:
            raise EngineError(f"The engine's process can't be started: {error.strerror or error}.") from error
        finally:
            for descriptor in (theirs, ours):
                if descriptor is not None:
                    os.close(descriptor)
            if log is not None:
                log.close()
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        threading.Thread(target=self._write, args=(self._process,), daemon=True).start()
        threading.Thread(target=self._look, daemon=True).start()

    def _write(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError, ValueError), process.stdin as pipe:  # ending: the listener tells why
            while (line := self._outbox.get()) is not None:
                data = memoryview(line)
                while data:
                    data = data[pipe.write(data) :]

    def _look(self) -> None:
        """Counts beats, not seconds: this process may have been stopped itself."""
        while not self._ended.wait(BEAT_SECONDS):
            with self._lock:
                if not self._pending:
                    self._beats = 0
                    continue
                self._beats += 1
                if self._beats == 1:
                    self._outbox.put(wire.line({"id": 0, "op": "ping"}))
                for request in list(self._called_off):
                    self._called_off[request] += 1
                self._give_up()

    def _call_off(self) -> None:
        """What is asked for now is wanted no more: wait for its end, but not for ever."""
        with self._lock:
            for request in self._stoppable:
                self._called_off.setdefault(request, 0)
            self._give_up()

    def _give_up(self) -> None:
        for request, beats in list(self._called_off.items()):
            if beats > PATIENCE or self.silent:
                del self._called_off[request]
                self._pending[request].put({"type": "Stopped", "message": "The engine doesn't answer."})

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if not line.endswith(b"\n"):
                    break  # killed in the middle of a line
                message = json.loads(line)
                self._beats = 0
                with self._lock:
                    replies = self._pending.get(message["id"])
                if replies is not None:
                    replies.put(message)
        status = process.wait()
        with self._lock:
            if self._lifeline is not None:
                os.close(self._lifeline)
                self._lifeline = None
            if self._gone is None:
                self._gone = (_obituary(status, self._model, loading=not self._loaded, log_path=self._log_path), True)
            for replies in self._pending.values():
                replies.put({"type": "Gone"})
        self._outbox.put(None)
        self._ended.set()

    def begin(self) -> None:
        """Make it ready to be asked, once. Raises EngineError."""
        raise NotImplementedError

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


def _obituary(status: int, model: Path | None, *, loading: bool, log_path: Path) -> str:
    """One line on how the child ended; `status` as subprocess gives it (negative: a signal)."""
    what = f"while it loaded the model{f' {model}' if model is not None else ''}" if loading else "unexpectedly"
    if status >= 0:
        return f"The engine's process ended {what} (exit status {status}); its log is {log_path}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if name == "SIGKILL":
        return f"The engine's process was killed {what} ({name}), probably out of memory: try a smaller model."
    if loading:
        why = ", probably because the model file is damaged"
    else:
        why = f", perhaps because {model or 'the model file'} is damaged"
    return f"The engine's process crashed {what} ({name}){why}; its log is {log_path}."
