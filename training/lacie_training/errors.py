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
def saving_checkpoints(folder: Path) -> Iterator[None]:
    """One clear line for a disk that is full while a library saves: torch and safetensors don't say so by OSError."""
    try:
        yield
    except Exception as error:
        text = str(error)
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        torn = "PytorchStreamWriter" in text or "inline_container.cc" in text  # torch.save's words for a short write
        if full or torn or "No space left on device" in text or "os error 28" in text:
            raise TrainingError(
                f"the disk is full (or can't be written): a checkpoint in {folder} was not saved; free some space, or "
                "lower dpo.keep_checkpoints, and start the stage again, it goes on from the last whole one"
            ) from error
        raise


class Stopped(TrainingError):
    """The stage was asked to stop (SIGTERM) and has saved its state; not a failure, but not done either."""

    exit_status = 143
