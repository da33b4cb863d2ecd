"""How much a command says on standard error beside its result: its notes and progress, nothing of them (`--quiet`), or
what the engine logs and how long things took besides (`--verbose`). Errors are said in any case (streams.complain).

It is kept in the environment, so that it holds for the stages and engines that a command starts.
"""

import os
import sys

from lacie_chat import streams

_VARIABLE = "LACIE_LOUDNESS"
_QUIET, _VERBOSE = "quiet", "verbose"


def settle(*, quiet: bool, verbose: bool) -> None:
    """From now on, in this process and in those that it starts."""
    if quiet or verbose:
        os.environ[_VARIABLE] = _QUIET if quiet else _VERBOSE
    else:
        os.environ.pop(_VARIABLE, None)


def is_quiet() -> bool:
    """Whether notes and progress are left out."""
    return os.environ.get(_VARIABLE) == _QUIET


def is_verbose() -> bool:
    """Whether the engine's log and timings are said."""
    return os.environ.get(_VARIABLE) == _VERBOSE


def note(line: str) -> None:
    """One line on standard error that one may do without."""
    if not is_quiet():
        streams.complain(line)


def detail(line: str) -> None:
    """One line on standard error for those who asked for more."""
    if is_verbose():
        streams.complain(f"lacie: {line}")


def shows_progress() -> bool:
    """Whether a line that is drawn over and over has a place here: a terminal that can, and nobody who asked for
    silence or for a log, which it would run into."""
    return not is_quiet() and not is_verbose() and streams.can_draw(sys.stderr)
