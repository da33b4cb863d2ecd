"""The process in which chat templates run, from outside: asked, watched, and ended where a template goes too far.

One for this process, whoever asks; started when it is first wanted, and again after a template that was too much for
it. Its limits are the kernel's (template_process.py). Where the kernel doesn't keep them (memory on macOS, both on
Windows) they are looked after from here while one waits; so is a process that does nothing at all.
"""

import atexit
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from lacie_chat.engine.errors import EngineError

SECONDS = 4
"""Of processor time for one rendering; the templates that llama.cpp carries take a thousandth of one."""
LOOK_SECONDS = 0.25
STILL_SECONDS = 120.0
"""On the clock: nothing that is alive computes for so long without using its processor time up."""


class TemplateFailed(Exception):
    """One that couldn't be compiled, or rendered; `reason` in one line. `beyond`: it went beyond a limit, and would
    again."""

    def __init__(self, reason: str, *, beyond: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.beyond = reason, beyond


def begin() -> None:
    """Start the process, unless it runs: it is ready sooner. Raises EngineError where it can't be."""
    with _lock:
        _running()


def check(source: str) -> None:
    """Raises TemplateFailed where `source` is no template."""
    _ask({"op": "compile", "source": source})


def names_in(source: str) -> frozenset[str]:
    """The names that a template reads without giving them a value itself. Raises TemplateFailed."""
    return frozenset(_ask({"op": "names", "source": source}))


def render(source: str, messages: Sequence[Mapping[str, str]], variables: Mapping[str, object]) -> str:
    """What the template writes for `messages`; `variables` go through JSON. Raises TemplateFailed."""
    value = _ask({"op": "render", "source": source, "messages": list(messages), "variables": dict(variables)})
    return str(value)


class _Process:
    """One life of it."""

    def __init__(self) -> None:
        # -P: a file in the user's working folder must not pass for a module
        command = [sys.executable, "-P", "-m", "lacie_chat.engine.template_process"]
        try:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"The process for chat templates can't be started: {error.strerror or error}.") from error
        self._ended_for = ""
        """Why it was killed from here."""
        self._replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="chat templates", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The reply; where it had to be ended instead, one that says why. None: it ended of something else, perhaps
        before it was asked."""
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._popen.stdin.flush()
        except OSError:
            self.end()
            return None
        line = self._reply()
        if line.endswith(b"\n"):
            reply: dict[str, Any] = json.loads(line)
            if reply.get("beyond"):
                self._popen.wait()
            return reply
        status = self._popen.wait()
        if sys.platform != "win32" and status == -signal.SIGXCPU:
            self._end_for(_too_long())
        return {"reason": self._ended_for, "beyond": True} if self._ended_for else None

    def end(self) -> None:
        """At once."""
        self._popen.kill()
        self._popen.wait()

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout:
            for line in self._popen.stdout:
                self._replies.put(line)
        self._replies.put(b"")

    def _reply(self) -> bytes:
        began = time.monotonic()
        used: float | None = None
        while True:
            try:
                return self._replies.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                used = self._looked_at(used)
                if time.monotonic() - began > STILL_SECONDS:
                    self._end_for(f"it computes for more than {STILL_SECONDS:g} seconds on the clock")

    def _looked_at(self, before: float | None) -> float | None:
        """Ends it where it is beyond a limit; `before`: the processor time that it had used at the first look."""
        import psutil

        from lacie_chat.engine.template_process import BYTES, TOO_MUCH

        with suppress(psutil.Error):
            process = psutil.Process(self._popen.pid)
            times = process.cpu_times()
            used = float(times.user + times.system)
            before = used if before is None else before
            if used - before > SECONDS + 1:
                self._end_for(_too_long())
            elif process.memory_info().rss > BYTES:
                self._end_for(TOO_MUCH)
        return before

    def _end_for(self, reason: str) -> None:
        self._ended_for = self._ended_for or reason
        self._popen.kill()


def _too_long() -> str:
    return f"it computes for more than {SECONDS} second{'s' * (SECONDS != 1)}"


_lock = threading.Lock()
_process: _Process | None = None


def _running() -> _Process:
    global _process
    if _process is None or not _process.alive:
        if _process is None:
            atexit.register(_end)
        _process = _Process()
    return _process


def _ask(request: Mapping[str, Any]) -> Any:
    request = {**request, "seconds": SECONDS}
    with _lock:
        process = _running()
        try:
            reply = process.ask(request) or _running().ask(request)
        except BaseException:  # as Ctrl-C: its reply is nobody's any more
            process.end()
            raise
    if reply is None:
        raise TemplateFailed("the process that runs it ended twice", beyond=True)
    if "reason" in reply:
        raise TemplateFailed(reply["reason"], beyond=bool(reply.get("beyond")))
    return reply["value"]


def _end() -> None:
    if _process is not None:
        _process.end()


def _forget() -> None:
    """In the child of a fork: the process is the parent's."""
    global _lock, _process
    _lock, _process = threading.Lock(), None


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)
