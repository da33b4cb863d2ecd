"""The file that takes what native code has to say. Imports nothing native: the chat's own process opens it too."""

import io
import logging
from pathlib import Path

from lacie_chat import paths

_MAX_LOG_BYTES = 4 << 20

log = logging.getLogger(__name__)


def default_log_path() -> Path:
    """Where native output goes unless the caller says otherwise."""
    return paths.log_dir() / "engine.log"


def open_log(path: Path) -> io.FileIO | None:
    """Open the log for appending, unbuffered (a crash loses nothing). None where that can't be: no reason to stop."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(path.with_suffix(path.suffix + ".old"))
        return path.open("ab", buffering=0)
    except OSError as error:
        log.debug("no log file: %s", error)
        return None
