"""The one reader of GGUF headers: what a file says of itself, read before native code sees it.

llama.cpp answers most damaged files with an error, but an absurd count makes it abort the whole process; so every count
is bounded here, and every read by the file's end. The header is read through a memory map that steps over the
vocabulary: `gguf.GGUFReader` makes several arrays for each token, 2.5 s for a vocabulary of 49,000; this takes 15 ms.
The engine looks at a file first with it, `models` reads facts and metadata, and the export copies files by the places
that it gives. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lacie_chat.errors import LacieError

Scalar = int | float | bool | str
Problem = Literal["missing", "a folder", "unreadable", "no GGUF", "empty", "endless", "damaged"]

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MOST_KEYS, _MOST_TENSORS, _MOST_LAYERS, _LONGEST = 1 << 16, 1 << 20, 4096, 1 << 27
_LONGEST_NAME = 1 << 16
"""Bytes of a key, and of a tensor's name: the format's own limit, and more than llama.cpp takes."""
_MOST_TEXTS = 1 << 23
"""In a list: the largest vocabularies have a million, and are walked through one by one."""
_MOST_DIMENSIONS = 8
_ALIGNMENT = "general.alignment"


class GGUFError(LacieError):
    """A file that is no whole GGUF; `problem` is the kind of it, `reason` what the header or the system said."""

    def __init__(self, path: Path, problem: Problem, reason: str = "") -> None:
        super().__init__(_LINES[problem].format(path=path, reason=reason))
        self.problem, self.reason = problem, reason


_LINES: dict[Problem, str] = {
    "missing": "no such file: {path}",
    "a folder": "{path} is a folder; name a .gguf file in it",
    "unreadable": "can't read {path}: {reason}",
    "no GGUF": "{path} is not a GGUF file",
    "empty": "{path} is empty",
    "endless": "{path} is cut short or damaged: its header has no end; fetch it again",
    "damaged": "{path} is damaged or incomplete ({reason}); fetch it again",
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the list: `shape` as GGUF has it (row length first), `kind` GGML's number of its type, `offset` in
    bytes from the start of the data."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """`keys` are the scalar ones, `lists` the short lists of integers (a number a layer); longer ones and lists of
    texts are stepped over. Places are bytes of the file, (start, end): of each key with its value, of the tensor list,
    and `data`, where the tensors' data begins. `size` is the file's. `tensor_count` is known also where the tensors
    themselves weren't read."""

    keys: Mapping[str, Scalar]
    lists: Mapping[str, list[int]]
    tensors: tuple[Tensor, ...]
    places: Mapping[str, tuple[int, int]]
    tensor_list: tuple[int, int]
    data: int
    alignment: int
    size: int
    tensor_count: int


def check_is_gguf(path: Path) -> None:
    """The quick look before anything is loaded: a readable file that begins as a GGUF does. Raises GGUFError."""
    if path.is_dir():
        raise GGUFError(path, "a folder")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        raise GGUFError(path, "missing") from None
    except OSError as error:
        raise GGUFError(path, "unreadable", error.strerror or str(error)) from error
    if magic != b"GGUF":
        raise GGUFError(path, "no GGUF" if magic else "empty")


def read_header(path: Path, *, tensors: bool = True) -> Header:
    """The header of this one file; without `tensors` only up to the last key. Raises GGUFError, one line."""
    check_is_gguf(path)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header(tensors)
    except OSError as error:
        raise GGUFError(path, "unreadable", error.strerror or str(error)) from error
    except (struct.error, OverflowError):  # past the end; an offset beyond what the map can address
        raise GGUFError(path, "endless") from None
    except _Damaged as error:
        raise GGUFError(path, "damaged", str(error)) from None


class _Damaged(Exception):
    """The header makes no sense; the text says where."""


class _Reader:
    """Walks over a mapped GGUF from start to end of its header."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 4

    def header(self, tensors: bool) -> Header:
        version = self._number("<I")
        if not version & 0xFFFF:
            raise _Damaged("it is big-endian")
        if version not in (2, 3):
            raise _Damaged(f"GGUF version {version} is unknown")
        tensor_count, key_count = self._number("<Q"), self._number("<Q")
        if tensor_count > _MOST_TENSORS or key_count > _MOST_KEYS:
            raise _Damaged(f"its header claims {tensor_count} tensors and {key_count} keys")
        keys: dict[str, Scalar] = {}
        lists: dict[str, list[int]] = {}
        places: dict[str, tuple[int, int]] = {}
        for _ in range(key_count):
            start = self._at
            name = self._string(_LONGEST_NAME)
            value = self._value(self._number("<I"))
            if isinstance(value, list):
                lists[name] = value
            elif value is not None:
                keys[name] = value
            places[name] = (start, self._at)
        layers = keys.get(f"{keys.get('general.architecture')}.block_count", 0)
        if not isinstance(layers, int) or layers > _MOST_LAYERS:
            raise _Damaged(f"its header claims {layers} layers")
        alignment = keys.get(_ALIGNMENT, 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise _Damaged("its alignment is no number")
        start = self._at
        found = tuple(self._tensor() for _ in range(tensor_count)) if tensors else ()
        data = -(-self._at // alignment) * alignment
        return Header(keys, lists, found, places, (start, self._at), data, alignment, len(self._data), tensor_count)

    def _number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return value  # type: ignore[no-any-return]

    def _string(self, longest: int = _LONGEST) -> str:
        length = self._number("<Q")
        if length > longest:
            raise _Damaged("its header holds a string of absurd length")
        if length > len(self._data) - self._at:
            raise _Damaged("a text in its header runs past the end")
        start, self._at = self._at, self._at + length
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int) -> Scalar | list[int] | None:
        """The value at hand; None for a list that is stepped over."""
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            raise _Damaged(f"its header has a value of unknown type {kind}")
        inner, length = self._number("<I"), self._number("<Q")
        if length > (_MOST_TEXTS if inner == _STRING else _LONGEST):
            raise _Damaged("a list in its header is of absurd length")
        start = self._at
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
        if inner not in _SCALARS or length > _MOST_LAYERS:
            return None
        numbers = struct.unpack_from(f"<{length}{_SCALARS[inner][1]}", self._data, start)
        return [number for number in numbers if isinstance(number, int)] or None

    def _tensor(self) -> Tensor:
        name = self._string(_LONGEST_NAME)
        dimensions = self._number("<I")
        if dimensions > _MOST_DIMENSIONS:
            raise _Damaged(f"a tensor claims {dimensions} dimensions")
        shape = tuple(self._number("<Q") for _ in range(dimensions))
        return Tensor(name, shape, self._number("<I"), self._number("<Q"))
