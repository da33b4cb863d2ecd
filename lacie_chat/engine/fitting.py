"""Which settings a model is run with where the user leaves them open, and whether it fits at all.

Counted is all that one speaker may come to allocate: its weights (every part of a split file), a cache for the answers
and, where there is an adapter, a second one without it (both are made when first used), the shorter ones of answers
drawn aside, the listener with its own weights and caches, and the buffers to compute with (dry_run.py asks llama.cpp).

**The context** is the model's own length, if what it takes is at most half of the memory that is free beside all else:
caches are filled when they are made, and whoever opens a chat wants to go on using the machine. Where half isn't
enough, it is as long as half allows; but up to 4096 tokens it may take all there is. It is never refused unless not
even 512 tokens fit. A length that the user asks for is taken or refused, with the nearest one that fits.

**GPU layers**: all, if they fit with their caches beside a gibibyte kept free; else a context of 4096 tokens and as
many layers as fit. Layers go to the GPU from the last one on, the output counts as one more, as llama.cpp does it.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lacie_chat.engine.devices import Device
from lacie_chat.engine.dry_run import ContextSize, DryRun, bytes_by_layer, bytes_of_file
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.memory import GIB, MIB, available_bytes
from lacie_chat.engine.parameters import ContextForm, chunk_of
from lacie_chat.engine.settings import AUTOMATIC, SHORTEST_CONTEXT, UNQUANTISED, USUAL, EngineSettings, KVType, Machine
from lacie_chat.gguf_header import Header
from lacie_chat.sizes import size_text

LEAST_CTX, WANTED_CTX = 512, 4096
_STEP = 256
"""llama.cpp rounds a context's length to it."""
_BESIDES = 64 * MIB
"""Vocabulary, graphs, Python: 17 MiB were measured for a vocabulary of 49,000 tokens, 43 for one of 262,000."""
_TYPES: tuple[KVType, ...] = ("q8_0", "q4_0")
_SMALLER = "use a smaller model or quantisation"


@dataclass(frozen=True, slots=True)
class ContextNeed:
    """A context that may be made, and what for. `n_ctx` None: of the speaker's length; `follows`: never longer than the
    speaker's. `keeps`: copies of a recurrent model's state beside it. `speaks`: with the cache and the batch of the
    user's settings; `batch` None: as these have it, or as is usual."""

    purpose: str
    n_ctx: int | None = None
    batch: int | None = None
    sequences: int = 1
    outputs: int = 1
    speaks: bool = True
    follows: bool = False
    keeps: bool = False

    def form(self, n_ctx: int, machine: Machine, *, on_gpu: bool) -> ContextForm:
        """It, where the speaker has `n_ctx` tokens."""
        length = n_ctx if self.n_ctx is None else min(self.n_ctx, n_ctx) if self.follows else self.n_ctx
        machine = replace(machine, n_ctx=None) if self.speaks else USUAL
        batch = self.batch or chunk_of(machine, on_gpu=on_gpu)
        return ContextForm(length, batch, self.sequences, self.outputs, machine)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model is run with. `needed` is by purpose, in bytes; `why` says it for people, by setting."""

    n_ctx: int
    gpu_layers: int
    needed: dict[str, int]
    why: dict[str, str] = field(default_factory=dict)


class Fitting:
    """One model on this machine. `beside`: bytes of what isn't over these weights (the listener). Memory is what
    `available` and `gpus` say."""

    def __init__(
        self,
        settings: EngineSettings,
        header: Header,
        needs: Sequence[ContextNeed],
        run: Callable[[int], DryRun],
        *,
        gpus: Sequence[Device],
        beside: int = 0,
        available: int | None = None,
    ) -> None:
        self._settings, self._header, self._needs, self._beside = settings, header, needs, beside
        self._gpus = gpus if settings.gpu_layers != 0 else ()
        self._runs, self._run = run, run(AUTOMATIC if self._gpus else 0)
        self._available = available_bytes() if available is None else available
        self._own = self._run.own_length or WANTED_CTX
        self._file = bytes_of_file(settings.model_path, header)
        self._layers = self._run.layers + 1
        self._by_layer = bytes_by_layer(settings.model_path, header) if self._gpus else {}

    def fit(self) -> Fit:
        """The settings. Raises EngineError, one line with figures, where it doesn't fit."""
        settings = self._settings
        asked = settings.n_ctx and max(SHORTEST_CONTEXT, min(settings.n_ctx, self._own))
        layers = min(settings.gpu_layers, self._layers) if settings.gpu_layers != AUTOMATIC else None
        if not self._gpus:
            layers = 0
        if asked:
            n_ctx = asked
            layers = self._most_layers(n_ctx) if layers is None else layers
        elif layers is None:
            n_ctx = self._longest(self._layers)
            layers = self._layers
            if n_ctx < min(WANTED_CTX, self._own):
                layers = self._most_layers(min(WANTED_CTX, self._own))
                n_ctx = self._longest(layers)
        else:
            n_ctx = self._longest(layers)
        if 0 < layers < self._layers:  # buffers are others where a graph is split: count them again
            self._run = self._runs(layers)
            while settings.gpu_layers == AUTOMATIC and layers and not self._fits(n_ctx, layers):
                layers -= 1
        if not self._fits(n_ctx, layers):
            raise EngineError(self._refusal(n_ctx, layers))
        return Fit(n_ctx, layers, self._needed(n_ctx), self._why(n_ctx, layers))

    # -- counting -------------------------------------------------------------------------------------------------

    def _sizes(self, n_ctx: int, machine: Machine | None = None) -> list[tuple[ContextNeed, ContextSize]]:
        machine = machine or self._settings.machine
        forms = [(need, need.form(n_ctx, machine, on_gpu=bool(self._gpus))) for need in self._needs]
        return [(need, self._run.size(form)) for need, form in forms]

    def _needed(self, n_ctx: int, machine: Machine | None = None) -> dict[str, int]:
        """All of it, wherever it lies."""
        needed = {"weights": max(self._run.weights, self._file)}
        for adapter in self._settings.adapters:
            with contextlib.suppress(OSError):  # who loads it says what is wrong with it
                needed["adapter"] = needed.get("adapter", 0) + adapter.stat().st_size
        for need, size in self._sizes(n_ctx, machine):
            needed[need.purpose] = needed.get(need.purpose, 0) + size.total + need.keeps * size.copies
        if self._beside:
            needed["listener"] = needed.get("listener", 0) + self._beside
        return needed | {"besides": _BESIDES}

    def _on_gpu(self, n_ctx: int, layers: int) -> int:
        """Bytes on the devices with so many layers there; the listener goes there too where the speaker does."""
        if not layers:
            return 0
        first = self._layers - layers  # the output is layer number `_layers - 1`
        weights = sum(size for layer, size in self._by_layer.items() if layer >= first)
        share = (layers - 1) / max(1, self._layers - 1)  # the output has no cache
        sizes = [size for _, size in self._sizes(n_ctx)]
        return weights + round(sum(size.cache * share + size.device_buffers for size in sizes)) + self._beside

    def _fits(self, n_ctx: int, layers: int, machine: Machine | None = None, *, room: float = 1.0) -> bool:
        """`room`: the share of the memory that is free beside the shortest context which caches may take."""
        total = sum(self._needed(n_ctx, machine).values())
        there = self._on_gpu(n_ctx, layers)
        shared = all(gpu.shares_memory for gpu in self._gpus)
        here = total if not there or shared else total - there
        fixed = 0 if room == 1.0 else sum(self._needed(min(LEAST_CTX, self._own), machine).values())
        if room < 1.0 and (not there or shared):
            return here <= fixed + (self._available - fixed) * room and self._free(layers) >= there
        if room < 1.0:
            least = self._on_gpu(min(LEAST_CTX, self._own), layers)
            return here <= self._available and there <= least + (self._free(layers) - least) * room
        return here <= self._available and there <= self._free(layers)

    def _free(self, layers: int) -> int:
        """Memory of the devices that may be taken: all but a GiB (or a tenth) each."""
        return sum(max(0, gpu.free - min(GIB, gpu.total // 10)) for gpu in self._gpus) if layers else 0

    def _longest(self, layers: int) -> int:
        """The length that the rule at the top gives; LEAST_CTX where nothing fits."""
        if self._fits(self._own, layers, room=0.5):
            return self._own
        half = self._longest_that(lambda n: self._fits(n, layers, room=0.5))
        if half >= WANTED_CTX:
            return half
        return max(self._longest_that(lambda n: n <= WANTED_CTX and self._fits(n, layers)), min(LEAST_CTX, self._own))

    def _longest_that(self, holds: Callable[[int], bool]) -> int:
        """The largest length, a multiple of the step, for which it holds; 0 for none. Memory grows with the length."""
        low, high = 0, self._own // _STEP
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if holds(middle * _STEP) else (low, middle - 1)
        return low * _STEP

    def _most_layers(self, n_ctx: int) -> int:
        found = [layers for layers in range(self._layers + 1) if self._fits(n_ctx, layers)]
        return max(found, default=0)

    # -- telling --------------------------------------------------------------------------------------------------

    def _refusal(self, n_ctx: int, layers: int) -> str:
        needed = self._needed(n_ctx)
        there = self._on_gpu(n_ctx, layers)
        names = {"answers": f"answers with a context of {n_ctx:,} tokens"}
        parts = ", ".join(f"{names.get(name, name)} {size_text(size)}" for name, size in needed.items())
        line = (
            f"Not enough memory for {self._settings.model_path}: it needs {size_text(sum(needed.values()))} ({parts})"
        )
        if there > self._free(layers):
            line += f", {size_text(there)} of it on the GPU, where {size_text(self._free(layers))} can be taken;"
        else:
            line += f" and {size_text(self._available)} are available;"
        advice = list(self._advice(n_ctx, layers))
        if any(need.speaks and need.sequences > 1 for need in self._needs):
            return f"{line} {_SMALLER}, or answer fewer at once (--batch-size)."
        return f"{line} {' or '.join(advice)} would fit." if advice else f"{line} {_SMALLER}."

    def _advice(self, n_ctx: int, layers: int) -> Iterable[str]:
        """The nearest settings that fit, as flags."""
        shorter = self._longest_that(lambda n: n < n_ctx and self._fits(n, layers))
        if shorter >= SHORTEST_CONTEXT:
            yield f"--context {shorter}"
        machine = self._settings.machine
        for kind in _TYPES if machine.kv_type in UNQUANTISED and machine.flash_attention != "off" else ():
            try:
                fits = self._fits(n_ctx, layers, replace(machine, kv_type=kind))
            except EngineError:  # heads that such a cache can't hold
                continue
            if fits:
                yield f"--kv-type {kind}"
                break
        if layers and (fewer := self._most_layers(n_ctx)) and fewer < layers:
            yield f"--gpu-layers {fewer}"

    def _why(self, n_ctx: int, layers: int) -> dict[str, str]:
        return {
            "context": self._why_so_long(n_ctx, layers),
            "memory": f"{size_text(sum(self._needed(n_ctx).values()))} of {size_text(self._available)} available: "
            + ", ".join(f"{name} {size_text(size)}" for name, size in self._needed(n_ctx).items()),
            "GPU layers": self._why_layers(layers),
            "flash attention": self._why_flashes(n_ctx),
        }

    def _why_so_long(self, n_ctx: int, layers: int) -> str:
        asked = self._settings.n_ctx
        if asked and asked > self._own:
            return f"{n_ctx:,} tokens: {asked:,} were asked for, but it is all that the model was made for"
        if asked:
            return f"{n_ctx:,} tokens, as asked (the model's own length is {self._own:,})"
        if n_ctx == self._own:
            return f"{n_ctx:,} tokens, the model's own length"
        if n_ctx == WANTED_CTX and self._gpus and layers < self._layers:
            which = "more would leave the GPU to fewer layers"
        else:
            which = f"they take {'half of what is free beside the rest' if n_ctx >= WANTED_CTX else 'all that is free'}"
        return f"{n_ctx:,} of the model's {self._own:,} tokens: {which}; --context asks for more"

    def _why_layers(self, layers: int) -> str:
        settings = self._settings
        if settings.gpu_layers == 0:
            return "none, as asked"
        if not self._gpus:
            asked = " (some were asked for)" if settings.gpu_layers > 0 else ""
            return f"none{asked}: this build of llama.cpp has no GPU, or found none"
        names = " and ".join(gpu.description or gpu.name for gpu in self._gpus)
        if settings.gpu_layers > 0:
            return f"{layers} of {self._layers} on {names}, as asked"
        if layers == self._layers:
            return f"all {layers} on {names}: they fit"
        return f"{layers} of {self._layers} on {names}: more don't fit beside the context"

    def _why_flashes(self, n_ctx: int) -> str:
        machine = self._settings.machine
        if machine.flash_attention != "auto":
            return f"{machine.flash_attention}, as asked"
        if machine.kv_type not in UNQUANTISED:
            return f"on: a cache of {machine.kv_type} needs it"
        flashes = any(size.flashes for need, size in self._sizes(n_ctx) if need.speaks)
        return "on: the model allows it" if flashes else "off: not with this model"


def refuse_weights(path: Path, size: int) -> None:
    """Raise EngineError where not even the weights fit: before native code sees the file; for the CPU only."""
    available = available_bytes()
    if size > available:
        raise EngineError(
            f"Not enough memory for {path}: its weights alone are {size_text(size)} and {size_text(available)} are "
            f"available; {_SMALLER}."
        )
