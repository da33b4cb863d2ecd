"""Fetching models from the Hub, so that a download of gigabytes survives a broken line, Ctrl-C and a kill.

The Hub's library starts over after the last two (it names each partial file anew), so the bytes are fetched here: into
a partial file named by the content's hash, from where it ended last time. The finished file is checked against that
hash, put where the library's cache keeps contents, and the library then links it in, so that other programs find it.

`HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE` hold as for the library.
"""

import errno
import hashlib
import importlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from lacie_chat.models.cache import cache_dir, repo_dir
from lacie_chat.models.errors import ModelError, NoSuchRepositoryError

OnProgress = Callable[[float, str], None]
"""Called with the fraction done, 0 to 1, and a short text. An exception from it ends the download, to be resumed."""

_RETRIES = 5
_CHUNK = 1 << 20
_REPORT_SECONDS = 0.1
_TIMEOUT_SECONDS = 20.0
_DISK_MARGIN = 64 << 20


@dataclass(frozen=True, slots=True)
class RemoteRepo:
    """What the Hub says of a repository: the commit of `main`, and the names of its files there."""

    name: str
    commit: str
    files: tuple[str, ...]


def endpoint() -> str:
    """The Hub's address."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def repository(name: str) -> RemoteRepo:
    """Look a repository up. Raises ModelError: no such one, private, offline."""
    with _explained(name):
        from huggingface_hub import HfApi

        api = HfApi(endpoint=endpoint())
        try:
            info = api.model_info(name, timeout=_TIMEOUT_SECONDS)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ModelError(f"{endpoint()} doesn't answer as the Hub does; check HF_ENDPOINT") from error
        return RemoteRepo(name, info.sha or "main", tuple(file.rfilename for file in info.siblings or []))


def download(repo: RemoteRepo, files: tuple[str, ...], label: str, on_progress: OnProgress | None = None) -> list[Path]:
    """Fetch files of a repository into the cache; their paths. What an earlier try left is gone on with. Raises
    ModelError: gated, no space, offline, the line broke for good, contents that don't match their hash."""
    with _explained(repo.name):
        from huggingface_hub import hf_hub_download

        paths = []
        remotes = [_Remote.ask(repo, file) for file in files]
        report = _Reporter(label, sum(remote.size for remote in remotes), on_progress)
        _check_space(repo, [remote for remote in remotes if not remote.blob.exists()])
        for remote in remotes:
            if not remote.blob.exists():
                _fetch(remote, report)
            report.done += remote.size
            # The content is in place: this only links it into the snapshot, by the library's own rules.
            path = hf_hub_download(
                repo.name, remote.file, revision=repo.commit, cache_dir=cache_dir(), endpoint=endpoint()
            )
            paths.append(Path(path))
        _remember_main(repo)
    report(0, final=True)
    return paths


@dataclass(frozen=True, slots=True)
class _Remote:
    """One file as the Hub describes it. `etag` is the content's id: its SHA-256 for large files."""

    file: str
    url: str
    etag: str
    size: int
    blob: Path

    @classmethod
    def ask(cls, repo: RemoteRepo, file: str) -> "_Remote":
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(repo.name, file, revision=repo.commit, endpoint=endpoint())
        facts = get_hf_file_metadata(url, timeout=_TIMEOUT_SECONDS, endpoint=endpoint())
        if not facts.etag or facts.size is None or not re.fullmatch(r"[\w.-]+", facts.etag):
            raise ModelError(f"{endpoint()} doesn't answer as the Hub does; check HF_ENDPOINT")
        return cls(file, url, facts.etag, facts.size, repo_dir(repo.name) / "blobs" / facts.etag)

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
        text = f"{self._label}: {doing or f'{readable_size(done)} of {readable_size(self._total)}'}"
        self._on_progress(1.0 if final else min(1.0, done / self._total) if self._total else 0.0, text)


def _fetch(remote: _Remote, report: _Reporter) -> None:
    """The content of one file into its place in the cache, alone: a second process waits for the first."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    remote.blob.parent.mkdir(parents=True, exist_ok=True)
    report(0, doing="starting")
    with WeakFileLock(f"{remote.partial}.lock"):
        if remote.blob.exists():
            return
        tries = 0
        while (have := _size(remote.partial)) < remote.size:
            try:
                _continue(remote, have, report)
            except _http().TransportError as error:
                # Any progress earns a full set of tries, so a bad line ends only when nothing comes any more.
                tries = 0 if _size(remote.partial) > have else tries + 1
                if tries >= _RETRIES:
                    raise ModelError(
                        f"the download of {remote.file} broke off ({error or type(error).__name__}); "
                        "run it again, it goes on from there"
                    ) from error
                time.sleep(min(0.5 * 2**tries, 8))
        report(remote.size, doing="checking")
        if not _is_whole(remote):
            remote.partial.unlink()
            raise ModelError(f"{remote.file} arrived damaged (its checksum is wrong); run it again")
        remote.partial.rename(remote.blob)
    Path(f"{remote.partial}.lock").unlink(missing_ok=True)


def _continue(remote: _Remote, have: int, report: _Reporter) -> None:
    from huggingface_hub import get_session
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    # The client drops the token when it is sent on to another host.
    with get_session().stream(
        "GET", remote.url, headers=headers, timeout=_TIMEOUT_SECONDS, follow_redirects=True
    ) as response:
        hf_raise_for_status(response)
        # A server that knows no ranges sends all of it again, with 200.
        with remote.partial.open("ab" if response.status_code == 206 else "wb") as file:
            for chunk in response.iter_bytes(_CHUNK):
                file.write(chunk)
                report(file.tell())
    if _size(remote.partial) > remote.size:
        remote.partial.unlink()
        raise ModelError(f"{remote.file} is longer than the Hub says; run it again")


def _is_whole(remote: _Remote) -> bool:
    if len(remote.etag) != hashlib.sha256().digest_size * 2:
        return _size(remote.partial) == remote.size  # a small file: its etag is git's hash, which says less than LFS's
    with remote.partial.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == remote.etag


def _check_space(repo: RemoteRepo, remotes: list[_Remote]) -> None:
    needed = sum(remote.size - _size(remote.partial) for remote in remotes)
    folder = cache_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed and needed + _DISK_MARGIN > free:
        raise ModelError(
            f"{repo.name} needs {readable_size(needed)} and {readable_size(free)} are free in {cache_dir()}; "
            "free some space or set HF_HOME to another disk"
        )


def _remember_main(repo: RemoteRepo) -> None:
    """What `main` was when we looked: the library only notes it when asked for a branch, and we asked for a commit."""
    ref = repo_dir(repo.name) / "refs" / "main"
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(repo.commit, encoding="utf-8")


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """The library's errors as one line each."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise ModelError(f"{name} isn't on this machine, and HF_HUB_OFFLINE forbids to fetch it")
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{name} is gated: accept its terms at {endpoint()}/{name}, then log in with `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise NoSuchRepositoryError(
            f"there is no repository {name} on the Hub, or it is private (then log in with `hf auth login`)"
        ) from error
    except errors.EntryNotFoundError as error:
        raise ModelError(f"{name} has changed on the Hub meanwhile; try again") from error
    except (errors.HFValidationError, errors.OfflineModeIsEnabled) as error:
        raise ModelError(f"can't fetch {name}: {str(error).splitlines()[0]}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise ModelError(f"the Hub refuses access to {name} ({status}); log in with `hf auth login`") from error
        raise ModelError(f"the Hub answered {status} for {name}; try again later") from error
    except _http().HTTPError as error:
        raise ModelError(
            f"can't reach {endpoint()} ({type(error).__name__}); check the network. "
            "Models that are here already (`lacie models list`) work offline"
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                f"the disk with {cache_dir()} is full; free some space and run it again, it goes on from there"
            ) from error
        raise ModelError(
            f"can't write to {cache_dir()}: {error.strerror or error}; set HF_HOME to another folder"
        ) from error


def _http() -> ModuleType:
    """The HTTP library under the Hub's (httpx, or httpx2 in its later versions), for its exceptions."""
    from huggingface_hub import get_session

    return importlib.import_module(type(get_session()).__module__.partition(".")[0])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def readable_size(size: int) -> str:
    """Bytes as people write them: decimal, as the Hub shows them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
