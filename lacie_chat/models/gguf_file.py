"""What a GGUF file says of itself, and whether all of it is there; facts for people, by the reader of gguf_header.py.

Damaged headers end in a ModelError, never in a crash.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lacie_chat import gguf_header
from lacie_chat.gguf_header import GGUFError, Header, Scalar, read_header
from lacie_chat.gguf_kinds import Kind, kind_of
from lacie_chat.models.errors import ModelError

_GUESSED_FILE_TYPE = 1024  # a flag in general.file_type: llama.cpp guessed it
_SPLIT_NAME = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
_FINGERPRINT_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class GGUFInfo:
    """The facts of a model or adapter; for a split model, of all its parts. `metadata` are the scalar keys."""

    path: Path
    size_bytes: int
    kind: str  # Kind.name: "model", "adapter", "embedding model", "mmproj"…
    architecture: str
    name: str
    parameters: int
    quantisation: str
    context_length: int | None
    licence: str | None
    has_chat_template: bool
    metadata: Mapping[str, Scalar] = field(repr=False)

    @property
    def lacie(self) -> dict[str, Scalar]:
        """The keys that our export wrote, without their prefix `lacie.`."""
        return {key.removeprefix("lacie."): value for key, value in self.metadata.items() if key.startswith("lacie.")}


def inspect_gguf(path: Path) -> GGUFInfo:
    """Read a GGUF's header (of every part, if it is split). Raises ModelError, one line: missing, a folder, no
    permission, not a GGUF, damaged, cut short, a part missing."""
    parts = split_parts(path)
    for part in parts:
        if not part.exists() and part != path:
            raise ModelError(f"{path.name} is one of {len(parts)} parts, and {part.name} is missing beside it")
    measured = [_measured(part) for part in parts]
    metadata = measured[0][0].keys
    architecture = str(metadata.get("general.architecture", "unknown"))
    context = metadata.get(f"{architecture}.context_length")
    licence = metadata.get("general.license.name") or metadata.get("general.license")
    return GGUFInfo(
        path=path,
        size_bytes=sum(part.stat().st_size for part in parts),
        kind=kind_of(measured[0][0]).name,
        architecture=architecture,
        name=str(metadata.get("general.name") or path.stem),
        parameters=sum(parameters for _, parameters, _ in measured),
        quantisation=_quantisation(metadata, sum((types for *_, types in measured), Counter())),
        context_length=context if isinstance(context, int) else None,
        licence=str(licence) if licence else None,
        has_chat_template="tokenizer.chat_template" in metadata,
        metadata=metadata,
    )


def read_metadata(path: Path) -> Mapping[str, Scalar]:
    """Only the scalar keys, of this one file: quick enough for every start. Raises ModelError like `inspect_gguf`."""
    return _read(path, tensors=False).keys


def gguf_kind(path: Path) -> Kind:
    """What the file is, as `models list` and a REF's refusal say it. Raises ModelError like `inspect_gguf`."""
    return kind_of(_read(path, tensors=False))


def split_parts(path: Path) -> list[Path]:
    """The files of a split model, in order (whether they are there or not); just `path` for any other."""
    found = _SPLIT_NAME.search(path.name)
    if found is None:
        return [path]
    stem, count = path.name[: found.start()], int(found[2])
    return [path.with_name(f"{stem}-{number:05d}-of-{count:05d}.gguf") for number in range(1, count + 1)]


def fingerprint(path: Path) -> str:
    """A short, stable id of a file's content: SHA-256 over its size, first MiB and last MiB, 16 hex digits.
    Raises ModelError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            digest = hashlib.sha256(str(size).encode() + b"\0" + file.read(_FINGERPRINT_CHUNK))
            file.seek(max(0, size - _FINGERPRINT_CHUNK))
            digest.update(file.read(_FINGERPRINT_CHUNK))
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    return digest.hexdigest()[:16]


def check_is_gguf(path: Path) -> None:
    """The quick look before anything is loaded: a readable file that begins as a GGUF does. Raises ModelError."""
    with _as_model_error():
        gguf_header.check_is_gguf(path)


@contextmanager
def _as_model_error() -> Iterator[None]:
    try:
        yield
    except GGUFError as error:
        raise ModelError(str(error)) from error


def _read(path: Path, *, tensors: bool = True) -> Header:
    with _as_model_error():
        return read_header(path, tensors=tensors)


def _measured(path: Path) -> tuple[Header, int, Counter[int]]:
    """A header with its parameters and its bytes by GGML type; ModelError where the file ends before its tensors do."""
    from gguf.constants import GGML_QUANT_SIZES

    header = _read(path)
    parameters, types, end = 0, Counter[int](), 0
    for tensor in header.tensors:
        if tensor.kind not in GGML_QUANT_SIZES:
            raise ModelError(str(GGUFError(path, "damaged", f"a tensor has the unknown type {tensor.kind}")))
        block, size = GGML_QUANT_SIZES[tensor.kind]
        elements = math.prod(tensor.shape)
        parameters += elements
        types[tensor.kind] += elements // block * size
        end = max(end, header.data + tensor.offset + elements // block * size)
    if end > header.size:
        raise ModelError(str(GGUFError(path, "damaged", f"it has {header.size:,} of {end:,} bytes")))
    return header, parameters, types


def _quantisation(metadata: Mapping[str, Scalar], tensor_types: Counter[int]) -> str:
    """As file names write it: Q4_K_M, Q8_0, F16…; the type of most bytes where the file doesn't say."""
    from gguf.constants import GGMLQuantizationType, LlamaFileType

    file_type = metadata.get("general.file_type")
    if isinstance(file_type, int):
        try:
            name: str = LlamaFileType(file_type & ~_GUESSED_FILE_TYPE).name
            return name.removeprefix("MOSTLY_").removeprefix("ALL_")
        except ValueError:
            pass
    if not tensor_types:
        return "unknown"
    most_common: str = GGMLQuantizationType(tensor_types.most_common(1)[0][0]).name
    return most_common
