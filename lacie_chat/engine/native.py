"""llama.cpp's process-wide state: its log, its start, and the flag that stops a decode.

The log goes through a callback of our own. llama-cpp-python's `verbose=False` redirects descriptors 1 and 2 while it
loads: what other threads write to the terminal meanwhile is lost, and the reason for a failed load with it.
Nothing here, or in any module of this package that imports `llama_cpp`, is imported with the package itself: the
interface must open before native code is loaded.
"""

import atexit
import ctypes
import io
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as low

from lacie_chat.engine.log import default_log_path, open_log
from lacie_chat.printable import printable

_DEBUG, _ERROR, _CONTINUED = 1, 4, 5  # enum ggml_log_level


class _NativeLog:
    """One for the process, as llama.cpp has one callback. Writes to the file set last; keeps recent errors."""

    def __init__(self) -> None:
        self._file: io.FileIO | None = None
        self._path: Path | None = None
        self._level = 0
        self._errors: deque[str] = deque(maxlen=40)
        self.kept: dict[int, list[str]] = {}
        """All lines of the threads that want theirs; the file gets only errors of them."""
        self._lock = threading.Lock()
        self.callback = low.llama_log_callback(self._write)  # llama.cpp keeps a bare pointer: hold the object

    def send_to(self, path: Path) -> None:
        with self._lock:
            if path == self._path and self._file is not None:
                return
            if self._file is not None:
                self._file.close()
            self._file, self._path = open_log(path), path

    def _write(self, level: int, text: bytes, _user_data: object) -> None:
        try:
            level = self._level if level == _CONTINUED else level
            with self._lock:
                self._level = level
                if level == _DEBUG:
                    return
                if (kept := self.kept.get(threading.get_ident())) is not None:
                    kept.append(text.decode("utf-8", "replace"))
                if level == _ERROR and text.strip():
                    self._errors.append(text.decode("utf-8", "replace").strip())
                if self._file is not None and (kept is None or level == _ERROR):
                    self._file.write(printable(text.decode("utf-8", "replace")).encode("utf-8"))  # a file's own texts
        except (OSError, ValueError):  # a full disk must not stop an answer, nor raise into C
            pass

    def drain(self) -> list[str]:
        with self._lock:
            errors = list(self._errors)
            self._errors.clear()
        return errors


_log: _NativeLog | None = None
_start_lock = threading.Lock()


def start(log_path: Path | None) -> None:
    """Make llama.cpp ready in this process (once) and send its log to `log_path`."""
    global _log
    with _start_lock:
        if _log is None:
            _log = _NativeLog()
            low.llama_log_set(_log.callback, ctypes.c_void_p(0))
            low.llama_backend_init()
            # Static destructors of native code may log once Python is gone: give them a function that outlives it.
            atexit.register(low.llama_log_set, _outliving_logger(), ctypes.c_void_p(0))
        _log.send_to(log_path or default_log_path())


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)


def _outliving_logger() -> Any:
    """A native function that does nothing with a log line (`abs(level)`)."""
    return ctypes.cast(_libc().abs, low.llama_log_callback)


@contextmanager
def errors_of() -> Iterator[Callable[[], list[str]]]:
    """Collect the error lines that llama.cpp logs inside the block: `with errors_of() as lines: ...; lines()`."""
    assert _log is not None, "start() comes first"
    _log.drain()
    yield _log.drain


@contextmanager
def lines_of() -> Iterator[list[str]]:
    """Collect all that llama.cpp logs in this thread inside the block, debugging aside; in place of the log, which is
    of what was really made."""
    assert _log is not None, "start() comes first"
    kept = _log.kept[threading.get_ident()] = []
    try:
        yield kept
    finally:
        _log.kept.pop(threading.get_ident(), None)


class StopFlag:
    """Stops a decode from any thread, without Python in the loop.

    llama.cpp asks its abort callback before every node of the compute graph, about a thousand times a token. A Python
    callback would need the GIL each time, and while the interface renders that means waiting for it. So the callback is
    libc's `strlen` over two bytes of ours: 0 while the first is zero, 1 once it is set.
    """

    _strlen: Any = None

    def __init__(self) -> None:
        self._bytes = ctypes.create_string_buffer(2)

    def set(self) -> None:
        self._bytes[0] = b"\x01"

    def is_set(self) -> bool:
        return self._bytes[0] != b"\x00"

    def watch(self, context: Any) -> None:
        """Let `context` stop at this flag. The caller keeps the flag alive while the context may decode."""
        if StopFlag._strlen is None:
            StopFlag._strlen = ctypes.cast(_libc().strlen, low.ggml_abort_callback)
        low.llama_set_abort_callback(context, StopFlag._strlen, ctypes.cast(self._bytes, ctypes.c_void_p))


class Stopped(Exception):
    """The flag was set before the work was done. Internal to the package."""


class Gate:
    """A first-come-first-served lock that a set flag can call a waiter away from.

    `threading.Lock` goes to whoever grabs it first: a generation that takes it once a token starves a reader.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._holder: int | None = None

    def held_by_this_thread(self) -> bool:
        return self._holder == threading.get_ident()

    def acquire(self, flag: StopFlag) -> None:
        """Wait for the turn; raises Stopped (and gives the place up) when `flag` is set meanwhile."""
        with self._lock:
            if self._holder is None:
                self._holder = threading.get_ident()
                return
            turn = threading.Event()
            self._waiting.append(turn)
        while not turn.wait(0.02):
            if flag.is_set():
                with self._lock:
                    if not turn.is_set():
                        self._waiting.remove(turn)
                        raise Stopped
                break
        self._holder = threading.get_ident()

    def release(self) -> None:
        with self._lock:
            if self._waiting:
                self._holder = -1  # handed over; the waiter writes its own name when it wakes
                self._waiting.popleft().set()
            else:
                self._holder = None

    @contextmanager
    def passed(self, flag: StopFlag) -> Iterator[None]:
        self.acquire(flag)
        try:
            yield
        finally:
            self.release()


def model_params() -> Any:
    """llama.cpp's own settings for loading a model, less the one with which it crashes on some processors.

    Where the processor has AMX, llama.cpp repacks the weights for it (an "extra buffer type") and then dies of SIGSEGV
    at the first matrix product: GCC optimises away the writes to the tile configuration, and `ldtilecfg` faults on what
    is left (llama.cpp #20824 and #26954, both open; seen with llama-cpp-python 0.3.36 and GCC 12). AVX-512 then does
    the work.
    """
    params = low.llama_model_default_params()
    params.use_extra_bufts = params.use_extra_bufts and not has_amx()
    return params


def has_amx(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor has Intel's tile instructions. Only Linux says; no Mac has them."""
    return has_processor_flag("amx_tile", cpuinfo)


def has_processor_flag(flag: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor names `flag` among what it can do; False where the system doesn't say."""
    try:
        return any(flag in line.split() for line in cpuinfo.open(encoding="utf-8") if line.startswith("flags"))
    except OSError:
        return False


def supports_gpu() -> bool:
    """Whether this build of llama.cpp can offload layers."""
    return bool(low.llama_supports_gpu_offload())
