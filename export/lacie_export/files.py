"""Outputs that are whole or not there: written beside their final name, renamed when done, swept away otherwise.

The disk is asked for space beforehand, because a conversion that dies at 95 % of 14 GB has cost an hour.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lacie_chat.sizes import size_text
from lacie_export.errors import ExportError, writing

_SPARE = 64 << 20


def refuse_existing(target: Path, *, force: bool) -> None:
    """Raises ExportError if `target` is there and may not be replaced."""
    if target.exists() and not force:
        raise ExportError(f"{target} is there already; give --force to replace it, or another --out")


def need_space(folder: Path, size: int, what: str) -> None:
    """Raises ExportError if `folder`'s disk has no room for `size` bytes of `what` (and a little more)."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.is_dir())
    free = shutil.disk_usage(existing).free
    if free < size + _SPARE:
        raise ExportError(
            f"not enough space in {folder} for {what}: it needs {size_text(size + _SPARE)}, {size_text(free)} are free"
        )


@contextmanager
def pending(target: Path, *, force: bool = False) -> Iterator[Path]:
    """A temporary path in `target`'s folder, for a file or a folder; becomes `target` if the block ends well.

    Whatever ends the block otherwise (an error, Ctrl-C) removes it. What a killed export of the same name left is
    removed first. Raises ExportError if `target` exists and `force` isn't given.
    """
    refuse_existing(target, force=force)
    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent, target.name)
    part = target.parent / f".{target.name}.{os.getpid()}.part"
    try:
        yield part
        if target.exists() and not force:
            raise ExportError(f"{target} appeared while it was being made; give --force to replace it")
        _replace(part, target)
    finally:
        _remove(part)


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """A folder inside `out` for what is only needed on the way; gone afterwards."""
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    _sweep(out, "work")
    path = out / f".work.{os.getpid()}.part"
    try:
        with writing(path):
            path.mkdir()
        yield path
    finally:
        _remove(path)


def write_whole(path: Path, text: str) -> None:
    """Write a small text file so that it is either the old one or the new one."""
    with pending(path, force=True) as part, writing(path):
        part.write_text(text, encoding="utf-8")


def _replace(part: Path, target: Path) -> None:
    with writing(target):
        if target.is_dir():
            old = target.with_name(f".{target.name}.{os.getpid()}.old.part")
            target.rename(old)
            part.rename(target)
            _remove(old)
        else:
            part.replace(target)


def _sweep(folder: Path, name: str) -> None:
    """Remove the temporary files of exports whose process is gone."""
    for path in folder.glob(f".{name}.*.part"):
        pid = path.name[len(name) + 2 :].split(".")[0]
        if pid.isdigit() and int(pid) != os.getpid() and not _alive(int(pid)):
            _remove(path)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
