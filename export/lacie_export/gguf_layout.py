"""The layout of a GGUF, and other metadata for one, its tensors untouched: copied with some keys left out, others
added.

The converter guesses `general.*` from folder names and paths, and the quantiser can add only short texts (128 bytes),
so the keys are written here, last. Tensor offsets count from the start of the data, hence the data is copied as one
block. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import os
import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lacie_chat.gguf_header import GGUFError, Header, Tensor, read_header
from lacie_export.errors import ExportError, writing

Value = bool | int | float | str | Sequence[str]
"""What is written: flags, unsigned 32 bit, float32, texts, lists of texts."""

_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9
_BLOCK = 16 << 20


def stamp(source: Path, target: Path, keys: Mapping[str, Value], *, drop: Callable[[str], bool]) -> None:
    """Copy the GGUF `source` to `target` with `keys`; keys of the source that `drop` names, or that are given anew,
    go."""
    header = _header(source)
    kept = [place for name, place in header.places.items() if name not in keys and not drop(name)]
    with writing(target), source.open("rb") as old, target.open("wb") as new:
        new.write(b"GGUF" + struct.pack("<IQQ", 3, len(header.tensors), len(kept) + len(keys)))
        for start, end in kept:
            old.seek(start)
            new.write(old.read(end - start))
        for name, value in keys.items():
            new.write(_text(name) + _packed(name, value))
        old.seek(header.tensor_list[0])
        new.write(old.read(header.tensor_list[1] - header.tensor_list[0]))
        new.write(bytes(-new.tell() % header.alignment))
        old.seek(header.data)
        shutil.copyfileobj(old, new, _BLOCK)
        new.flush()
        os.fsync(new.fileno())


def tensors(path: Path) -> tuple[Tensor, ...]:
    """The tensor list of a GGUF. Raises ExportError."""
    return _header(path).tensors


def texts(path: Path) -> dict[str, str]:
    """The keys of a GGUF whose values are texts. Raises ExportError."""
    return {name: value for name, value in _header(path).keys.items() if isinstance(value, str)}


def _header(path: Path) -> Header:
    try:
        return read_header(path)
    except GGUFError as error:
        raise ExportError(str(error)) from error


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
