"""The first facts of a GGUF file, read before native code sees it.

llama.cpp answers most damaged files with an error, but an absurd count makes it abort the whole process, and a file
too big for the memory gets the process killed. Both can be said in one line beforehand, from a few scalar keys that
stand before the vocabulary. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from pathlib import Path
from typing import BinaryIO

from lacie_chat.engine.errors import EngineError

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MOST_KEYS, _MOST_TENSORS, _MOST_LAYERS, _LONGEST = 1 << 16, 1 << 20, 4096, 1 << 27

Value = int | float | bool | str | list[int]


class _Damaged(Exception):
    """The header doesn't make sense; the text says where."""


def read_header(path: Path, what: str = "model") -> dict[str, Value]:
    """The keys of `path` up to its vocabulary. Raises EngineError: missing, a folder, unreadable, no GGUF, damaged."""
    if not path.exists():
        raise EngineError(f"There is no {what} file at {path}.")
    if path.is_dir():
        raise EngineError(f"{path} is a folder, not a {what} file: name a .gguf file inside it.")
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise EngineError(f"{path} is not a GGUF file, so it can't be the {what}.")
            return _keys(file)
    except OSError as error:
        raise EngineError(f"The {what} file {path} can't be read: {error.strerror or error}.") from error
    except (_Damaged, struct.error, UnicodeDecodeError) as error:
        reason = str(error) if isinstance(error, _Damaged) else "its header ends too early or is unreadable"
        raise EngineError(f"{path} is damaged or incomplete ({reason}): fetch it again.") from error


def _keys(file: BinaryIO) -> dict[str, Value]:
    (version,) = struct.unpack("<I", file.read(4))
    if version not in (2, 3):
        raise _Damaged(f"GGUF version {version} is unknown")
    tensors, count = struct.unpack("<QQ", file.read(16))
    if tensors > _MOST_TENSORS or count > _MOST_KEYS:
        raise _Damaged(f"its header claims {tensors} tensors and {count} keys")
    keys: dict[str, Value] = {}
    for _ in range(count):
        name = _string(file)
        (kind,) = struct.unpack("<I", file.read(4))
        if name.startswith("tokenizer.ggml.") and kind == _ARRAY:
            break
        value = _value(file, kind, name)
        if value is not None:
            keys[name] = value
    layers = keys.get(f"{keys.get('general.architecture')}.block_count", 0)
    if not isinstance(layers, int) or layers > _MOST_LAYERS:
        raise _Damaged(f"its header claims {layers} layers")
    return keys


def _string(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _LONGEST:
        raise _Damaged("its header holds a string of absurd length")
    data = file.read(length)
    if len(data) < length:
        raise _Damaged("its header ends too early")
    return data.decode("utf-8")


def _value(file: BinaryIO, kind: int, name: str) -> Value | None:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, length = struct.unpack("<IQ", file.read(12))
        if length > _LONGEST or (inner not in _SCALARS and inner != _STRING):
            raise _Damaged(f"its key {name} is no sensible list")
        items = [_value(file, inner, name) for _ in range(length)]
        return [item for item in items if isinstance(item, int)] or None
    if kind not in _SCALARS:
        raise _Damaged(f"its key {name} has an unknown type")
    form = _SCALARS[kind]
    result: int | float | bool = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return result
