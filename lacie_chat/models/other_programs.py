"""Where LM Studio and llama.cpp keep their models, and the folders that the user names.

- LM Studio: `publisher/repository/file.gguf` below the folder of its settings (https://lmstudio.ai/docs, "Import
  models"); its home is named by `~/.lmstudio-home-pointer`.
- llama.cpp until 2025: one flat folder of `owner_repository_file.gguf`, with `manifest=owner=repository=tag.json` that
  says which file of which repository it was. Since then it shares the Hub's cache, or has one of that layout in
  LLAMA_CACHE (its `common/hf-cache.cpp`). Its own download of a Docker model lies in the flat folder too.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import NoJSON, beginning, read_json
from lacie_chat.models.cache import cache_dir, cached_repos, snapshots
from lacie_chat.models.shelves import FOLDER, LLAMA_CPP, LM_STUDIO, Shelf, ggufs_below
from lacie_chat.paths import expanded
from lacie_chat.paths import home as own_home

FOLDERS_VARIABLE = "LACIE_MODELS_DIR"
_LARGEST_JSON, _LONGEST_PATH = 1 << 20, 1 << 16


def shelves(notes: list[str]) -> Iterator[Shelf]:
    """All of them, LM Studio's first. What can't be read is a line in `notes`."""
    yield from lm_studio(notes)
    yield from llama_cpp(notes)
    yield from named_folders(notes)


def shelves_of(repo: str) -> Iterator[Shelf]:
    """The shelves that hold files of this repository of the Hub, whatever the letter case."""
    for shelf in (*lm_studio([]), *llama_cpp([])):
        if shelf.belongs_to(repo):
            yield shelf
        elif shelf.source == LLAMA_CPP and shelf.repo is None:
            # Without a manifest the name can't be taken apart (`_` may stand in any of its parts), but it can be told.
            prefix = f"{repo.replace('/', '_')}_".lower()
            files = tuple(name for name in shelf.files if name.lower().startswith(prefix))
            if files:
                yield Shelf(LLAMA_CPP, shelf.folder, files, repo)


def lm_studio(notes: list[str]) -> Iterator[Shelf]:
    """A shelf a repository."""
    for folder in _different(_lm_studio_folders(notes)):
        by_repo: dict[str, list[str]] = {}
        for name in ggufs_below(folder, notes, deepest=4):
            parts = name.split("/", 2)
            by_repo.setdefault("/".join(parts[:2]) if len(parts) == 3 else "", []).append(name)
        for repo, names in by_repo.items():
            below = tuple(name.removeprefix(f"{repo}/") if repo else name for name in names)
            yield Shelf(LM_STUDIO, folder / repo, below, repo or None)


def llama_cpp(notes: list[str]) -> Iterator[Shelf]:
    """A shelf a repository where a manifest names it, one for the rest, and those of a cache of the Hub's layout."""
    for folder in _different(_llama_cpp_folders()):
        for repo in cached_repos(folder):
            yield from snapshots(repo, folder, LLAMA_CPP)
        rest = list(ggufs_below(folder, notes, deepest=0))
        for repo, prefix in _manifests(folder, notes):
            names = tuple(name for name in rest if name.startswith(prefix))
            rest = [name for name in rest if name not in names]
            if names:
                yield Shelf(LLAMA_CPP, folder, names, repo)
        if rest:
            yield Shelf(LLAMA_CPP, folder, tuple(rest))


def named_folders(notes: list[str]) -> Iterator[Shelf]:
    """The folders that the user named in LACIE_MODELS_DIR (several, as in PATH). One that isn't there is said."""
    named = [expanded(part) for part in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if part.strip()]
    for folder in _different(named):
        if not folder.is_dir():
            notes.append(f"{FOLDERS_VARIABLE} names {folder}, which is not there")
        files = ggufs_below(folder, notes)
        if files:
            yield Shelf(FOLDER, folder, files)


def _lm_studio_folders(notes: list[str]) -> Iterator[Path]:
    home = own_home()
    if home is None:
        return
    homes = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    try:
        pointed = beginning(home / ".lmstudio-home-pointer", _LONGEST_PATH).decode("utf-8", "replace").strip()
        homes = [expanded(pointed), *homes] if pointed else homes
    except (OSError, LacieError):
        pass
    settings = [folder / "settings.json" for folder in homes]
    settings += [folder / "LM Studio" / "settings.json" for folder in _config_folders(home)]
    for path in settings:
        named = _read_json(path, notes).get("downloadsFolder")
        with suppress(LacieError):
            if isinstance(named, str) and expanded(named).is_absolute():
                yield expanded(named)
    for folder in homes:
        yield folder / "models"


def _config_folders(home: Path) -> list[Path]:
    if sys.platform == "darwin":
        return [home / "Library" / "Application Support"]
    if sys.platform == "win32":
        return [Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")]
    return [expanded(os.environ.get("XDG_CONFIG_HOME") or home / ".config")]


def _llama_cpp_folders() -> Iterator[Path]:
    named = os.environ.get("LLAMA_CACHE")
    if named:
        yield expanded(named)
    for folder in (os.environ.get("XDG_CACHE_HOME"), os.environ.get("LOCALAPPDATA"), "~/.cache", "~/Library/Caches"):
        if folder and not (folder.startswith("~") and own_home() is None):
            yield expanded(folder) / "llama.cpp"


def _manifests(folder: Path, notes: list[str]) -> Iterator[tuple[str, str]]:
    """The repositories that a flat folder has files of, each with how their names begin, longest first."""
    found: dict[str, str] = {}
    try:
        manifests = [entry.name for entry in folder.iterdir() if entry.name.startswith("manifest=")]
    except OSError:
        return
    for name in manifests:
        parts = name.removeprefix("manifest=").split("=")
        if len(parts) == 3 and "ggufFile" in _read_json(folder / name, notes):
            found[f"{parts[0]}/{parts[1]}"] = f"{parts[0]}_{parts[1]}_"
    yield from sorted(found.items(), key=lambda pair: -len(pair[1]))


def _read_json(path: Path, notes: list[str]) -> dict[str, object]:
    """A JSON object; empty where the file isn't there, or is damaged (a line in `notes`)."""
    try:
        found = read_json(path, most=_LARGEST_JSON)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, NoJSON) as error:
        notes.append(f"{path} can't be read: {error.strerror if isinstance(error, OSError) else 'damaged'}")
        return {}
    return found if isinstance(found, dict) else {}


def _different(folders: Iterable[Path]) -> Iterator[Path]:
    """Each folder once, whatever it is called, and the Hub's cache never: that one is looked at by itself."""
    seen = {_real(cache_dir())}
    for folder in folders:
        real = _real(folder)
        if real not in seen:
            seen.add(real)
            yield folder


def _real(path: Path) -> str:
    return os.path.realpath(path)
