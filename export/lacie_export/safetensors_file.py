"""Safetensors, read and written a tensor at a time, so that a 7B model passes through a few hundred megabytes.

The library maps whole files and writes whole shards from memory; a merge keeps every tensor's name, type and shape, so
the new shard has the very header of the old one and can be written as the old one is read. The format (eight bytes of
length, a JSON header, the data): https://github.com/huggingface/safetensors#format
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_chat.foreign_json import parse_json, read_json
from lacie_export.errors import ExportError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_MOST_HEADER = 100 << 20


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """A tensor's place in a shard: `start` is counted from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Shard:
    """One safetensors file: its header as bytes (with the length before it) and its tensors in file order."""

    path: Path
    header: bytes
    tensors: tuple[TensorEntry, ...]


def read_shard(path: Path) -> Shard:
    """Read and check one file's header. Raises ExportError: missing, damaged, cut short."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(8)
            length = int.from_bytes(first, "little")
            if len(first) < 8 or length > min(size - 8, _MOST_HEADER):
                raise damaged(path, "its header doesn't fit into the file")
            header = file.read(length)
        entries = parse_json(header, most=_MOST_HEADER)
        tensors = tuple(
            sorted(
                (_entry(path, name, value, 8 + length) for name, value in entries.items() if name != "__metadata__"),
                key=lambda tensor: tensor.start,
            )
        )
    except OSError as error:
        raise ExportError(f"{path} can't be read: {error.strerror or error}") from error
    except (ValueError, AttributeError) as error:
        raise damaged(path, "its header is not JSON") from error
    except (KeyError, TypeError) as error:
        raise damaged(path, f"its header lacks {error}") from error
    end = 8 + length
    for tensor in tensors:
        if tensor.start != end:
            raise damaged(path, f"{tensor.name} doesn't follow on the tensor before it")
        end += tensor.size
    if end != size:
        raise damaged(path, f"it has {size} bytes where its header says {end}")
    return Shard(path, first + header, tensors)


def _entry(path: Path, name: str, value: Mapping[str, Any], base: int) -> TensorEntry:
    start, end = value["data_offsets"]
    entry = TensorEntry(name, value["dtype"], tuple(value["shape"]), base + start, end - start)
    if entry.dtype in SIZES and entry.size != math.prod(entry.shape) * SIZES[entry.dtype]:
        raise damaged(path, f"{name} has {entry.size} bytes for the shape {list(entry.shape)} in {entry.dtype}")
    return entry


def read_shards(folder: Path) -> list[Shard]:
    """All shards of a model's folder, checked against its index. Raises ExportError."""
    index = folder / INDEX
    if index.is_file():
        try:
            places: dict[str, str] = read_json(index, most=_MOST_HEADER)["weight_map"]
            if any(Path(name).name != name for name in places.values()):
                raise ValueError("a shard lies elsewhere")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(index, "it is no index of shards") from error
        shards = [read_shard(folder / name) for name in sorted(set(places.values()))]
        found = {tensor.name for shard in shards for tensor in shard.tensors}
        missing = sorted(set(places) - found)
        if missing:
            raise damaged(index, f"{missing[0]} is in no shard")
        return shards
    if (folder / SINGLE).is_file():
        return [read_shard(folder / SINGLE)]
    raise ExportError(f"{folder} holds no safetensors model ({SINGLE} or {INDEX})")


def by_name(shards: Sequence[Shard]) -> dict[str, TensorEntry]:
    """Every tensor of a model under its name."""
    return {tensor.name: tensor for shard in shards for tensor in shard.tensors}


def damaged(path: Path, reason: str) -> ExportError:
    """The one line for a broken file."""
    return ExportError(f"{path} is damaged ({reason}); fetch or make it again")
