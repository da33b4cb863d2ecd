"""Errors of the conversations' database, each one line for the user.

SQLite's own messages ("unable to open database file", "disk I/O error") name neither the file nor a way out; these do.
A damaged database of which nothing can be read is left as it is: it is the user's to move away (see `recovery.py`).
"""

import sqlite3

from lacie_chat.errors import LacieError


class StoreError(LacieError):
    """The conversations can't be read or written, or there is no such one."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says so of the file."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    return code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def explained(error: sqlite3.Error, name: str, busy_seconds: float) -> StoreError:
    """The line for a user that says what SQLite's error on the database `name` means and what to do."""
    # Extended codes carry the primary one in their low byte; errors of the Python layer have no code.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"the disk is full: can't write {name}; free some space and go on")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreError(f"can't write {name}: it or its folder is read-only; set LACIE_DATA_DIR to another folder")
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"can't open {name}: no permission, or its folder is gone or read-only")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"another program has kept {name} locked for over {busy_seconds:g} s; end it and try again")
    if is_damage(error):
        return StoreError(
            f"{name} is damaged or not a database; end what else has it open and try again, or move it away to start "
            "anew (it was left as it is)"
        )
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"can't read or write {name} ({error}): is the disk full or gone?")
    return StoreError(f"the database {name} can't be used: {error}")
