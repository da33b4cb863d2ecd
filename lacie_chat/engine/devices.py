"""What this build of llama.cpp can compute with, and how much memory is free there.

`python -m lacie_chat.engine.devices` prints it as JSON: `lacie doctor` asks in a process of its own, for a driver that
is broken may end whoever loads it.
"""

import ctypes
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, Literal

from llama_cpp import llama_cpp as low
from llama_cpp._ggml import libggml

DeviceKind = Literal["cpu", "gpu", "integrated gpu", "accelerator", "other"]
_KINDS: tuple[DeviceKind, ...] = ("cpu", "gpu", "integrated gpu", "accelerator")  # enum ggml_backend_dev_type


@dataclass(frozen=True, slots=True)
class Device:
    """`backend` is CPU, CUDA, Metal, Vulkan…; `free` and `total` are bytes, 0 where the driver doesn't say. A CPU's
    `free` is all that the system has: memory.py knows better."""

    name: str
    description: str
    backend: str
    kind: DeviceKind
    free: int
    total: int

    @property
    def offloads(self) -> bool:
        """Whether layers can be put there."""
        return self.kind in ("gpu", "integrated gpu")

    @property
    def shares_memory(self) -> bool:
        """Whether its memory is the system's, so that what lies there is counted once for both."""
        return self.kind == "integrated gpu" or self.backend in ("Metal", "MTL")


def devices() -> list[Device]:
    """All of them, in llama.cpp's order, the CPU among them. `native.start` comes first."""
    count = _function("ggml_backend_dev_count", ctypes.c_size_t)()
    get = _function("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return [_device(get(index)) for index in range(count)]


def _device(handle: int) -> Device:
    text = {
        name: _function(f"ggml_backend_{name}", ctypes.c_char_p, ctypes.c_void_p)
        for name in ("dev_name", "dev_description", "reg_name")
    }
    registry = _function("ggml_backend_dev_backend_reg", ctypes.c_void_p, ctypes.c_void_p)(handle)
    kind = _function("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)(handle)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    sizes = ctypes.POINTER(ctypes.c_size_t)
    _function("ggml_backend_dev_memory", None, ctypes.c_void_p, sizes, sizes)(handle, free, total)
    return Device(
        name=text["dev_name"](handle).decode("utf-8", "replace"),
        description=text["dev_description"](handle).decode("utf-8", "replace"),
        backend=text["reg_name"](registry).decode("utf-8", "replace"),
        kind=_KINDS[kind] if kind < len(_KINDS) else "other",
        free=free.value,
        total=total.value,
    )


def _function(name: str, result: Any, *arguments: Any) -> Any:
    """A function of the ggml that llama.cpp itself uses, found through libllama, whose library it is. A wheel has
    copies of one library under several names where there should be links: `_ggml.libggml` is loaded a second time, and
    its list of devices is another. Where a library doesn't give its own libraries' names (Windows) there is only one.
    """
    function = getattr(low._lib if hasattr(low._lib, name) else libggml, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


def row_bytes(kind: int, length: int) -> int:
    """Bytes of a row of `length` values of GGML's type `kind`."""
    return int(_function("ggml_row_size", ctypes.c_size_t, ctypes.c_int, ctypes.c_int64)(kind, length))


def is_finite(kind: int, address: int, size: int) -> bool:
    """Whether these bytes, values of GGML's type `kind`, hold no NaN and no infinity: as llama.cpp checks a model's."""
    check = _function("ggml_validate_row_data", ctypes.c_bool, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
    return bool(check(kind, address, size))


def main() -> int:
    """Print what there is as one JSON object."""
    low.llama_backend_init()
    found = {"offloads": bool(low.llama_supports_gpu_offload()), "devices": [asdict(each) for each in devices()]}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
