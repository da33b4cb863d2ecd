"""The questions of all conversations, for the up key after a restart: a JSON line each, the newest last.

Each belongs to its conversation: what a user deletes is not offered any more, comes back when the deletion is taken
back, and leaves the file when the conversation goes for good.

A convenience, as interface_state.py is: whatever is wrong with the file (unreadable, a full disk, held by another chat)
never stops a chat. Two chats at once append to one file, each line whole; a chat sees what was kept when it began.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from lacie_chat import paths
from lacie_chat.conversations import Store
from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import NoJSON, parse_json
from lacie_chat.private import opener, private_file, private_folder

MOST = 1000
"""Questions that are kept."""
LONGEST, MOST_BYTES = 20_000, 2_000_000
"""Characters of a question that is kept (a longer one is in its conversation only), and bytes of the file."""
LOCK_SECONDS = 0.5


def prompts_path() -> Path:
    """The file, next to the conversations."""
    return paths.data_dir() / "prompts.jsonl"


@dataclass(frozen=True, slots=True)
class Prompts:
    """What was asked, oldest first; and what was asked in conversations that are deleted and can be taken back."""

    shown: list[str]
    hidden: list[str]


def read_prompts(store: Store) -> Prompts:
    """What was kept. What has grown too long is cut to its newer part; what belongs to a conversation that `store` has
    no more goes for good."""
    try:
        path = prompts_path()
        size, data = _ending(path)
        ids = store.all_ids() if store.path is not None else None
    except (OSError, LacieError):
        return Prompts([], [])
    lines = data.split(b"\n")
    if size > MOST_BYTES or len(lines) > 2 * MOST or any(_is_gone(line, ids) for line in lines):
        with suppress(OSError, Timeout, NotImplementedError, LacieError), _lock(path, 0):
            lines = _ending(path)[1].split(b"\n")  # now that nobody appends; a conversation is there before its line
            ids = store.all_ids() if ids is not None else None
            partial = path.with_suffix(".partial")
            with open(partial, "wb", opener=opener) as file:
                file.writelines(line + b"\n" for line in _newest(lines, ids))
            partial.replace(path)
    rows = [_read(line) for line in _newest(lines, ids)]
    deleted = {each for each, is_deleted in (ids or {}).items() if is_deleted}
    return Prompts(
        [text for text, conversation in rows if conversation not in deleted],
        [text for text, conversation in rows if conversation in deleted],
    )


def keep_prompt(text: str, conversation: str) -> None:
    """Put a question to the end, with the id of the conversation that it belongs to: it goes when that is deleted."""
    if len(text) > LONGEST:
        return
    with suppress(OSError, Timeout, NotImplementedError, LacieError):
        path = prompts_path()
        private_folder(path.parent)
        with _lock(path, LOCK_SECONDS), open(path, "ab+", opener=opener) as file:
            torn = file.tell() > 0 and _last_byte(path) != b"\n"  # by a crash; the next line is whole all the same
            line = json.dumps({"text": text, "conversation": conversation}).encode()
            file.write(b"\n" * torn + line + b"\n")


def _lock(path: Path, timeout: float) -> FileLock:
    return FileLock(private_file(path.with_name(f".{path.name}.lock")), timeout=timeout, mode=0o600)


def _ending(path: Path) -> tuple[int, bytes]:
    """How long the file is, and the newer part of it; where that begins within a line, that one is none of ours."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MOST_BYTES))
        return size, file.read(MOST_BYTES)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1)


def _newest(lines: list[bytes], ids: Mapping[str, bool] | None) -> list[bytes]:
    """The last lines, oldest first; a line that is none of ours, or says what the one after it says, is passed over."""
    found: list[bytes] = []
    size = 0
    for line in reversed(lines):
        size += len(line)
        if len(found) == MOST or size > MOST_BYTES // 2:
            break
        if _read(line)[0] and not _is_gone(line, ids) and (not found or found[-1] != line):
            found.append(line)
    return found[::-1]


def _is_gone(line: bytes, ids: Mapping[str, bool] | None) -> bool:
    """Is its conversation there no more? Nobody knows where `ids` is None."""
    conversation = _read(line)[1]
    return ids is not None and conversation is not None and conversation not in ids


def _read(line: bytes) -> tuple[str, str | None]:
    """The text, and whose it is (older lines don't say); no text where the line is none of ours."""
    try:
        row = parse_json(line, most=MOST_BYTES)
    except NoJSON:
        return "", None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        return "", None
    conversation = row.get("conversation")
    return row["text"], conversation if isinstance(conversation, str) else None
