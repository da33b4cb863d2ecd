"""Folders that hold models, whoever filled them, and a look into them that ends.

A shelf is all that finding a model needs to know of a place: where it is, which GGUFs are in it, and of which
repository of the Hub they are, where the place tells. Nothing is ever written to one.
"""

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

HUB_CACHE, LM_STUDIO, LLAMA_CPP, FOLDER = "Hub's cache", "LM Studio", "llama.cpp", "folder"

_MOST_ENTRIES = 20_000
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Shelf:
    """One folder with models. `files` are the GGUFs that are whole, as names below `folder`; `repo` is owner/repo on
    the Hub, None where the place doesn't say."""

    source: str
    folder: Path
    files: tuple[str, ...]
    repo: str | None = None

    def belongs_to(self, repo: str) -> bool:
        """Whether these are the files of that repository, in any letter case."""
        return self.repo is not None and self.repo.lower() == repo.lower()


def ggufs_below(folder: Path, notes: list[str], *, deepest: int = _DEEPEST) -> tuple[str, ...]:
    """The GGUF files in a folder and below, by name; what is nearest to it is found first.

    Ends in any folder: links that lead back are followed once, hidden folders not at all, and after 20,000 entries it
    stops. What was left out is a line in `notes`. A folder that isn't there has no files."""
    found: list[str] = []
    denied: list[str] = []
    entries, seen = 0, set[tuple[int, int]]()
    waiting = deque([(folder, "", 0)])
    while waiting:
        here, prefix, depth = waiting.popleft()
        try:
            facts = here.stat()
            if (facts.st_dev, facts.st_ino) in seen:
                continue
            seen.add((facts.st_dev, facts.st_ino))
            with os.scandir(here) as listing:
                for entry in listing:
                    entries += 1
                    if entries > _MOST_ENTRIES:
                        notes.append(
                            f"{folder} holds more than {_MOST_ENTRIES:,} files and folders: not all were looked at; "
                            "name a folder that holds models only"
                        )
                        return tuple(sorted(found))
                    if _is_dir(entry):
                        if depth < deepest and not entry.name.startswith("."):
                            waiting.append((here / entry.name, f"{prefix}{entry.name}/", depth + 1))
                    elif entry.name.lower().endswith(".gguf") and Path(entry).exists():
                        found.append(prefix + entry.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            denied.append(f"{here} ({error.strerror or error})")
    if denied:
        more = f" and {len(denied) - 1} more folders" if len(denied) > 1 else ""
        notes.append(f"can't look into {denied[0]}{more}")
    return tuple(sorted(found))


def _is_dir(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
