"""What an engine is started with, and what one generation is asked for. Plain values, sent to the child as they are."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from lacie_chat.engine.errors import EngineError
from lacie_chat.listener_files import ListenerFiles

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message as the chat template sees it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer has said so far, that is to go on; with what was thought before it."""

    text: str
    reasoning: str = ""


KVType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
FlashAttention = Literal["auto", "on", "off"]
UNQUANTISED: tuple[KVType, ...] = ("f32", "f16", "bf16")
SHORTEST_CONTEXT = 256
AUTOMATIC = -1
"""`gpu_layers`: as many as fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How a model is run on this machine: plain values, one a key of a settings file's table or a flag.

    `n_ctx` None: as much of the model's own length as memory allows (memory.py has the rule). `threads` generate, None:
    LACIE_THREADS, else half the cores (>= 1); `reading_threads` read prompts, None: as many. `gpu_layers` AUTOMATIC: as
    many as fit. `kv_type` is what the cache's keys and values are kept in. `batch` tokens are handed over at a time and
    `ubatch` of them computed at a time, None: few on a CPU (an answer must stop at once), 512 on a GPU. `mmap` reads
    the weights from the file where they lie, `mlock` keeps them from being swapped out.

    The listener is not run by all of it: it always hears with the same batch and cache, so that its figures don't
    hang on these.
    """

    n_ctx: int | None = None
    threads: int | None = None
    reading_threads: int | None = None
    gpu_layers: int = AUTOMATIC
    flash_attention: FlashAttention = "auto"
    kv_type: KVType = "f16"
    batch: int | None = None
    ubatch: int | None = None
    mmap: bool = True
    mlock: bool = False

    def check(self) -> None:
        """Raises EngineError, one line, for a value that makes no sense."""
        for name in ("threads", "reading_threads", "batch", "ubatch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise EngineError(f"{name} must be a whole number of at least 1, not {value}.")
        if self.n_ctx is not None and self.n_ctx < SHORTEST_CONTEXT:
            raise EngineError(f"A context of {self.n_ctx} tokens is too short: at least {SHORTEST_CONTEXT}.")
        if self.gpu_layers < AUTOMATIC:
            raise EngineError(f"gpu_layers must be 0 or more, not {self.gpu_layers}.")
        for name, known in (("kv_type", get_args(KVType)), ("flash_attention", get_args(FlashAttention))):
            value = getattr(self, name)
            if value not in known:
                raise EngineError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
        if self.ubatch is not None and self.batch is not None and self.ubatch > self.batch:
            raise EngineError(f"ubatch ({self.ubatch}) can't be more than batch ({self.batch}): it is a part of it.")
        if self.flash_attention == "off" and self.kv_type not in UNQUANTISED:
            raise EngineError(
                f"A cache of {self.kv_type} needs flash attention: leave it on, or take f32, f16 or bf16."
            )

    def of_listener(self) -> "Machine":
        """How a listener beside this speaker is run."""
        layers = 0 if self.gpu_layers == 0 else AUTOMATIC
        return Machine(threads=self.threads, reading_threads=self.reading_threads, gpu_layers=layers, mmap=self.mmap)


USUAL = Machine()


@dataclass(frozen=True, slots=True)
class EngineSettings(Machine):
    """What speaks, on which terms. `listener` None: the model itself hears, by a prompt.

    Answers come with the adapter of `adapter_path` unless they are asked for otherwise; memory is kept free for a
    context with each of the `further_adapters` too."""

    model_path: Path
    adapter_path: Path | None = None
    listener: ListenerFiles | None = None
    further_adapters: tuple[Path, ...] = ()

    @property
    def machine(self) -> Machine:
        """Just how it is run."""
        return Machine(**{each.name: getattr(self, each.name) for each in fields(Machine)})

    @property
    def adapters(self) -> tuple[Path, ...]:
        """All that are loaded with the weights."""
        return (*filter(None, [self.adapter_path]), *self.further_adapters)

    @property
    def ears(self) -> ListenerFiles:
        """Who hears."""
        # not above: the package it is in brings numpy, and the interface must open at once
        from lacie_chat.confidence.version import version_of_prompted

        return self.listener or ListenerFiles(self.model_path, version_of_prompted(self.model_path.stem))


ReasoningChoice = Literal["on", "off"] | int | None
"""Whether the model thinks before it answers: `on`, `off`, at most so many tokens, or as the model does (None)."""

PENALTY_WINDOW = 64
"""Tokens of the answer that the repeat penalty looks back on. Not the question's: answers must repeat its names."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one answer is drawn, by whatever draws it: penalty, top-k, top-p, min-p, temperature, draw, in this order.

    Low temperature by default: greedy is right twice as often as 0.7. `temperature` 0 is greedy. `top_k` 0, `top_p`
    1.0, `min_p` 0 and `repeat_penalty` 1.0 switch those off. What a model's maker recommends: recommended.py. One seed
    gives one text on one machine, as long as no generated token is taken from the cache (context.py says why).
    `max_tokens` are of the answer: what the model thinks before it has room of its own (`reasoning`).
    """

    temperature: float = 0.2
    top_p: float = 0.95
    top_k: int = 40
    repeat_penalty: float = 1.05
    max_tokens: int = 512
    seed: int = 0
    stop: tuple[str, ...] = field(default=())
    reasoning: ReasoningChoice = None
    min_p: float = 0.0
    longest_thought: int | None = None
    """Tokens that a thought may take, whether it is asked for or the model's own way; None: what there is room for."""
