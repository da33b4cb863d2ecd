"""Stores that stop taking what is written, for real, and take it again: every kind that a chat can meet."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lacie_chat.conversations import Store, StoreError

LONG = "Two? " + "so " * 3000
"""A question longer than what a page of the file can have room for: a full disk refuses it for sure."""


@contextmanager
def full(store: Store) -> Iterator[None]:
    """SQLITE_FULL, by SQLite's own limit on the file's pages; what room its pages have is used up first."""
    connection = store._connection
    filled = store.create_conversation("model", title="filled")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for size in (9000, 1000, 30, 1):
        for fill in _fills(store, filled.id, size):
            with suppress(StoreError):
                while True:
                    fill()
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")


def _fills(store: Store, conversation_id: str, size: int) -> list[Callable[[], object]]:
    word = "x" * size
    return [
        lambda: store.create_conversation(word, title=word),
        lambda: store.add_message(conversation_id, None, "assistant", word),
        lambda: store.add_message(conversation_id, None, "assistant", word, status="streaming"),  # not in the search
    ]


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another connection holds the write lock."""
    other = sqlite3.connect(str(store.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    """SQLITE_READONLY, on this connection; a file's mode would not keep root out."""
    store._connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        store._connection.execute("PRAGMA query_only = OFF")


@contextmanager
def newer(store: Store) -> Iterator[None]:
    """A newer program has migrated the file meanwhile (and, for the way back, an older one put it back)."""
    known = store._connection.execute("PRAGMA user_version").fetchone()[0]

    def be(version: int) -> None:
        other = sqlite3.connect(str(store.path), isolation_level=None)
        other.execute(f"PRAGMA user_version = {version}")
        other.close()

    be(99)
    try:
        yield
    finally:
        be(known)


@contextmanager
def deleted(store: Store) -> Iterator[None]:
    """Another chat deletes the newest conversation, and takes it back."""
    (newest, *_) = store.list_conversations(1)
    with Store.open(store.path) as other:
        other.delete(newest.id)
    try:
        yield
    finally:
        with Store.open(store.path) as other:
            other.restore(newest.id)


KINDS = {
    "full": (full, "the disk is full"),
    "locked": (locked, "locked for over"),
    "read-only": (read_only, "read-only"),
    "newer": (newer, "newer lacie-chat"),
    "deleted": (deleted, "another chat deleted this conversation"),
}
"""How a store is made so, and what is said of it."""
