"""An adapter's file, looked at more closely: llama.cpp takes one without matrices, and one of NaN, and says nothing."""

import math
import mmap
from pathlib import Path

import numpy as np

from lacie_chat.engine.devices import is_finite, row_bytes
from lacie_chat.engine.errors import EngineError
from lacie_chat.gguf_header import read_header

_PARTS = (".lora_a", ".lora_b")


def check_adapter(path: Path) -> None:
    """Raises EngineError, one line: it holds no LoRA, its alpha or one of its values is no finite number. llama.cpp has
    read it before, so formats, lengths and places are what they are to be."""
    header = read_header(path)
    if not any(tensor.name.endswith(_PARTS) for tensor in header.tensors):
        raise EngineError(f"The adapter {path} holds no LoRA matrices: it would change nothing.")
    alpha = header.keys.get("adapter.lora.alpha", 0.0)
    if isinstance(alpha, str) or not math.isfinite(alpha):
        raise EngineError(f"The adapter {path} has an alpha that is no finite number: make it again, or fetch it.")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for tensor in header.tensors:
            size = row_bytes(tensor.kind, tensor.shape[0]) * math.prod(tensor.shape[1:])
            values = np.frombuffer(data, np.uint8, size, header.data + tensor.offset)
            finite = is_finite(tensor.kind, values.ctypes.data, size)
            del values  # the map can't be closed under it
            if not finite:
                raise EngineError(
                    f"The adapter {path} holds values that are no finite numbers (in {tensor.name}): its training "
                    "diverged, or the file is damaged."
                )
