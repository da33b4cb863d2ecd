"""The database's shape, its version (PRAGMA user_version) and the way from each version to the next.

A migration is a tuple of statements, run in one transaction under the write lock: it is there whole or not at all, and
of two chats that start at once only one runs it. An existing file is copied beside itself before it is changed.
Published migrations are never edited; a change of the schema is a new entry at the end.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from lacie_chat.conversations.errors import StoreError
from lacie_chat.private import opener

APPLICATION_ID = 0x4C414349  # "LACI": another program's SQLite file is refused, not migrated

Migration = Sequence[str]

_FIRST = (
    # The keys of messages and leaves are pairs with the conversation, so that no branch can cross into another one.
    # Parents don't cascade: a long thread would nest triggers deeper than SQLite's limit of 1000; deferred checks do.
    """CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        model TEXT NOT NULL,
        adapter TEXT,
        leaf_id INTEGER,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        FOREIGN KEY (id, leaf_id) REFERENCES messages (conversation_id, id) DEFERRABLE INITIALLY DEFERRED
    )""",
    "CREATE INDEX conversations_by_time ON conversations (updated_at)",
    """CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        parent_id INTEGER,
        role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
        text TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('complete', 'streaming', 'cancelled', 'cut_off', 'failed')),
        owner TEXT,
        created_at TEXT NOT NULL,
        params TEXT NOT NULL,
        usage TEXT,
        timings TEXT,
        UNIQUE (conversation_id, id),
        FOREIGN KEY (conversation_id, parent_id) REFERENCES messages (conversation_id, id)
            DEFERRABLE INITIALLY DEFERRED
    )""",
    "CREATE INDEX messages_by_parent ON messages (conversation_id, parent_id)",
    "CREATE INDEX messages_streaming ON messages (id) WHERE status = 'streaming'",
    """CREATE TABLE assessments (
        message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        acceptance REAL,
        confidence REAL,
        confidence_kind TEXT,
        assessment TEXT NOT NULL
    )""",
    # The index holds no text of its own. A message enters it when it is no longer streaming: indexing the growing text
    # at every append would cost more than writing it.
    """CREATE VIRTUAL TABLE message_search USING fts5 (
        text, content='messages', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )""",
    """CREATE TRIGGER search_insert AFTER INSERT ON messages WHEN new.status <> 'streaming' BEGIN
        INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER search_finish AFTER UPDATE OF status ON messages
    WHEN old.status = 'streaming' AND new.status <> 'streaming' BEGIN
        INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER search_change AFTER UPDATE OF text ON messages
    WHEN old.status <> 'streaming' AND new.status <> 'streaming' BEGIN
        INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER search_delete AFTER DELETE ON messages WHEN old.status <> 'streaming' BEGIN
        INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
)

_MARKS = (
    """CREATE TABLE marks (
        message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
        correct INTEGER NOT NULL CHECK (correct IN (0, 1)),
        marked_at TEXT NOT NULL
    )""",
)

_TOKENS = (
    # Beside the messages and not in them: far longer than the text, and read only by who wants to see the tokens.
    """CREATE TABLE tokens (
        message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
        tokens TEXT NOT NULL
    )""",
)

_THOUGHTS = (
    # In parts of bounded length: a thought can be a hundred times as long as an answer, and growing one text by a token
    # at a time would write it anew each time. No part of the message, so the search doesn't know it.
    """CREATE TABLE thoughts (
        message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        part INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (message_id, part)
    )""",
)

_KEEPING = (
    # What a conversation was set to (as JSON; NULL: nothing of its own), since when it is pinned, and since when it is
    # deleted: for a while a deletion can be taken back.
    "ALTER TABLE conversations ADD COLUMN settings TEXT",
    "ALTER TABLE conversations ADD COLUMN pinned_at TEXT",
    "ALTER TABLE conversations ADD COLUMN deleted_at TEXT",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST, _MARKS, _TOKENS, _THOUGHTS, _KEEPING)


def migrate(connection: sqlite3.Connection, path: Path | None, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the database to the newest version. `path` None: in memory. Raises StoreError for a file that is not ours
    or newer than this program; the file is then untouched."""
    if _version(connection, path, migrations) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, path, migrations)  # again: another chat may have been quicker
        if version and path is not None and version < len(migrations):
            _copy(path, path.with_name(f"{path.stem}.v{version}-backup{path.suffix}"))
        for migration in migrations[version:]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path | None, migrations: Sequence[Migration]) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path} is another program's database; move it away or set LACIE_DATA_DIR to another folder")
    if version > len(migrations):
        raise _newer(path, version, len(migrations))
    return version


def refuse_newer(connection: sqlite3.Connection, path: Path | None) -> None:
    """Raise StoreError where a newer program has migrated the database since this one opened it: what this one knows
    of its shape may be wrong."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise _newer(path, version, len(MIGRATIONS))


def _newer(path: Path | None, version: int, known: int) -> StoreError:
    return StoreError(
        f"{path} was written by a newer lacie-chat (its schema is {version}, this one knows {known}); "
        "update lacie-chat to open it"
    )


def _copy(path: Path, backup: Path) -> None:
    """A consistent copy through SQLite itself (a plain copy would miss what is still in the WAL)."""
    open(backup, "ab", opener=opener).close()  # else SQLite makes it, as the umask has it
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
