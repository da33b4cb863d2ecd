"""How a process ends with the one that started it, whatever it is doing.

The end of standard input is noticed by a thread of Python's, and that needs the interpreter's lock: native code, or one
huge power of integers, may hold it for minutes. So the starter keeps the writing end of a pipe into which nothing is
ever written, and the kernel is asked for a signal when something happens to it: that is its closing, however the
starter went. What the signal calls is libc's `_exit`, without Python.

(PR_SET_PDEATHSIG would not do: it fires when the parent's *thread* that started us ends, and interfaces start us from a
worker; and only Linux has it.)
"""

import ctypes
import os
import select
import signal
import sys
from contextlib import suppress


def end_with(descriptor: int) -> None:
    """End this process when nobody holds the other end of the pipe `descriptor` any more. Where the system knows no
    such signal nothing happens."""
    if sys.platform == "win32":
        return
    import fcntl

    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    libc.signal(signal.SIGIO, ctypes.cast(libc._exit, ctypes.c_void_p))
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([descriptor], [], [], 0)[0]:  # it was closed before
        os._exit(0)
