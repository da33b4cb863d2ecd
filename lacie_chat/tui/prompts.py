"""The questions of all conversations, for the up key after a restart: a JSON line each, the newest last.

A convenience, as interface_state.py is: whatever is wrong with the file (unreadable, a full disk, held by another chat)
never stops a chat. Two chats at once append to one file, each line whole; a chat sees what was kept when it began.
"""

import json
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lacie_chat import paths
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


def read_prompts() -> list[str]:
    """What was kept, oldest first; what has grown too long is cut to its newer part."""
    try:
        path = prompts_path()
        data = path.read_bytes()
    except (OSError, LacieError):
        return []
    lines = data.split(b"\n")
    kept = _newest(lines)
    if len(data) > MOST_BYTES or len(lines) > 2 * MOST:
        with suppress(OSError, Timeout, NotImplementedError), _lock(path, 0):
            kept = _newest(path.read_bytes().split(b"\n"))  # now that nobody appends
            partial = path.with_suffix(".partial")
            with open(partial, "wb", opener=opener) as file:
                file.writelines(_line(text) for text in kept)
            partial.replace(path)
    return kept


def keep_prompt(text: str) -> None:
    """Put a question to the end."""
    if len(text) > LONGEST:
        return
    with suppress(OSError, Timeout, NotImplementedError, LacieError):
        path = prompts_path()
        private_folder(path.parent)
        with _lock(path, LOCK_SECONDS), open(path, "ab+", opener=opener) as file:
            torn = file.tell() > 0 and _last_byte(path) != b"\n"  # by a crash; the next line is whole all the same
            file.write(b"\n" * torn + _line(text))


def _lock(path: Path, timeout: float) -> FileLock:
    return FileLock(private_file(path.with_name(f".{path.name}.lock")), timeout=timeout, mode=0o600)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1)


def _line(text: str) -> bytes:
    return json.dumps({"text": text}).encode() + b"\n"


def _newest(lines: list[bytes]) -> list[str]:
    """The texts of the last lines, oldest first; a line that is none of ours is passed over."""
    found: list[str] = []
    size = 0
    for line in reversed(lines):
        size += len(line)
        if len(found) == MOST or size > MOST_BYTES // 2:
            break
        if (text := _text(line)) and (not found or found[-1] != text):
            found.append(text)
    return found[::-1]


def _text(line: bytes) -> str:
    try:
        row = parse_json(line, most=MOST_BYTES)
    except NoJSON:
        return ""
    text = row.get("text") if isinstance(row, dict) else None
    return text if isinstance(text, str) else ""
