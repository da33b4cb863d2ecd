"""What is already in the Hub's cache on this machine, found without the network and without importing its library.

The layout is public (https://huggingface.co/docs/huggingface_hub/guides/manage-cache): a folder a repository, in it
`refs/main` (a commit) and `snapshots/<commit>/<file>`, a link to `blobs/<hash>`. Programs share that cache (llama.cpp
too, since 2026), so a model that another one fetched is found as well.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import beginning
from lacie_chat.models.shelves import HUB_CACHE, Shelf
from lacie_chat.paths import expanded, home

_LONGEST_REF = 1000
"""Bytes of a file that names a commit."""


def cache_dir() -> Path:
    """The Hub's cache, from the same variables as its library reads. Raises LacieError where there is no home for it,
    or a variable names one that isn't there."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return expanded(os.path.expandvars(named))
    own = os.environ.get("HF_HOME")
    if own:
        return expanded(os.path.expandvars(own)) / "hub"
    # An empty variable counts as none, as for the XDG specification; the library would write to the current folder.
    general = os.environ.get("XDG_CACHE_HOME")
    if not general and home() is None:
        raise LacieError("there is no home folder to keep models in; set HF_HOME to a folder")
    return expanded(general or "~/.cache") / "huggingface" / "hub"


def repo_dir(repo: str, root: Path | None = None) -> Path:
    """Where a cache (that of the Hub's library) keeps a model repository, whether it is there or not."""
    return (root or cache_dir()) / f"models--{repo.replace('/', '--')}"


def snapshots(repo: str, root: Path | None = None, source: str = HUB_CACHE) -> Iterator[Shelf]:
    """The commits of a repository that are here: first that of `main`, then the others, newest first.

    The Hub takes a name in any letter case, so all spellings are looked for, that of `repo` first."""
    names = [name for name in cached_repos(root) if name.lower() == repo.lower()]
    for name in sorted(names, key=lambda name: name != repo):
        yield from _commits(name, root, source)


def cached_repos(root: Path | None = None, notes: list[str] | None = None) -> list[str]:
    """The model repositories in a cache, by name. A cache that can't be read has none, and `notes` gets a line."""
    folder = root or cache_dir()
    try:
        names = [entry.name for entry in folder.iterdir() if entry.name.startswith("models--")]
    except FileNotFoundError:
        return []
    except OSError as error:
        if notes is not None:
            notes.append(f"the Hub's cache {folder} can't be read: {error.strerror or error}")
        return []
    return sorted(name.removeprefix("models--").replace("--", "/", 1) for name in names if name.count("--") >= 2)


def _commits(repo: str, root: Path | None, source: str) -> Iterator[Shelf]:
    folder = repo_dir(repo, root)
    try:
        main = beginning(folder / "refs" / "main", _LONGEST_REF).decode("utf-8", "replace").strip()
    except OSError:
        main = ""
    try:
        commits = [entry for entry in (folder / "snapshots").iterdir() if entry.is_dir()]
        commits.sort(key=lambda entry: (entry.name == main, entry.stat().st_mtime), reverse=True)
    except OSError:
        return
    for commit in commits:
        # A link whose blob is gone (deleted by hand) doesn't count; a download in progress has no link yet.
        files = (file for file in commit.rglob("*") if file.suffix.lower() == ".gguf" and file.is_file())
        yield Shelf(source, commit, tuple(str(file.relative_to(commit).as_posix()) for file in files), repo)
