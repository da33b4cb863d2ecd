"""The model under an adapter: a Hub repository, a folder of safetensors, or a GGUF that transformers can load.

Whichever it is, it becomes a folder of safetensors with config and tokenizer. A GGUF is unpacked to float16: its blocks
scale small integers by float16 numbers, so that is the precision it has, and training unpacks it in the same way.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from lacie_chat.foreign_json import read_json
from lacie_chat.models import ModelError, embedded_model_path, inspect_gguf, resolve
from lacie_chat.models.hub import download, repository
from lacie_chat.models.tokenizers import splits_digits
from lacie_chat.progress import step
from lacie_export.errors import ExportError, first_line
from lacie_export.licences import Licence, from_card, from_gguf, front_matter

_LARGEST_TOKENIZER = 256 << 20
"""Bytes of a tokenizer.json: the largest have some tens of millions."""
EMBEDDED_NAME = "SmolLM2-135M-Instruct"
EMBEDDED_REPO = "HuggingFaceTB/SmolLM2-135M-Instruct"
_QUANT_SUFFIX = re.compile(r"[-.](?:I?Q\d\w*|B?F(?:16|32)|FP16)$", re.IGNORECASE)

_WANTED = (
    *("*.safetensors", "*.json", "*.model", "*.jinja", "*.txt", "README.md"),
    *("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*"),
)


@dataclass(frozen=True, slots=True)
class BaseRef:
    """Which base is meant, before anything is fetched: one of `gguf`, `folder`, `repo` is set (and `repo` where
    known)."""

    ref: str
    name: str
    gguf: Path | None = None
    folder: Path | None = None
    repo: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """A base that is ready: `folder` holds it as safetensors (a temporary one for a GGUF)."""

    ref: BaseRef
    folder: Path
    licence: Licence
    languages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.ref.name

    @property
    def gguf(self) -> Path | None:
        return self.ref.gguf

    @property
    def repo(self) -> str | None:
        return self.ref.repo


def find_base(ref: str, *, revision: str | None = None) -> BaseRef:
    """What a base REF means: `embedded`, a GGUF, a folder, or owner/repo. Raises ExportError or ModelError, one
    line."""
    if ref == "embedded":
        return BaseRef(ref, EMBEDDED_NAME, gguf=resolve("embedded").path, repo=EMBEDDED_REPO)
    path = Path(ref).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise ExportError(f"{ref} is neither a GGUF nor a folder; give one of those, or owner/repo")
        embedded = embedded_model_path()
        if embedded and path.resolve() == embedded:
            return BaseRef(ref, EMBEDDED_NAME, gguf=embedded, repo=EMBEDDED_REPO)
        return BaseRef(ref, _QUANT_SUFFIX.sub("", path.stem), gguf=path.resolve())
    if path.is_dir():
        path = path.resolve()
        repo, found_revision = _cached_repo(path)
        name = repo.split("/")[1] if repo else path.name
        return BaseRef(ref, name, folder=path, repo=repo, revision=found_revision)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", ref) and not ref.startswith((".", "/")):
        return BaseRef(ref, ref.split("/")[1], repo=ref, revision=revision)
    raise ExportError(f"no base model {ref}: there is no such GGUF or folder, and it isn't owner/repo")


def same_base(named: str, base: BaseRef) -> bool:
    """Whether the base that an adapter names is `base`. Paths count as the same by their place, repositories by
    name."""
    if not named:
        return False
    if named in (base.ref, "embedded") and (named == base.ref or base.repo == EMBEDDED_REPO):
        return True
    path = Path(named).expanduser()
    if path.exists():
        place = path.resolve()
        if base.gguf:  # transformers names a model that it loads from a GGUF by the file's folder
            return place in (base.gguf, base.gguf.parent)
        if place == base.folder:
            return True
        repo, _ = _cached_repo(place)
        return repo is not None and base.repo == repo
    return base.gguf is None and base.repo is not None and named.lower() == base.repo.lower()


def open_base(base: BaseRef, work: Path) -> Base:
    """Fetch or unpack the base. Raises ExportError, one line: not there, gated, no network, not loadable."""
    if base.gguf:
        return _unpack_gguf(base, base.gguf, work / "base")
    folder = base.folder or _download(base)
    if not (folder / "config.json").is_file():
        raise ExportError(f"{folder} holds no config.json: it isn't a model in the format of transformers")
    front = front_matter(folder / "README.md")
    languages = front.get("language") or []
    return Base(
        base, folder, from_card(front), tuple([languages] if isinstance(languages, str) else map(str, languages))
    )


def weight_shapes(base: Base) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight, from the shards' headers. Raises ExportError for a damaged file."""
    from lacie_export.safetensors_file import by_name, read_shards

    return {name: entry.shape for name, entry in by_name(read_shards(base.folder)).items()}


def _unpack_gguf(base: BaseRef, gguf: Path, folder: Path) -> Base:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from lacie_export.files import need_space

    keys = inspect_gguf(gguf).metadata
    need_space(folder.parent, gguf.stat().st_size * 4, "the unpacked base")
    with _loading(base.ref), step(f"unpacking {gguf.name}", 1):
        model = AutoModelForCausalLM.from_pretrained(
            str(gguf.parent),
            gguf_file=gguf.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.float16,
        )
        tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
        model.save_pretrained(str(folder))
        tokenizer.save_pretrained(str(folder))
        split_digits(folder / "tokenizer.json", str(keys.get("tokenizer.ggml.pre")))
    return Base(base, folder, from_gguf(keys))


def split_digits(path: Path, pre_tokenizer: str) -> None:
    """Mend the tokenizer that transformers makes of a GGUF (see lacie_chat/models/tokenizers.py)."""
    if not splits_digits(pre_tokenizer):
        return
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["pre_tokenizer"]["type"] == "ByteLevel":
        digits = {"type": "Digits", "individual_digits": True}
        data["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, data["pre_tokenizer"]]}
        path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _download(base: BaseRef) -> Path:
    """The repository's model files in the Hub's cache; fetched anew only where something is missing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repo = base.repo or base.ref
    if base.revision is None:
        try:
            remote = repository(repo)
        except ModelError:
            try:  # offline, or the Hub has a bad day: what is here already will do
                return Path(snapshot_download(repo, local_files_only=True))
            except LocalEntryNotFoundError:
                pass
            raise
        files = tuple(name for name in remote.files if _is_wanted(name))
        if not any(name.endswith(".safetensors") for name in files):
            raise ExportError(f"{repo} has no safetensors; an adapter can't be merged into other formats")
        with step(f"fetching {repo}", 1000) as show:
            paths = download(remote, files, repo, lambda fraction, _text: show(round(fraction * 1000)))
        return paths[0].parent
    try:
        return Path(
            snapshot_download(repo, revision=base.revision, allow_patterns=list(_WANTED), ignore_patterns=["*/*"])
        )
    except (HfHubHTTPError, OSError) as error:
        raise ExportError(f"{repo} at {base.revision} can't be fetched: {first_line(error)}") from error


def _is_wanted(name: str) -> bool:
    return (
        "/" not in name and not name.startswith("consolidated") and any(fnmatch(name, pattern) for pattern in _WANTED)
    )


class _loading:
    """One clear line for what transformers refuses to load."""

    def __init__(self, ref: str) -> None:
        self._ref = ref

    def __enter__(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, MemoryError):
            raise ExportError(f"out of memory while {self._ref} was unpacked; use a machine with more") from error
        if isinstance(error, (OSError, ValueError, KeyError, RuntimeError, NotImplementedError)):
            raise ExportError(f"transformers can't load {self._ref}: {first_line(error)}") from error


def _cached_repo(folder: Path) -> tuple[str | None, str | None]:
    """Repository and revision of a folder inside the Hub's cache (`models--owner--repo/snapshots/revision`)."""
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        parts = folder.parent.parent.name.split("--")
        if len(parts) >= 3:
            return f"{parts[1]}/{'--'.join(parts[2:])}", folder.name
    return None, None


def vocabulary_size(folder: Path) -> int | None:
    """Entries of the tokenizer in `folder` (added ones too), without loading it; None where it has no
    tokenizer.json."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    try:
        data: Mapping[str, Any] = read_json(path, most=_LARGEST_TOKENIZER)
        vocabulary = data["model"]["vocab"]
        ids = set(vocabulary.values()) if isinstance(vocabulary, dict) else set(range(len(vocabulary)))
        return len(ids | {token["id"] for token in data.get("added_tokens", ())})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"{path} is damaged: it is no tokenizer") from error
