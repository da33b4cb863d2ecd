"""How much memory a model and its contexts would take, as llama.cpp itself reckons it, without taking it.

llama.cpp's own `--fit` does the same: a model loaded with `no_alloc` reads no weights, and a context over it lays out
its cache and its compute buffers and allocates none of them. So the figures hold for every architecture (a window that
slides, latent attention, recurrent layers, shared layers…), which no formula of ours over the header's keys would.
They are read from the lines that llama.cpp logs, for its C interface has no call for them; that these lines say what
is then really allocated is tested. What it costs is the vocabulary: 0.1 s of CPU time for one of 49,000 tokens, 0.4 s
for 262,000; a context costs 5 ms.
"""

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from llama_cpp import llama_cpp as low

from lacie_chat.engine import native
from lacie_chat.engine.devices import row_bytes
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.parameters import CHECKPOINT_BYTES, CHECKPOINTS, ContextForm
from lacie_chat.gguf_header import GGUFError, Header, read_header

_MIB = 1 << 20
_CACHE = re.compile(r"(?<!buffer )\bsize = +([\d.]+) MiB")
"""What a context keeps: caches of keys and values, and states of recurrent layers."""
_BUFFER = re.compile(r"(\S+) +(?:output|compute) buffer size = +([\d.]+) MiB")
_RECURRENT = "llama_memory_recurrent"
_FLASHES = "Flash Attention enabled"
_LAYER = re.compile(r"^blk\.(\d+)\.")
_INPUT = "token_embd"
_HOST = re.compile(r"^CPU|_Host$")


@dataclass(frozen=True, slots=True)
class ContextSize:
    """Bytes: what is kept of the text (`state`: of that what recurrent layers have), and the buffers to compute with,
    on the host and on devices. `flashes`: whether llama.cpp takes flash attention where it is left to it."""

    cache: int
    state: int
    host_buffers: int
    device_buffers: int
    flashes: bool

    @property
    def total(self) -> int:
        return self.cache + self.host_buffers + self.device_buffers

    @property
    def copies(self) -> int:
        """Of the state of recurrent layers, as a context keeps them to go back to; on the host."""
        return min(CHECKPOINTS * self.state, max(self.state, CHECKPOINT_BYTES))


class DryRun:
    """A model as if it were loaded. Raises EngineError, one line, where it can't be. `close` it."""

    def __init__(self, path: Path, *, gpu_layers: int, reason: Callable[[list[str]], str]) -> None:
        self._path, self._reason = path, reason
        self._sizes: dict[ContextForm, ContextSize] = {}
        params = native.model_params()
        params.no_alloc, params.load_mode = True, low.LLAMA_LOAD_MODE_NONE
        params.n_gpu_layers = gpu_layers
        with native.errors_of() as lines:
            self._handle: Any = low.llama_model_load_from_file(os.fsencode(path), params)
            if not self._handle:
                raise EngineError(f"The model {path} can't be loaded: {reason(lines())}.")
        self.weights = int(low.llama_model_size(self._handle))
        self.parameters = int(low.llama_model_n_params(self._handle))
        self.own_length = int(low.llama_model_n_ctx_train(self._handle))
        self.layers = int(low.llama_model_n_layer(self._handle))

    def size(self, form: ContextForm) -> ContextSize:
        """Of one context. Raises EngineError where llama.cpp would refuse to make it."""
        if form not in self._sizes:
            self._sizes[form] = self._measured(form)
        return self._sizes[form]

    def _measured(self, form: ContextForm) -> ContextSize:
        with native.errors_of() as errors, native.lines_of() as lines:
            context = low.llama_init_from_model(self._handle, form.parameters())
            if not context:
                raise EngineError(f"{self._path.name} can't be run like this: {self._reason(errors())}.")
            low.llama_free(context)
        cache = state = host = device = 0
        for line in lines:
            if found := _BUFFER.search(line):
                size = round(float(found[2]) * _MIB)
                host, device = (host + size, device) if _HOST.search(found[1]) else (host, device + size)
            elif found := _CACHE.search(line):
                size = round(float(found[1]) * _MIB)
                cache, state = cache + size, state + size * (_RECURRENT in line)
        return ContextSize(cache, state, host, device, any(_FLASHES in line for line in lines))

    def close(self) -> None:
        """Let it go."""
        if self._handle:
            low.llama_model_free(self._handle)
            self._handle = None


class DryRuns:
    """Dry runs by file, each made when it is first asked for: reading a vocabulary twice would be for nothing."""

    def __init__(self, reason: Callable[[list[str]], str]) -> None:
        self._runs: dict[tuple[Path, int], DryRun] = {}
        self._reason = reason

    def of(self, path: Path, *, gpu_layers: int = 0) -> DryRun:
        """That of `path` with so many layers on a GPU (negative: all)."""
        key = path, gpu_layers
        if key not in self._runs:
            self._runs[key] = DryRun(path, gpu_layers=gpu_layers, reason=self._reason)
        return self._runs[key]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for run in self._runs.values():
            run.close()


def parts_of(path: Path, header: Header) -> list[Path]:
    """All files of a model, by the rule that llama.cpp finds them by; just `path` where it isn't split."""
    count = header.keys.get("split.count", 0)
    found = re.search(r"-\d{5}-of-\d{5}\.gguf$", path.name)
    if not isinstance(count, int) or count < 2 or found is None:
        return [path]
    stem = path.name[: found.start()]
    return [path.with_name(f"{stem}-{number:05d}-of-{count:05d}.gguf") for number in range(1, count + 1)]


def bytes_of_file(path: Path, header: Header) -> int:
    """All parts together; those that are missing are llama.cpp's to complain of."""
    total = 0
    for part in parts_of(path, header):
        with contextlib.suppress(OSError):
            total += part.stat().st_size
    return total


def bytes_by_layer(path: Path, header: Header) -> dict[int, int]:
    """Weights in bytes: by layer, of the input under -1 (it always stays on the host) and of the output and whatever
    belongs to no layer under the number of layers, as llama.cpp counts it when it offloads.
    """
    found: dict[int, int] = {}
    layers = header.keys.get(f"{header.keys.get('general.architecture')}.block_count", 0)
    tied = True
    for part in parts_of(path, header):
        try:
            tensors = read_header(part).tensors
        except GGUFError:
            continue
        for tensor in tensors:
            rows = 1
            for length in tensor.shape[1:]:
                rows *= length
            size = row_bytes(tensor.kind, tensor.shape[0] if tensor.shape else 1) * rows
            layer = _LAYER.match(tensor.name)
            tied = tied and tensor.name != "output.weight"
            place = int(layer[1]) if layer else -1 if tensor.name.startswith(_INPUT) else int(layers)
            found[place] = found.get(place, 0) + size
    if tied:  # the output is a second copy of the input there
        found[int(layers)] = found.get(int(layers), 0) + found.get(-1, 0)
    return found
