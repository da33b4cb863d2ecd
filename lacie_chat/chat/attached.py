"""Files in a question: `@notes.md` puts the file's text into what is sent, under a line that names it.

Much begins with an @ and is no file (people, packages, decorators, addresses of mail): those are text. What can only be
meant as a file and isn't there, or is none that can be read as text, is an AttachError, one line.
"""

import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from lacie_chat import paths
from lacie_chat.errors import LacieError
from lacie_chat.sizes import text_size

LARGEST = 1_000_000
"""Bytes of a file that goes into a question."""
BYTES_A_TOKEN = 4
"""Roughly, for text in most models."""
TEXT_SUFFIXES = frozenset(
    ".c .cc .cfg .conf .cpp .css .csv .go .h .hpp .html .ini .java .js .json .jsonl .log .lua .md .py .rb .rs .rst .sh "
    ".sql .tex .toml .ts .tsv .txt .xml .yaml .yml".split()
)
"""What ends so was meant as a file."""

_AFTER = ".,;:!?)]}>'”’»"
"""Marks behind a name that may be the sentence's."""
_MENTION = re.compile(r"""(?<![^\s(\[{<"'“„«])@(?:"([^"\n]+)"|([^\s"@]+))""")
_BEGUN = re.compile(r"""(?<![^\s(\[{<"'“„«])@(?:"([^"\n]*)|([^\s"@]*))\Z""")
_BLOCK = re.compile(r"^(-{3,}) (.+) \1\n(.*?)^\1 end of \2 \1$", re.MULTILINE | re.DOTALL)


class AttachError(LacieError):
    """Why a file can't go into a question."""


@dataclass(frozen=True, slots=True)
class Named:
    """A file that a question names, as it is written there."""

    name: str
    path: Path
    size: int

    @property
    def told(self) -> str:
        """`notes.md 3.2 kB, about 800 tokens`."""
        tokens = self.size // BYTES_A_TOKEN
        rounded = tokens if tokens < 100 else round(tokens, -len(str(tokens)) + 2)
        return f"{self.name} {text_size(self.size)}, about {rounded} tokens"


@dataclass(frozen=True, slots=True)
class Block:
    """A file's text in a question, from `start` to `end`."""

    start: int
    end: int
    name: str
    text: str


def named_files(text: str, there: Collection[str] = ()) -> list[Named]:
    """The files that `text` names, each once, but for those that are `there` already. Raises AttachError."""
    found: dict[Path, Named] = {}
    for match in _MENTION.finditer(text):
        name = match[1] or match[2]
        if name in there or name.rstrip(_AFTER) in there:
            continue
        named = _quoted(match[1]) if match[1] is not None else _bare(match[2])
        if named is not None:
            found.setdefault(named.path, named)
    return list(found.values())


def with_files(text: str, whole: str | None = None) -> str:
    """`whole` (what `text` is of, where long pieces are left out of it) with the files that `text` names behind it,
    but for those that it has already. Raises AttachError."""
    whole = text if whole is None else whole
    there = {block.name for block in blocks(whole)}
    return "\n\n".join([whole, *map(_block, named_files(text, there))])


def blocks(text: str) -> list[Block]:
    """The files that a question holds."""
    if " end of " not in text:
        return []
    return [Block(*found.span(), found[2], found[3]) for found in _BLOCK.finditer(text)]


def begun(text: str) -> tuple[int, str] | None:
    """Where the name of a file begins that ends at the end of `text`, and what is there of it."""
    found = _BEGUN.search(text)
    return (found.start(), found[1] if found[1] is not None else found[2]) if found else None


def beginning_with(name: str, most: int = 50) -> Iterator[tuple[str, int]]:
    """Paths that begin as `name` does, and their sizes; those of folders end with a slash."""
    folder, _, begin = name.rpartition("/")
    above = name[: len(folder) + 1] if "/" in name else ""
    try:
        entries = []
        for entry in paths.expanded(above or ".").iterdir():
            if entry.name.lower().startswith(begin.lower()) and (begin.startswith(".") or entry.name[0] != "."):
                entries.append(entry)
            if len(entries) > 20 * most:
                break
        for entry in sorted(entries, key=lambda each: (not each.name.startswith(begin), each.name.lower()))[:most]:
            found = entry.stat()
            is_folder = stat.S_ISDIR(found.st_mode)
            if is_folder or stat.S_ISREG(found.st_mode):
                yield f"{above}{entry.name}{'/' * is_folder}", found.st_size
    except (OSError, LacieError):
        return


def as_mention(path: str) -> str:
    """How a path is written in a question; that of a folder is left open, for what follows."""
    return f'@"{path}{"" if path.endswith("/") else chr(34)}' if re.search(r"\s", path) else f"@{path}"


def _quoted(name: str) -> Named:
    found = _found(name)
    if found is None:
        raise AttachError(_missing(name))
    return found


def _bare(word: str) -> Named | None:
    """The file that a word names; marks at its end may be the sentence's."""
    name = word
    while name:
        if (found := _found(name)) is not None:
            return found
        if name[-1] not in _AFTER:
            break
        name = name[:-1]
    meant = word.rstrip(_AFTER)
    is_path = meant.startswith(("/", "./", "../", "~/")) and meant.strip("./~")
    if is_path or Path(meant).suffix.lower() in TEXT_SUFFIXES or _is_beside(meant):
        raise AttachError(_missing(meant))
    return None


def _is_beside(name: str) -> bool:
    """Is it a path into a folder that is there?"""
    folder, slash, last = name.rpartition("/")
    try:
        return bool(slash and last) and paths.expanded(folder).is_dir()
    except (OSError, LacieError):
        return False


def _found(name: str) -> Named | None:
    """The file; None where there is none of this name, and where a word without a slash is a folder's."""
    try:
        path = paths.expanded(name).absolute()
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError, LacieError):
        return None
    except OSError as error:
        if "/" not in name:
            return None
        raise AttachError(f"{name}: {error.strerror or error}") from None
    if stat.S_ISDIR(there.st_mode):
        if "/" not in name or not name.strip("/"):
            return None
        raise AttachError(f"{name} is a folder; name a file in it")
    if not stat.S_ISREG(there.st_mode):
        raise AttachError(f"{name} is no file that can be read to its end")
    return Named(name, path, there.st_size)


def _missing(name: str) -> str:
    return f"there is no file {name} (from {Path.cwd()}); a blank after the @ leaves it as text"


def _block(named: Named) -> str:
    text = _text_of(named)
    text = text if not text or text.endswith("\n") else f"{text}\n"
    dashes = "---"
    while f"{dashes} end of {named.name} {dashes}\n" in text:
        dashes += "-"
    return f"{dashes} {named.name} {dashes}\n{text}{dashes} end of {named.name} {dashes}"


def _text_of(named: Named) -> str:
    if named.size > LARGEST:
        raise AttachError(f"{named.name} has {text_size(named.size)}; at most {text_size(LARGEST)} go into a question")
    try:
        with named.path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise AttachError(f"{named.name} can't be read: {error.strerror or error}") from None
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise AttachError(f"{named.name} is no text (not UTF-8)") from None
    if "\0" in text:
        raise AttachError(f"{named.name} is no text (it has zero bytes)")
    return text.replace("\r\n", "\n").replace("\r", "\n")
