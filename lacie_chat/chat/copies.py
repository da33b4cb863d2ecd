"""A conversation as it is in memory, as a file: for where the store doesn't take it.

It is written by the store's own export, from a store in memory that gets a copy of every turn, so that the file is
the same as any other export and JSON can be imported once there is room.
"""

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from pathlib import Path

import platformdirs

from lacie_chat.chat.tree import ChatTree
from lacie_chat.chat.turn import Turn
from lacie_chat.conversations import Store, StoreError
from lacie_chat.conversations.files import format_of, write_into, write_new
from lacie_chat.conversations.store import Format
from lacie_chat.paths import expanded, home


def usual_folders() -> list[Path]:
    """Where an export goes: into the current folder, or where that can't be written, into the one for downloads."""
    folders = [Path(platformdirs.user_downloads_dir())]
    with suppress(OSError):  # a current folder that is gone
        folders.insert(0, Path.cwd())
    return folders


def any_folders() -> list[Path]:
    """Where a copy goes when nobody is there to say: any place that can be written, those that last first."""
    return [*usual_folders(), *filter(None, [home()]), Path(tempfile.gettempdir())]


def write_copy(tree: ChatTree, folders: Iterable[Path], format: Format = "json") -> Path:
    """Write the conversation into the first of these folders that takes it; the file. Raises StoreError, one line, for
    the last of them."""
    with Store.in_memory() as store:
        return write_stored(store, _copied(tree, store), folders, format)


def write_stored(store: Store, conversation_id: str, folders: Iterable[Path], format: Format = "json") -> Path:
    """The same of a conversation that the store has."""
    conversation, text = store.conversation(conversation_id), store.export(conversation_id, format)
    problem = StoreError("there is no folder to write into")
    for folder in folders:
        try:
            return write_into(folder, conversation, text, format)
        except StoreError as error:
            problem = error
    raise problem


def write_copy_at(tree: ChatTree, place: str) -> Path:
    """Write the conversation to the `place` that a user named: a folder, else a new file, whose ending says the
    format. Raises LacieError, one line."""
    with Store.in_memory() as store:
        return write_stored_at(store, _copied(tree, store), place)


def write_stored_at(store: Store, conversation_id: str, place: str) -> Path:
    """The same of a conversation that the store has."""
    path = expanded(place)
    if path.is_dir():
        return write_stored(store, conversation_id, [path])
    write_new(path, store.export(conversation_id, format_of(path)))
    return path


def _copied(tree: ChatTree, store: Store) -> str:
    """Put a copy of the whole tree into an empty store; the conversation's id there."""

    def fail(problem: str) -> None:
        raise StoreError(problem)

    made = ChatTree(store, tree.model, tree.adapter, report=fail)
    made.title = tree.title
    twins: dict[Turn, Turn] = {}
    for turn in list(tree.turns()):
        with suppress(StoreError):  # those of a conversation that was read; where they can't be, all else is kept
            tree.read_tokens(turn)
        twins[turn] = twin = copy(turn)
        twin.parent = twins[turn.parent] if turn.parent is not None else None
        twin.children, twin.current = [], None
        made.siblings(twin).append(twin)
        twin.forget_stored()
    made.leaf = twins[tree.leaf] if tree.leaf is not None else None
    made.save_now()
    if made.conversation_id is None:
        raise StoreError("there is nothing to write yet")
    return made.conversation_id
