"""A damaged database: a copy of it is put aside, and what can be read of it stands in a new one.

SQLite reads a table until it meets a damaged page, and can begin again behind it: so each table is read by its row
numbers, and those that can't be read are skipped. A destroyed header is written anew, for all it says is known. Nothing
is changed where nothing can be read, or while another process has the file open.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from lacie_chat.conversations.schema import APPLICATION_ID, MIGRATIONS, migrate
from lacie_chat.private import opener

_TABLES = ("conversations", "messages", "assessments", "marks", "tokens", "thoughts")
_HEADER = 100
"""Bytes of the first page that describe the file (SQLite's file format, 1.3)."""
_STEPS = 2_000
"""So many row numbers are tried one by one behind a damaged place, then ever larger steps."""
_LARGEST = 1 << 62
_LOCKED = 0x40000002, 510
"""The bytes on which SQLite holds a lock as long as a file in WAL mode is open (its os.h, SHARED_FIRST)."""


def recover(path: Path) -> str | None:
    """Put a copy of the damaged database aside and what can be read in its place; one line that says how much. None
    where nothing can be read, or another process has it open: then it is left as it is. Raises OSError."""
    with path.open("r+b") as file, tempfile.TemporaryDirectory(dir=path.parent, prefix=".recovering-") as folder:
        if not _is_alone(file.fileno()):
            return None
        found = [_read(path, Path(folder) / name, header) for name, header in (("as-is", False), ("headed", True))]
        new, conversations, messages = max(found, key=lambda each: each[1:])
        if not conversations + messages:
            return None
        aside = path.with_name(f"{path.stem}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}{path.suffix}")
        for beside in ("", "-wal"):
            if (own := path.with_name(path.name + beside)).exists():
                _copy(own, aside.with_name(aside.name + beside))
        for beside in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + beside).unlink()
        new.replace(path)
    return (
        f"{path} was damaged: {conversations:,} conversations with {messages:,} messages could be read and are there "
        f"again; the damaged file is kept as {aside.name}"
    )


def _is_alone(descriptor: int) -> bool:
    """Whether no other process has the database open; none opens it until the file is closed."""
    try:
        import fcntl
    except ImportError:  # not on this system: its files can't be replaced while they are open
        return True
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKED[1], _LOCKED[0])
    except OSError:
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, open(target, "xb", opener=opener) as written:
        shutil.copyfileobj(read, written)
        written.flush()
        os.fsync(written.fileno())


def _read(path: Path, folder: Path, header: bool) -> tuple[Path, int, int]:
    """A new database in `folder` with what can be read of this one, and how many conversations and messages."""
    folder.mkdir(mode=0o700)
    new, damaged = folder / "new.db", folder / "damaged.db"
    for beside in ("", "-wal"):
        if (own := path.with_name(path.name + beside)).exists():
            _copy(own, damaged.with_name(damaged.name + beside))
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(new, isolation_level=None)) as target:
        migrate(target, new)
        if header:
            _write_header(damaged, new.read_bytes()[:_HEADER])
        with closing(sqlite3.connect(damaged, isolation_level=None)) as source:
            source.row_factory = sqlite3.Row
            source.text_factory = lambda raw: raw.decode("utf-8", "replace")
            try:
                source.execute("PRAGMA writable_schema = ON")  # a damaged schema doesn't end it
                if source.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                    return new, 0, 0
                if source.execute("PRAGMA user_version").fetchone()[0] > len(MIGRATIONS):
                    return new, 0, 0  # a newer program's: this one would drop what it doesn't know
            except sqlite3.Error:
                return new, 0, 0
            target.execute("BEGIN")
            target.execute("PRAGMA ignore_check_constraints = ON")
            for table in _TABLES:
                for row in _rows(source, table):
                    _insert(target, table, row)
        _tie_together(target)
        target.execute("COMMIT")
        counts = [target.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _TABLES[:2]]
    return new, counts[0], counts[1]


def _write_header(damaged: Path, header: bytes) -> None:
    """That of a new file, but for the number of pages and the free ones: SQLite then goes by the file's size."""
    written = bytearray(header)
    written[18:20] = b"\2\2"  # what is in the WAL yet is read, too
    written[24:28], written[28:40], written[92:96] = bytes(4), bytes(12), b"\0\0\0\1"
    with damaged.open("r+b") as file:
        file.write(written)


def _rows(source: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """The rows that can be read."""
    start = 0
    while start <= _LARGEST:
        try:
            for row in source.execute(
                f"SELECT rowid AS row_number, * FROM {table} WHERE rowid >= ? ORDER BY rowid", (start,)
            ):
                yield row
                start = row["row_number"] + 1
            return
        except sqlite3.Error:
            start = _behind(source, table, start)


def _behind(source: sqlite3.Connection, table: str, start: int) -> int:
    """The next row number from which on something can be read."""
    step = 1
    for tried in range(_STEPS + 62):
        start, step = start + step, step * 2 if tried > _STEPS else 1
        try:
            source.execute(f"SELECT * FROM {table} WHERE rowid >= ? ORDER BY rowid LIMIT 1", (start,)).fetchall()
            return start
        except sqlite3.Error:
            continue
    return _LARGEST + 1


def _insert(target: sqlite3.Connection, table: str, row: sqlite3.Row) -> None:
    known = {each[1]: each[3] for each in target.execute(f"PRAGMA table_info({table})")}
    names = [name for name in known if name in set(row.keys())]
    values = ["" if row[name] is None and known[name] else row[name] for name in names]
    marks = ", ".join("?" * len(names))
    target.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})", values)


def _tie_together(target: sqlite3.Connection) -> None:
    """What leads to a row that is lost leads nowhere; messages whose conversation is lost get one."""
    target.execute(
        """INSERT INTO conversations (id, title, model, created_at, updated_at)
            SELECT conversation_id, 'Recovered', '', min(created_at), max(created_at) FROM messages
            WHERE conversation_id NOT IN (SELECT id FROM conversations) GROUP BY conversation_id"""
    )
    for table in _TABLES[2:]:
        target.execute(f"DELETE FROM {table} WHERE message_id NOT IN (SELECT id FROM messages)")
    target.execute(
        """UPDATE messages SET parent_id = NULL WHERE NOT EXISTS (SELECT 1 FROM messages p
            WHERE p.id = messages.parent_id AND p.conversation_id = messages.conversation_id)"""
    )
    target.execute(
        """UPDATE conversations SET leaf_id = (SELECT max(id) FROM messages WHERE conversation_id = conversations.id)
            WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = leaf_id AND m.conversation_id = conversations.id)"""
    )
