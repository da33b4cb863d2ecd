"""Errors of exporting, each one line for the user."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lacie_chat.errors import LacieError


class ExportError(LacieError):
    """An adapter, a base, a file or a machine that an export can't work with."""


class VerifyError(ExportError):
    """The exported file isn't the model that was trained; the table beside the file says where it differs."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the file system's refusals while writing `path` into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ExportError(
                f"the disk is full: {path} could not be written; free some space and try again"
            ) from error
        raise ExportError(f"{path} can't be written: {error.strerror or error}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's text that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
