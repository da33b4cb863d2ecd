"""Models that Ollama has fetched, used where they lie.

Its store is a registry's: `manifests/<host>/<namespace>/<model>/<tag>` is a JSON of layers, each a file
`blobs/sha256-<hash>` (https://github.com/ollama/ollama: `manifest/`, `types/model/name.go`). Newer versions write
`manifests-v2`, links into the blobs, and may hold one manifest for each way to run a model. The layer of the kind
`…image.model` is a GGUF as any other; that of the kind `…image.adapter` is a LoRA over it. Ollama's own template is in
a language of its own and is not needed: the GGUF has the model's.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.models.errors import ModelError
from lacie_chat.paths import expanded, home

PREFIX = "ollama:"
_HOST, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"
_HUB_HOSTS = ("hf.co", "huggingface.co")
_LAYER = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")
_NAME = re.compile(r"(?:(?P<host>[\w.:-]+)/)??(?:(?P<namespace>[\w.-]+)/)?(?P<model>[\w.-]+?)(?::(?P<tag>[\w.-]+))?")
_LARGEST_JSON = 4 << 20
_SYSTEM_STORE = Path("/usr/share/ollama/.ollama/models")
"""Where the service of Linux's installer keeps them."""

FullName = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model with its weights. `name` is as Ollama lists it, without what is its default; `repo` is owner/repo where
    it came from the Hub, and then `tag` is the quantisation."""

    name: str
    path: Path
    size_bytes: int
    quantisation: str
    adapter: Path | None
    repo: str | None
    tag: str

    @property
    def ref(self) -> str:
        return PREFIX + self.name


def full_name(name: str) -> FullName | None:
    """(host, namespace, model, tag) of a name as one gives it to Ollama, defaults filled in; None for no name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return found["host"] or _HOST, found["namespace"] or _NAMESPACE, found["model"], found["tag"] or _TAG


def models(notes: list[str]) -> Iterator[OllamaModel]:
    """Every model that can chat, by name; a damaged one is a line in `notes`. Those that run elsewhere (its cloud) or
    in another format, and those that only embed, are left out."""
    for name, (path, store) in sorted(_manifests(notes).items()):
        try:
            manifest = _manifest(path, store)
            config = _config(manifest, store)
            if _gguf_digest(manifest) and not _embeds(config):
                yield _model(name, manifest, config, store)
        except ModelError as error:
            notes.append(str(error))


def find(name: str) -> OllamaModel | None:
    """The model of that name, in any letter case; None where Ollama hasn't one. Raises ModelError, one line: damaged,
    without its weights, of another format."""
    wanted = full_name(name)
    if wanted is None:
        return None
    for full, (path, store) in _manifests([]).items():
        if _folded(full) == _folded(wanted):
            manifest = _manifest(path, store)
            return _model(full, manifest, _config(manifest, store), store)
    return None


def of_repository(repo: str) -> list[OllamaModel]:
    """The models that Ollama fetched from this repository of the Hub, whatever the letter case."""
    return [model for model in models([]) if model.repo is not None and model.repo.lower() == repo.lower()]


def stores() -> list[Path]:
    """The folders that Ollama may have: the one of OLLAMA_MODELS, the user's, the system's service."""
    named = os.environ.get("OLLAMA_MODELS")
    found = [expanded(named)] if named else []
    if (own := home()) is not None:
        found.append(own / ".ollama" / "models")
    return list(dict.fromkeys([*found, _SYSTEM_STORE]))


def _folded(name: FullName) -> FullName:
    host, namespace, model, tag = (part.lower() for part in name)
    return _HUB_HOSTS[0] if host in _HUB_HOSTS else host, namespace, model, tag


def _short(name: FullName) -> str:
    host, namespace, model, tag = name
    parts = [model] if (host, namespace) == (_HOST, _NAMESPACE) else [namespace, model]
    return "/".join(([] if host == _HOST else [host]) + parts) + ("" if tag == _TAG else f":{tag}")


def _manifests(notes: list[str]) -> dict[FullName, tuple[Path, Path]]:
    """Name -> its manifest and the store that it is in; the first that has a name keeps it."""
    found: dict[FullName, tuple[Path, Path]] = {}
    for store in stores():
        for folder in (store / "manifests-v2", store / "manifests"):
            try:
                for parts in _entries(folder, 4):
                    host, namespace, model, tag = parts
                    found.setdefault((host, namespace, model, tag), (folder.joinpath(*parts), store))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                notes.append(f"Ollama's models in {store} can't be read: {error.strerror or error}")
                break
    return found


def _entries(folder: Path, depth: int) -> Iterator[tuple[str, ...]]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if depth == 1:
            yield (entry.name,)
        elif entry.is_dir():
            yield from ((entry.name, *below) for below in _entries(entry, depth - 1))


def _manifest(path: Path, store: Path) -> dict[str, Any]:
    """The manifest that has GGUF weights, where there is one for each way to run the model."""
    manifest = _read_json(path)
    children = manifest.get("manifests")
    if not isinstance(children, list):
        return manifest
    for child in children:
        if isinstance(child, dict):
            blob = None if "layers" in child else _blob(child.get("digest"), store)
            whole = _read_json(blob) if blob is not None else child
            if _gguf_digest(whole):
                return whole
    return manifest


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path, most=_LARGEST_JSON)
    except OSError as error:
        raise ModelError(f"Ollama's {path} can't be read: {error.strerror or error}") from error
    except NoJSON as error:
        raise ModelError(f"Ollama's {path} is damaged; fetch the model again with `ollama pull`") from error
    if not isinstance(found, dict):
        raise ModelError(f"Ollama's {path} is damaged; fetch the model again with `ollama pull`")
    return found


def _layers(manifest: dict[str, Any], kind: str) -> list[str]:
    """The digests of the layers of a kind."""
    layers = manifest.get("layers")
    return [
        layer["digest"]
        for layer in (layers if isinstance(layers, list) else [])
        if isinstance(layer, dict) and layer.get("mediaType") == _LAYER + kind and isinstance(layer.get("digest"), str)
    ]


def _gguf_digest(manifest: dict[str, Any]) -> str | None:
    return next(iter(_layers(manifest, "model")), None)


def _config(manifest: dict[str, Any], store: Path) -> dict[str, Any]:
    """What Ollama noted of the model (quantisation, family); empty where that is lost."""
    config = manifest.get("config")
    path = _blob(config.get("digest"), store) if isinstance(config, dict) else None
    try:
        return _read_json(path) if path is not None else {}
    except ModelError:
        return {}


def _embeds(config: dict[str, Any]) -> bool:
    """Whether it answers with vectors, not with words."""
    capabilities = config.get("capabilities")
    if isinstance(capabilities, list) and capabilities:
        return "completion" not in capabilities and "embedding" in capabilities
    return str(config.get("model_family", "")).endswith("bert")


def _blob(digest: object, store: Path) -> Path | None:
    found = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    return store / "blobs" / f"sha256-{found[1]}" if found else None


def _model(full: FullName, manifest: dict[str, Any], config: dict[str, Any], store: Path) -> OllamaModel:
    name = _short(full)
    if config.get("remote_host") and not _gguf_digest(manifest):
        raise ModelError(f"{PREFIX}{name} runs on Ollama's own servers; its weights are not on this machine")
    digest = _gguf_digest(manifest)
    if digest is None:
        raise ModelError(f"{PREFIX}{name} holds no GGUF (Ollama keeps it in another format); take its GGUF on the Hub")
    path = _blob(digest, store)
    try:
        size = path.stat().st_size if path is not None else 0
    except PermissionError as error:
        raise ModelError(f"can't read Ollama's {path}: {error.strerror}; ask who owns it for leave to read") from error
    except OSError:
        path = None
    if path is None:
        raise ModelError(f"the weights of {PREFIX}{name} are missing; fetch them with: ollama pull {name}")
    adapters = [_blob(layer, store) for layer in _layers(manifest, "adapter")]
    quantisation = config.get("file_type")
    host, namespace, model, tag = full
    return OllamaModel(
        name,
        path,
        size,
        quantisation if isinstance(quantisation, str) else "",
        adapters[0] if adapters else None,
        f"{namespace}/{model}" if host in _HUB_HOSTS else None,
        tag,
    )
