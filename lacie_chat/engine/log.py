"""The file that takes what native code has to say. Imports nothing native: the chat's own process opens it too."""

import io
import logging
from pathlib import Path

from lacie_chat import paths
from lacie_chat.private import opener, private_file, private_folder

_MAX_LOG_BYTES = 4 << 20

log = logging.getLogger(__name__)


def default_log_path() -> Path:
    """Where native output goes unless the caller says otherwise."""
    return paths.log_dir() / "engine.log"


def open_log(path: Path) -> io.FileIO | None:
    """Open the log for appending, unbuffered (a crash loses nothing). None where that can't be: no reason to stop."""
    try:
        for folder in (paths.data_dir(), path.parent):
            if path.is_relative_to(folder):
                private_folder(folder)
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(private_file(path).with_suffix(path.suffix + ".old"))
        return open(path, "ab", buffering=0, opener=opener)
    except OSError as error:
        log.debug("no log file: %s", error)
        return None
