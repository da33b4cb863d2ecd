"""What is already in the Hub's cache on this machine, found without the network and without importing its library.

The layout is public (https://huggingface.co/docs/huggingface_hub/guides/manage-cache): a folder a repository, in it
`refs/main` (a commit) and `snapshots/<commit>/<file>`, a link to `blobs/<hash>`. Programs share that cache, so a model
that another one fetched is found too.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """One commit of a repository on this machine; `files` are the names of the GGUFs that are complete here."""

    repo: str
    folder: Path
    files: tuple[str, ...]


def cache_dir() -> Path:
    """The Hub's cache, from the same variables as its library reads."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "huggingface" / "hub"


def repo_dir(repo: str) -> Path:
    """Where the cache keeps a model repository, whether it is there or not."""
    return cache_dir() / f"models--{repo.replace('/', '--')}"


def snapshots(repo: str) -> Iterator[CachedSnapshot]:
    """The commits of a repository that are here: first that of `main`, then the others, newest first."""
    folder = repo_dir(repo)
    try:
        main = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        main = ""
    try:
        commits = [entry for entry in (folder / "snapshots").iterdir() if entry.is_dir()]
        commits.sort(key=lambda entry: (entry.name == main, entry.stat().st_mtime), reverse=True)
    except OSError:
        return
    for commit in commits:
        # A link whose blob is gone (deleted by hand) doesn't count; a download in progress has no link yet.
        files = tuple(str(file.relative_to(commit).as_posix()) for file in commit.rglob("*.gguf") if file.exists())
        yield CachedSnapshot(repo, commit, files)


def cached_repos() -> list[str]:
    """The model repositories in the cache, by name."""
    try:
        names = [entry.name for entry in cache_dir().iterdir() if entry.name.startswith("models--")]
    except OSError:
        return []
    return sorted(name.removeprefix("models--").replace("--", "/", 1) for name in names if name.count("--") >= 2)
