"""Opening the database's file: made if it isn't there, private to its user, in WAL mode, of the newest schema."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lacie_chat.conversations.errors import StoreError, explained, is_damage
from lacie_chat.conversations.filters import filter_right_by
from lacie_chat.conversations.recovery import recover
from lacie_chat.conversations.schema import migrate
from lacie_chat.loudness import note
from lacie_chat.private import private_file, private_folder

BUSY_SECONDS = 5.0


def open_database(path: Path, busy_seconds: float, say: Callable[[str], object] = note) -> sqlite3.Connection:
    """A connection to `path` that any thread may use, one at a time; `say` is told of a damaged file that was
    recovered. Raises StoreError; a file that is not ours is left as it is."""
    _prepare_file(path)
    try:
        return _opened(path, busy_seconds)
    except sqlite3.Error as error:
        done = recovered(path) if is_damage(error) else None
        if done is None:
            raise explained(error, str(path), busy_seconds) from None
    say(done)
    try:
        return _opened(path, busy_seconds)
    except sqlite3.Error as error:
        raise explained(error, str(path), busy_seconds) from error


def recovered(path: Path) -> str | None:
    """As `recover`; None also where the disk doesn't allow it. This process must not have the file open."""
    try:
        return recover(path)
    except (OSError, sqlite3.Error):
        return None


def _opened(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = _connect(str(path), busy_seconds)
    try:
        _switch_to_wal(connection, busy_seconds)
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def database_in_memory() -> sqlite3.Connection:
    """The same without a file."""
    connection = _connect(":memory:", BUSY_SECONDS)
    migrate(connection, None)
    return connection


def _prepare_file(path: Path) -> None:
    """The folder and an empty file, readable by their user only: conversations are private."""
    try:
        private_folder(path.parent)
        is_folder = path.is_dir()
    except OSError as error:
        raise StoreError(
            f"can't make the folder {path.parent} ({error.strerror}); set LACIE_DATA_DIR to another folder"
        ) from error
    if is_folder:
        raise StoreError(f"{path} is a folder, not a file; move it away or set LACIE_DATA_DIR to another folder")
    with suppress(FileExistsError):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # SQLite's own files take its mode
        except FileExistsError:
            raise
        except OSError as error:
            raise StoreError(
                f"can't write in {path.parent} ({error.strerror}); set LACIE_DATA_DIR to another folder"
            ) from error
    for beside in ("", "-wal", "-shm"):
        private_file(path.with_name(path.name + beside))


def _connect(name: str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    # SQLite's own reading ends at bytes that are no UTF-8, with an error that holds the text
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    filter_right_by(connection, lambda params, heard: None)
    return connection


def _switch_to_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Turn WAL on. Two processes that do so at once can get "locked" without SQLite waiting, hence the loop."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
