"""The one connection of a store: for one call at a time, as a reader or in a transaction, and with a way on where a
damaged page is met.

SQLite opens a file without looking at its pages, so damage shows when a page is read, maybe an hour into a chat. Then
what can be read is recovered at once (`recovery.py`) and the connection is that of the recovered file: the call that
met it ends in a StoreError that says so, and the next one goes on.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lacie_chat.conversations.database import open_database, recovered
from lacie_chat.conversations.errors import StoreError, explained, is_damage
from lacie_chat.conversations.filters import Figure, filter_right_by
from lacie_chat.conversations.schema import refuse_newer


class Access:
    """What `Store` reads and writes by."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None, busy_seconds: float, why: str = "") -> None:
        """`connection` is prepared and of the newest schema."""
        self.path = path
        self.why_in_memory = why  # one line, where a file should be written and can't be
        self.recovered = ""
        """One line, where the file was found damaged since it is open: how much could be read."""
        self._connection = connection
        self._busy_seconds = busy_seconds
        self._lock = threading.RLock()
        self._figure: Figure = lambda params, heard: None
        self._depth = 0
        self._damaged = False
        self._closed = False

    def right_by(self, figure: Figure) -> None:
        """Filter by the P(right) that `figure` gives an answer of these parameters and this assessment, which is the
        one that is shown; None: by the stored one."""
        with self._reading() as connection:
            self._figure = figure
            filter_right_by(connection, figure)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one call at a time; SQLite's errors come out as StoreError."""
        with self._lock:
            if self._closed:
                raise StoreError("the conversations are closed already")
            self._depth += 1
            try:
                yield self._connection
            except sqlite3.Error as error:
                self._damaged = self._damaged or is_damage(error)
                said = explained(error, str(self.path or "in memory"), self._busy_seconds)
                raise (self._mended(said) if self._depth == 1 else said) from error
            except StoreError as error:  # of a call within this one
                if self._damaged and self._depth == 1:
                    raise self._mended(error) from error
                raise
            finally:
                self._depth -= 1

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block or nothing. Inside another one it is part of that."""
        with self._reading() as connection:
            if connection.in_transaction:
                yield connection
                return
            # IMMEDIATE waits for the lock at the start; a read that turns into a write could only fail.
            connection.execute("BEGIN IMMEDIATE")
            try:
                refuse_newer(connection, self.path)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.execute("ROLLBACK")
                raise

    def _mended(self, error: StoreError) -> StoreError:
        """What to say of a call that failed, once a damaged file is recovered; once only, lest a dying disk fills up
        with copies."""
        if not self._damaged:
            return error
        self._damaged = False
        if self.path is None or self.recovered:
            return error
        with suppress(sqlite3.Error):
            self._connection.close()
        done = recovered(self.path)
        try:
            self._connection = open_database(self.path, self._busy_seconds)
            filter_right_by(self._connection, self._figure)
        except StoreError as again:
            return again
        if done is None:
            return error
        self.recovered = done
        return StoreError(f"{done}; do once more what you did")
