"""An Ollama store as Ollama itself writes one (its `manifest/manifest.go` and `manifest/layer.go`): blobs by their
SHA-256, and for each name a manifest that lists them, in the old place or, as a link into the blobs, in the new one."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_LIST = "application/vnd.ollama.manifest.list.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"


class OllamaStore:
    """The folder that OLLAMA_MODELS names, `~/.ollama/models` without it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs").mkdir(parents=True)

    def blob(self, content: bytes) -> str:
        """Keep a content; its digest."""
        found = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs" / f"sha256-{found}").write_bytes(content)
        return f"sha256:{found}"

    def layer(self, kind: str, content: bytes) -> dict[str, Any]:
        media = CONFIG if kind == "config" else f"application/vnd.ollama.image.{kind}"
        return {"mediaType": media, "digest": self.blob(content), "size": len(content)}

    def manifest(self, config: dict[str, Any], **layers: bytes) -> dict[str, Any]:
        """A manifest of these layers, in this order (`model`, `template`, `params`, `adapter`…)."""
        facts = {"model_format": "gguf", "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}, **config}
        return {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.layer("config", json.dumps(facts).encode()),
            "layers": [self.layer(kind, content) for kind, content in layers.items()],
        }

    def add(self, name: str, config: dict[str, Any] | None = None, **layers: bytes) -> Path:
        """`name` is `host/namespace/model/tag`, or less with Ollama's defaults; the manifest's path."""
        return self.write(name, self.manifest(config or {"model_family": "llama", "file_type": "Q4_K_M"}, **layers))

    def write(self, name: str, manifest: dict[str, Any]) -> Path:
        """The manifest in the place of versions until 2026."""
        path = self.folder / "manifests" / _path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest) + "\n")
        return path

    def link(self, name: str, manifest: dict[str, Any]) -> Path:
        """The manifest as newer versions keep it: a blob, and a link to it."""
        digest = self.blob((json.dumps(manifest) + "\n").encode()).replace(":", "-")
        path = self.folder / "manifests-v2" / _path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.path.relpath(self.folder / "blobs" / digest, path.parent))
        return path


def _path(name: str) -> str:
    parts = name.split("/")
    return "/".join([*("registry.ollama.ai", "library")[: 4 - len(parts)], *parts])
