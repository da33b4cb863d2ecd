"""One llama.cpp context: a KV cache over the shared weights, read in chunks, cut back, and stopped at once.

Results depend a little on how a prompt was cut into batches, and on where in the cache its tokens lie: on a quantised
model the logits then differ by up to 1. So a context holds one sequence, always in the first cells, reads prompts in
chunks of one fixed size, and takes up earlier work only at a place where a chunk ended. A prompt whose start is cached
therefore gives the same logits, bit by bit, as a fresh one, except where the cached start holds generated tokens (these
were read one by one); reading a long answer again on every turn would cost seconds for nothing one can see.

Recurrent and hybrid models (Mamba, LFM2, Falcon-H1, Granite 4-H, Qwen3.5, Nemotron-H) keep a state of all they have
read, and no part of it can be forgotten: `llama_memory_seq_rm` refuses. For them a context can keep copies of the state
at ends of chunks; it goes back to the last one before the place it should, or to nothing, and says so. Whoever reads on
looks at `tokens` for what is still there, never at what was asked for.
"""

import ctypes
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as low

from lacie_chat.engine.decoding import (
    ABORTED,
    NO_SLOT,
    chunk_of,
    decode_next,
    draw_token,
    likeliest,
    log_probability,
    make_context,
    row_of_logits,
)
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import ALTERNATIVES
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import Gate, StopFlag, Stopped
from lacie_chat.engine.parameters import CHECKPOINT_BYTES, CHECKPOINTS

if TYPE_CHECKING:
    from lacie_chat.engine.going_on import LastAnswer

_CHUNKS_BETWEEN = 8
"""Within a long prompt the state is copied after so many chunks."""


class ContextFull(Exception):
    """No room for another token. Internal to the package."""


class Context:
    """`gate` is shared by all contexts of a model: one decode at a time, for two would fight over the same threads.

    `checkpoints`: keep copies of the state where the model's memory can't be cut back. `speaks`: with the batch and the
    cache of the user's settings.
    """

    def __init__(
        self,
        model: Model,
        n_ctx: int,
        gate: Gate,
        *,
        adapter: Any = None,
        chunk: int | None = None,
        checkpoints: bool = False,
        speaks: bool = True,
    ) -> None:
        self._model = model
        self._gate = gate
        self.turn = Gate()
        """Held by whoever works with this cache over several decodes."""
        self.chunk = chunk or chunk_of(model, speaks=speaks)
        handle = make_context(
            model,
            n_ctx,
            batch=self.chunk,
            adapter=adapter,
            speaks=speaks,
            refusal=(
                f"There isn't enough memory for a context of {n_ctx} tokens with {model.path.name}: use a shorter one."
            ),
        )
        self._handle = handle
        self._memory = low.llama_get_memory(handle)
        self._flag = StopFlag()
        self._alive = threading.Lock()
        """What touches the cache between two decodes holds it, so that `free` can't come under it."""
        self.n_ctx = int(low.llama_n_ctx(handle))
        self.tokens: list[int] = []
        self.last: LastAnswer | None = None
        """What was written in it last."""
        self._ends: list[int] = []  # where chunks ended, ascending: the places to go back to
        self.cuts = not model.recurrent
        """Whether it can go back to any place."""
        self._keeps = checkpoints and not self.cuts
        self._checkpoints: list[_Checkpoint] = []  # ascending, each at one of the ends

    def reuse(self, tokens: list[int]) -> int:
        """Keep of the cache what also begins `tokens`; returns how many are kept (never all: one must be read)."""
        same = common_prefix(self.tokens, tokens[:-1])
        index = bisect_right(self._ends, same)
        self.cut_back(self._ends[index - 1] if index else 0)
        return len(self.tokens)

    def cut_back(self, length: int) -> bool:
        """Forget everything after the first `length` tokens; False where more had to be forgotten (see `tokens`)."""
        with self._alive:
            self._check_open()
            while self._checkpoints and self._checkpoints[-1].length > length:
                self._checkpoints.pop()
            kept = length
            if not low.llama_memory_seq_rm(self._memory, 0, length, -1):
                kept = self._go_back()
        del self.tokens[kept:]
        while self._ends and self._ends[-1] > kept:
            self._ends.pop()
        return kept == length

    def _go_back(self) -> int:
        """Put the last checkpoint's state back, or clear the cache; returns how many tokens it then holds."""
        if self._checkpoints:
            last, partial = self._checkpoints[-1], low.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY
            size = len(last.data)
            if (
                low.llama_state_seq_set_data_ext(self._handle, last.data, size, 0, partial) == size
                and low.llama_memory_seq_rm(self._memory, 0, last.length, -1)  # a hybrid's attention layers
            ):
                return last.length
        self._checkpoints.clear()
        low.llama_memory_clear(self._memory, True)
        return 0

    def _checkpoint(self) -> None:
        """Keep a copy of the state as it is now (without the attention layers' cells, which can be cut)."""
        length = len(self.tokens)
        if not length or (self._checkpoints and self._checkpoints[-1].length == length):
            return
        partial = low.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY
        with self._alive:
            self._check_open()
            size = low.llama_state_seq_get_size_ext(self._handle, 0, partial)
            data = (ctypes.c_uint8 * size)()
            if low.llama_state_seq_get_data_ext(self._handle, data, size, 0, partial) != size:
                return  # it only has to read more, later
            self._checkpoints.append(_Checkpoint(length, data))
            while len(self._checkpoints) > max(1, min(CHECKPOINTS, CHECKPOINT_BYTES // size)):
                del self._checkpoints[0]

    def read(self, tokens: list[int], flag: StopFlag) -> Iterator[int]:
        """Decode `tokens` chunk by chunk; yields how many are done. Raises Stopped; the last whole chunk stays."""
        for start in range(0, len(tokens), self.chunk):
            if self._keeps and (start + self.chunk >= len(tokens) or start // self.chunk % _CHUNKS_BETWEEN == 0):
                self._checkpoint()  # before the last chunk: the same prompt again must read at least one token
            part = tokens[start : start + self.chunk]
            self._decode(part, flag)
            yield start + len(part)

    def step(self, token: int, flag: StopFlag) -> None:
        """Decode one token. Raises Stopped, or ContextFull."""
        self._decode([token], flag)

    def _decode(self, tokens: list[int], flag: StopFlag) -> None:
        if len(self.tokens) + len(tokens) > self.n_ctx:
            raise ContextFull
        with self._gate.passed(flag):
            self._check_open()
            if flag.is_set():
                raise Stopped
            self._flag = flag  # kept alive: llama.cpp reads its bytes
            flag.watch(self._handle)
            result = decode_next(self._handle, tokens)
            if result == 0:
                self.tokens += tokens
                self._ends.append(len(self.tokens))
                return
            self.cut_back(len(self.tokens))  # parts of the chunk may be in the cache
        if result == ABORTED:
            raise Stopped
        if result == NO_SLOT:
            raise ContextFull
        raise EngineError(f"llama.cpp could not go on with {self._model.path.name} (code {result}); see the log.")

    def logits(self) -> npt.NDArray[np.float32]:
        """The last row, a view of llama.cpp's own buffer: valid until the next decode."""
        return row_of_logits(self._handle, -1, self._model)

    def sample(self, sampler: Any, flag: StopFlag) -> tuple[int, float, list[tuple[int, float]]]:
        """Draw the next token; returns it with its log probability under the plain softmax of the model, and the
        likeliest tokens there with theirs."""
        with self._gate.passed(flag):
            self._check_open()
            if flag.is_set():
                raise Stopped
            logits = self.logits()
            token = draw_token(sampler, self._handle, -1)
            logprob = log_probability(logits, token)
            found = likeliest(logits, ALTERNATIVES)
            others = [(each, min(0.0, logprob + float(logits[each] - logits[token]))) for each in found]
        return token, logprob, others

    def likeliest(self, flag: StopFlag) -> int:
        """The token with the highest logit."""
        with self._gate.passed(flag):
            self._check_open()
            return int(self.logits().argmax())

    def probabilities(self, flag: StopFlag) -> npt.NDArray[np.float64]:
        """Softmax of the last row over the whole vocabulary."""
        with self._gate.passed(flag):
            self._check_open()
            logits = self.logits().astype(np.float64)
        values = np.exp(logits - logits.max())
        result: npt.NDArray[np.float64] = values / values.sum()
        return result

    def save(self) -> "Snapshot":
        """A copy of the cache as it is."""
        with self._alive:
            self._check_open()
            size = low.llama_state_seq_get_size(self._handle, 0)
            data = (ctypes.c_uint8 * size)()
            if low.llama_state_seq_get_data(self._handle, data, size, 0) != size:
                raise EngineError(f"llama.cpp could not copy the cache of {self._model.path.name}; see the log.")
        return Snapshot(data, list(self.tokens), list(self._ends))

    def restore(self, snapshot: "Snapshot") -> None:
        """Put a copy back; what the cache held is gone. Bit-identical to having read it just now."""
        self.cut_back(0)
        with self._alive:
            self._check_open()
            if low.llama_state_seq_set_data(self._handle, snapshot.data, len(snapshot.data), 0) == 0:
                raise EngineError(f"llama.cpp could not restore the cache of {self._model.path.name}; see the log.")
        self.tokens, self._ends = list(snapshot.tokens), list(snapshot.ends)

    def _check_open(self) -> None:
        if self._handle is None:
            raise EngineError("The engine is closed.")

    def free(self) -> None:
        """Let the cache go. The caller holds the gate."""
        with self._alive:
            if self._handle is not None:
                low.llama_free(self._handle)
                self._handle = None


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """The state of a recurrent or hybrid model after `length` tokens."""

    length: int
    data: "ctypes.Array[ctypes.c_uint8]"


class Snapshot:
    """A cache's contents, to be put back later."""

    def __init__(self, data: "ctypes.Array[ctypes.c_uint8]", tokens: list[int], ends: list[int]) -> None:
        self.data, self.tokens, self.ends = data, tokens, ends


def common_prefix(left: list[int], right: list[int]) -> int:
    """How many tokens the two have in common at their start."""
    length = min(len(left), len(right))
    if left[:length] == right[:length]:
        return length
    return next(i for i in range(length) if left[i] != right[i])
