"""Fetching models from the Hub, so that a download of gigabytes survives a broken line, Ctrl-C and a kill.

The Hub's library starts over after the last two (it names each partial file anew), so the bytes are fetched here: into
a partial file named by the content's hash, from where it ended last time. The finished file is checked against that
hash, put where the library's cache keeps contents, and the library then links it in, so that other programs find it.

`HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE` hold as for the library.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lacie_chat.models import hub_http
from lacie_chat.models.cache import cache_dir, repo_dir
from lacie_chat.models.errors import ModelError
from lacie_chat.models.hub_http import endpoint, explained, not_a_hub
from lacie_chat.sizes import size_text

__all__ = ["OnProgress", "RemoteRepo", "download", "endpoint", "repository", "sizes"]

OnProgress = Callable[[float, str], None]
"""Called with the fraction done, 0 to 1, and a short text. An exception from it ends the download, to be resumed."""

_RETRIES = 5
_PAUSE_SECONDS = 0.5
_A_LOT = 128 << 10
"""Bytes that are progress, of a large file: a line that breaks every half megabyte brings it nevertheless."""
_REPORT_SECONDS = 0.1
_DISK_MARGIN = 64 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RemoteRepo:
    """What the Hub says of a repository: the commit of `main`, and the names of its files there."""

    name: str
    commit: str
    files: tuple[str, ...]


def repository(name: str) -> RemoteRepo:
    """Look a repository up. Raises ModelError: no such one, private, offline, an answer that is none."""
    info = hub_http.get_json(f"/api/models/{quote(name)}", name)
    siblings = info.get("siblings") if isinstance(info, dict) else None
    commit = info.get("sha") or "main" if isinstance(info, dict) else None
    if not isinstance(siblings, list) or not isinstance(commit, str) or not re.fullmatch(r"\w[\w.-]{0,99}", commit):
        raise not_a_hub()
    names = [
        str(file["rfilename"]) for file in siblings if isinstance(file, dict) and _is_usable(file.get("rfilename"))
    ]
    known = info.get("id")  # as its owner writes it, whatever letters were asked for
    same = isinstance(known, str) and known.lower() == name.lower()
    return RemoteRepo(str(known) if same else name, commit, tuple(names))


def sizes(repo: RemoteRepo, files: tuple[str, ...]) -> tuple[int, int]:
    """How many bytes files of a repository have, and how many of them are still to be fetched. Raises ModelError."""
    with explained(repo.name):
        remotes = [_Remote.ask(repo, file) for file in files]
        missing = [remote for remote in remotes if not remote.blob.exists() and not _name(repo, remote).exists()]
        return sum(remote.size for remote in remotes), sum(remote.size - _size(remote.partial) for remote in missing)


def download(repo: RemoteRepo, files: tuple[str, ...], label: str, on_progress: OnProgress | None = None) -> list[Path]:
    """Fetch files of a repository into the cache; their paths. What an earlier try left is gone on with. Raises
    ModelError: gated, no space, offline, the line broke for good, contents that don't match their hash."""
    with explained(repo.name):
        paths = []
        remotes = [_Remote.ask(repo, file) for file in files]
        report = _Reporter(label, sum(remote.size for remote in remotes), on_progress)
        missing = [remote for remote in remotes if not remote.blob.exists() and not _name(repo, remote).exists()]
        _check_space(repo, missing)
        for remote in remotes:
            if remote in missing:
                _fetch(repo.name, remote, report)
            report.done += remote.size
            paths.append(_link(repo, remote))
        _remember_main(repo)
    report(0, final=True)
    return paths


def _is_usable(file: object) -> bool:
    """Whether it is a file's name in a folder, and not a way out of it."""
    if not isinstance(file, str) or not file or not file.isprintable() or "\\" in file or len(file) > 1000:
        return False
    return all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in file.split("/"))


@dataclass(frozen=True, slots=True)
class _Remote:
    """One file as the Hub describes it. `etag` is the content's id: its SHA-256 for large files."""

    file: str
    path: str
    etag: str
    size: int
    blob: Path

    @classmethod
    def ask(cls, repo: RemoteRepo, file: str) -> "_Remote":
        path = f"/{quote(repo.name)}/resolve/{quote(repo.commit)}/{quote(file)}"
        headers = hub_http.head(path, repo.name)
        etag = (headers.get("X-Linked-Etag") or headers.get("ETag") or "").removeprefix("W/").strip('"')
        size = headers.get("X-Linked-Size") or headers.get("Content-Length") or ""
        if not re.fullmatch(r"\w[\w.-]{0,199}", etag, re.ASCII) or not re.fullmatch(r"[0-9]{1,18}", size):
            raise not_a_hub()
        if int(size) == 0 and file.lower().endswith(".gguf"):
            raise ModelError(f"{file} of {repo.name} is empty on the Hub; take another file, or another repository")
        return cls(file, path, etag, int(size), repo_dir(repo.name) / "blobs" / etag)

    @property
    def partial(self) -> Path:
        return self.blob.with_name(f"{self.etag}.lacie.incomplete")


class _Reporter:
    """Turns bytes into a fraction and a text, at most ten times a second."""

    def __init__(self, label: str, total: int, on_progress: OnProgress | None) -> None:
        self.done = 0  # bytes of the files before the current one
        self._label, self._total, self._on_progress = label, total, on_progress
        self._last = 0.0

    def __call__(self, current: int, *, final: bool = False, doing: str = "") -> None:
        now = time.monotonic()
        if self._on_progress is None or (now - self._last < _REPORT_SECONDS and not final and not doing):
            return
        self._last = now
        done = self.done + current
        text = f"{self._label}: {doing or f'{size_text(done)} of {size_text(self._total)}'}"
        self._on_progress(1.0 if final else min(1.0, done / self._total) if self._total else 0.0, text)


def _fetch(name: str, remote: _Remote, report: _Reporter) -> None:
    """The content of one file into its place in the cache, alone: a second process waits for the first."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    remote.blob.parent.mkdir(parents=True, exist_ok=True)
    report(0, doing="starting")
    with WeakFileLock(f"{remote.partial}.lock"):
        if remote.blob.exists():
            return
        tries, arrived = 0, False
        while (have := _size(remote.partial)) < remote.size:
            try:
                _continue(name, remote, have, report)
                why = f"{size_text(_size(remote.partial))} of {size_text(remote.size)} came"
            except hub_http.broken_line() as error:
                if hub_http.bad_location(error) or (isinstance(error, hub_http.unreachable()) and not arrived):
                    raise  # waiting won't help; and offline is said at once
                why = hub_http.shown(str(error)) or type(error).__name__
            except _Trouble as trouble:
                if not arrived:
                    raise ModelError(str(trouble)) from trouble
                why = str(trouble)
            now = _size(remote.partial)
            if now >= remote.size:
                break
            arrived = arrived or now > have
            # Progress earns a full set of tries, so a bad line ends only when nothing comes any more; a crumb doesn't.
            tries = 0 if now - have >= min(_A_LOT, remote.size // 100) and now > have else tries + 1
            if tries >= _RETRIES:
                raise ModelError(
                    f"the download of {remote.file} broke off ({why}); run it again, it goes on from there"
                )
            _pause(tries)
        remote.partial.touch()  # a file may be empty
        report(remote.size, doing="checking")
        if not _is_whole(remote):
            remote.partial.unlink()
            raise ModelError(f"{remote.file} arrived damaged (its checksum is wrong); run it again")
        remote.partial.rename(remote.blob)
    Path(f"{remote.partial}.lock").unlink(missing_ok=True)


class _Trouble(Exception):
    """The file server's own, which may pass."""


def _pause(tries: int) -> None:
    time.sleep(min(_PAUSE_SECONDS * 2**tries, 8))


def _continue(name: str, remote: _Remote, have: int, report: _Reporter) -> None:
    """Ask once for what is missing and keep what comes of it."""
    with hub_http.contents(remote.path, name, have) as response:
        status = response.status_code
        if status == 416:  # it has less than we have: what is here is of another content
            remote.partial.unlink(missing_ok=True)
            raise ModelError(f"{remote.file} is shorter than the Hub says; run it again, it starts over")
        try:
            hub_http.raise_for(response, name)
        except ModelError as error:
            if status >= 500 or status in (408, 425, 429):
                raise _Trouble(str(error)) from error
            raise
        # A server that knows no ranges sends all of it again, with 200.
        at = have if status == 206 else 0
        told = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if status == 206 and (told or have) and (told is None or int(told[1]) != have):
            remote.partial.unlink(missing_ok=True)
            raise ModelError(f"another part of {remote.file} came than was asked for; run it again, it starts over")
        with remote.partial.open("ab" if at else "wb") as file:
            for chunk in response.iter_bytes():  # as it comes: a broken line loses nothing of it
                at += len(chunk)
                if at > remote.size:
                    break
                file.write(chunk)
                report(at)
    if at > remote.size:
        remote.partial.unlink()
        raise ModelError(f"{remote.file} is longer than the Hub says; run it again")


def _is_whole(remote: _Remote) -> bool:
    if not _SHA256.fullmatch(remote.etag):
        return _size(remote.partial) == remote.size  # a small file: its etag is git's hash, which says less than LFS's
    with remote.partial.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == remote.etag


def _name(repo: RemoteRepo, remote: _Remote) -> Path:
    return repo_dir(repo.name) / "snapshots" / repo.commit / remote.file


def _link(repo: RemoteRepo, remote: _Remote) -> Path:
    """The content's name in the commit, as the Hub's library makes it: a link, or the content itself where the disk
    knows no links."""
    path = _name(repo, remote)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # a link whose content was gone
    try:
        path.symlink_to(os.path.relpath(remote.blob, path.parent))
    except OSError:
        shutil.move(remote.blob, path)
    return path


def _check_space(repo: RemoteRepo, remotes: list[_Remote]) -> None:
    needed = sum(remote.size - _size(remote.partial) for remote in remotes)
    folder = cache_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed and needed + _DISK_MARGIN > free:
        raise ModelError(
            f"{repo.name} needs {size_text(needed)} and {size_text(free)} are free in {cache_dir()}; "
            "free some space or set HF_HOME to another disk"
        )


def _remember_main(repo: RemoteRepo) -> None:
    """What `main` was when we looked: the library only notes it when asked for a branch, and we asked for a commit."""
    ref = repo_dir(repo.name) / "refs" / "main"
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(repo.commit, encoding="utf-8")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
