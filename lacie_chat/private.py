"""Files and folders that are their user's alone: conversations, drafts, questions, logs, settings, calibrators.

A folder of ours is 0700, whoever made it and under whatever umask. A file in it is 0600: a new file is never more open
than its folder, so what writes JSON lines into a run folder of the user's choice leaves the umask as it is there, and
keeps to itself here. What was wider before is narrowed when a command starts (paths.py). Nothing is narrowed that isn't
ours: the folder of another user, the home folder, one that all write to (as /tmp).
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER, _FILE = 0o700, 0o600


def private_folder(folder: Path) -> Path:
    """The folder, made if it isn't there with all that is missing above it, for its user alone. Raises OSError."""
    missing = []
    for each in (folder, *folder.parents):
        if each.exists():
            break
        missing.append(each)
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER, exist_ok=True)
    folder.mkdir(exist_ok=True)  # raises where it is a file
    _narrow(folder, _FOLDER)
    return folder


def private_file(path: Path) -> Path:
    """The file, if it is there, for its user alone."""
    _narrow(path, _FILE)
    return path


def opener(path: str, flags: int) -> int:
    """For `open(..., opener=opener)`: a file that is written is not more open than its folder."""
    allowed = _mode(Path(path).parent) & 0o666
    descriptor = os.open(path, flags, allowed)
    if allowed == _FILE:
        _narrow(Path(path), _FILE)  # where it was there before
    return descriptor


def _narrow(path: Path, mode: int) -> None:
    if os.name != "posix":
        return
    with suppress(OSError):
        facts = path.stat()
        own = facts.st_uid == os.geteuid() and not facts.st_mode & stat.S_ISVTX
        if own and facts.st_mode & 0o777 & ~mode and not _is_home(path):
            path.chmod(mode)


def _is_home(path: Path) -> bool:
    with suppress(RuntimeError, OSError):
        return path.samefile(Path.home())
    return False


def _mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode) if os.name == "posix" else 0o777
