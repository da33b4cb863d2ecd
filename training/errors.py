"""Errors of training that the user can mend: one line, what is wrong and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lacie_chat.errors import LacieError


class TrainingError(LacieError):
    """A recipe, a questions file, a run folder or a machine that a stage can't work with."""

    exit_status = 1


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the file system's refusals while writing `path` into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TrainingError(
                f"the disk is full: {path} could not be written; free some space and start the stage again, "
                "it goes on where it stopped"
            ) from error
        raise TrainingError(f"{path} can't be written: {error.strerror or error}") from error


class Stopped(TrainingError):
    """The stage was asked to stop (SIGTERM) and has saved its state; not a failure, but not done either."""

    exit_status = 143
