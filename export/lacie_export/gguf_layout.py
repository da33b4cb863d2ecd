"""The layout of a GGUF, and other metadata for one, its tensors untouched: copied with some keys left out, others
added.

The converter guesses `general.*` from folder names and paths, and the quantiser can add only short texts (128 bytes),
so the keys are written here, last. Tensor offsets count from the start of the data, hence the data is copied as one
block. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import os
import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lacie_export.errors import ExportError, writing

Value = bool | int | float | str | Sequence[str]
"""What is written: flags, unsigned 32 bit, float32, texts, lists of texts."""

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9
_ALIGNMENT = "general.alignment"
_BLOCK = 16 << 20


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor of the list: `shape` as GGUF has it (row length first), `kind` GGML's number of its type."""

    name: str
    shape: tuple[int, ...]
    kind: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything is: each key's (start, end), the tensor list's, and the start of the data."""

    tensors: tuple[TensorInfo, ...]
    keys: Mapping[str, tuple[int, int]]
    tensor_list: tuple[int, int]
    data: int
    alignment: int


def stamp(source: Path, target: Path, keys: Mapping[str, Value], *, drop: Callable[[str], bool]) -> None:
    """Copy the GGUF `source` to `target` with `keys`; keys of the source that `drop` names, or that are given anew,
    go."""
    layout = _layout(source)
    kept = [span for name, span in layout.keys.items() if name not in keys and not drop(name)]
    with writing(target), source.open("rb") as old, target.open("wb") as new:
        new.write(b"GGUF" + struct.pack("<IQQ", 3, len(layout.tensors), len(kept) + len(keys)))
        for start, end in kept:
            old.seek(start)
            new.write(old.read(end - start))
        for name, value in keys.items():
            new.write(_text(name) + _packed(name, value))
        old.seek(layout.tensor_list[0])
        new.write(old.read(layout.tensor_list[1] - layout.tensor_list[0]))
        new.write(bytes(-new.tell() % layout.alignment))
        old.seek(layout.data)
        shutil.copyfileobj(old, new, _BLOCK)
        new.flush()
        os.fsync(new.fileno())


def tensors(path: Path) -> tuple[TensorInfo, ...]:
    """The tensor list of a GGUF. Raises ExportError."""
    return _layout(path).tensors


def _text(value: str) -> bytes:
    data = value.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _packed(name: str, value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    if all(isinstance(item, str) for item in value):
        return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + b"".join(map(_text, value))
    raise TypeError(f"{name}: GGUF metadata is scalars, texts and lists of texts here")


def _layout(path: Path) -> _Layout:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _read_layout(data)
        except (struct.error, KeyError, UnicodeDecodeError) as error:
            raise ExportError(f"{path} is no GGUF that can be read") from error


def _read_layout(data: mmap.mmap) -> _Layout:
    magic, version, tensors, count = struct.unpack_from("<4sIQQ", data)
    if magic != b"GGUF" or version not in (2, 3):
        raise KeyError(magic)
    at = 24
    keys: dict[str, tuple[int, int]] = {}
    alignment = 32
    for _ in range(count):
        start = at
        at, name = _skip_text(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        if name == _ALIGNMENT:
            (alignment,) = struct.unpack_from("<I", data, at + 4)
        at = _skip(data, at + 4, kind)
        keys[name] = (start, at)
    list_start = at
    infos = []
    for _ in range(tensors):
        at, name = _skip_text(data, at)
        (dimensions,) = struct.unpack_from("<I", data, at)
        *shape, kind = struct.unpack_from(f"<{dimensions}QI", data, at + 4)
        infos.append(TensorInfo(name, tuple(shape), kind))
        at += 4 + 8 * dimensions + 4 + 8
    return _Layout(tuple(infos), keys, (list_start, at), at + -at % alignment, alignment)


def _skip_text(data: mmap.mmap, at: int) -> tuple[int, str]:
    (length,) = struct.unpack_from("<Q", data, at)
    end = at + 8 + length
    return end, data[at + 8 : end].decode("utf-8")


def _skip(data: mmap.mmap, at: int, kind: int) -> int:
    if kind in _SIZES:
        return at + _SIZES[kind]
    if kind == _STRING:
        (length,) = struct.unpack_from("<Q", data, at)
        return at + 8 + int(length)
    if kind != _ARRAY:
        raise KeyError(kind)
    inner, length = struct.unpack_from("<IQ", data, at)
    at += 12
    if inner in _SIZES:
        return at + int(length) * _SIZES[inner]
    for _ in range(length):
        at = _skip(data, at, inner)
    return at
