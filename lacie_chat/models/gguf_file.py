"""What a GGUF file says of itself, and whether all of it is there.

Only the header is read, through a memory map that steps over the vocabulary: `gguf.GGUFReader` makes several arrays for
each token, 2.5 s for a vocabulary of 49,000; this takes 15 ms. The format:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Damaged headers end in a ModelError, never in a crash: every
read is bounded by the map.
"""

import hashlib
import math
import mmap
import re
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lacie_chat.models.errors import ModelError

Scalar = int | float | bool | str
T = TypeVar("T")

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MOST_DIMENSIONS = 8
_GUESSED_FILE_TYPE = 1024  # a flag in general.file_type: llama.cpp guessed it
_SPLIT_NAME = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
_FINGERPRINT_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class GGUFInfo:
    """The facts of a model or adapter; for a split model, of all its parts. `metadata` are the scalar keys."""

    path: Path
    size_bytes: int
    kind: str  # general.type: "model", "adapter", "mmproj", "imatrix"…
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


class _Damaged(Exception):
    """The header makes no sense; the text says where."""


@dataclass(slots=True)
class _Header:
    metadata: dict[str, Scalar]
    parameters: int
    tensor_types: Counter[int]  # bytes by GGML type


def inspect_gguf(path: Path) -> GGUFInfo:
    """Read a GGUF's header (of every part, if it is split). Raises ModelError, one line: missing, a folder, no
    permission, not a GGUF, damaged, cut short, a part missing."""
    parts = split_parts(path)
    for part in parts:
        if not part.exists() and part != path:
            raise ModelError(f"{path.name} is one of {len(parts)} parts, and {part.name} is missing beside it")
    headers = [_read(part, _Reader.header) for part in parts]
    metadata = headers[0].metadata
    architecture = str(metadata.get("general.architecture", "unknown"))
    context = metadata.get(f"{architecture}.context_length")
    licence = metadata.get("general.license.name") or metadata.get("general.license")
    return GGUFInfo(
        path=path,
        size_bytes=sum(part.stat().st_size for part in parts),
        kind=str(metadata.get("general.type", "model")),
        architecture=architecture,
        name=str(metadata.get("general.name") or path.stem),
        parameters=sum(header.parameters for header in headers),
        quantisation=_quantisation(metadata, sum((header.tensor_types for header in headers), Counter())),
        context_length=context if isinstance(context, int) else None,
        licence=str(licence) if licence else None,
        has_chat_template="tokenizer.chat_template" in metadata,
        metadata=metadata,
    )


def read_metadata(path: Path) -> dict[str, Scalar]:
    """Only the scalar keys, of this one file: quick enough for every start. Raises ModelError like `inspect_gguf`."""
    return _read(path, _Reader.metadata)


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
    if path.is_dir():
        raise ModelError(f"{path} is a folder; name a .gguf file in it")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        raise ModelError(f"no such file: {path}") from None
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF file" if magic else f"{path} is empty")


def _read(path: Path, what: Callable[["_Reader"], T]) -> T:
    check_is_gguf(path)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return what(_Reader(data))
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    except (struct.error, OverflowError):  # past the end; an offset beyond what the map can address
        raise ModelError(f"{path} is cut short or damaged: its header has no end; fetch it again") from None
    except _Damaged as error:
        raise ModelError(f"{path} is damaged or incomplete ({error}); fetch it again") from None


class _Reader:
    """Walks over a mapped GGUF from start to end of its header."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 4

    def metadata(self) -> dict[str, Scalar]:
        return self._keys()[0]

    def _keys(self) -> tuple[dict[str, Scalar], int]:
        """The scalar keys, and how many tensors are described after them."""
        version = self._number("<I")
        if not version & 0xFFFF:
            raise _Damaged("it is big-endian")
        if version not in (2, 3):
            raise _Damaged(f"GGUF version {version} is unknown")
        tensor_count, key_count = self._number("<Q"), self._number("<Q")
        metadata: dict[str, Scalar] = {}
        for _ in range(key_count):
            key = self._string()
            value = self._value(self._number("<I"))
            if value is not None:
                metadata[key] = value
        return metadata, tensor_count

    def header(self) -> _Header:
        metadata, tensor_count = self._keys()
        header = _Header(metadata, 0, Counter())
        end = 0
        for _ in range(tensor_count):
            end = max(end, self._tensor(header))
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise _Damaged("its alignment is no number")
        end += -(-self._at // alignment) * alignment if tensor_count else 0
        if end > len(self._data):
            raise _Damaged(f"it has {len(self._data):,} of {end:,} bytes")
        return header

    def _number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return value  # type: ignore[no-any-return]

    def _string(self) -> str:
        length = self._number("<Q")
        if length > len(self._data) - self._at:
            raise _Damaged("a text in its header runs past the end")
        start, self._at = self._at, self._at + length
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int) -> Scalar | None:
        """The value at hand; None for a list, which is stepped over."""
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            raise _Damaged(f"its header has a value of unknown type {kind}")
        inner, length = self._number("<I"), self._number("<Q")
        if inner in _SCALARS:
            self._at += length * struct.calcsize(_SCALARS[inner])
        elif inner == _STRING:
            at, read, data = self._at, struct.Struct("<Q").unpack_from, self._data
            for _ in range(length):  # the vocabulary: hundreds of thousands, hence no call to a method
                at += 8 + read(data, at)[0]
            self._at = at
        else:
            raise _Damaged("its header has a list of lists")
        if self._at > len(self._data):
            raise _Damaged("a list in its header runs past the end")
        return None

    def _tensor(self, header: _Header) -> int:
        """Count the tensor at hand; where it ends, from the start of the data."""
        from gguf.constants import GGML_QUANT_SIZES

        self._string()
        dimensions = self._number("<I")
        if dimensions > _MOST_DIMENSIONS:
            raise _Damaged(f"a tensor claims {dimensions} dimensions")
        elements = math.prod(self._number("<Q") for _ in range(dimensions))
        kind, offset = self._number("<I"), self._number("<Q")
        if kind not in GGML_QUANT_SIZES:
            raise _Damaged(f"a tensor has the unknown type {kind}")
        block, size = GGML_QUANT_SIZES[kind]
        header.parameters += elements
        header.tensor_types[kind] += elements // block * size
        return offset + elements // block * size  # type: ignore[no-any-return]


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
