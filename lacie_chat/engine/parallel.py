"""Many short prompts over one prefix, in parallel sequences of one cache: for what is read beside the conversation.

The prefix is copied from the listener's own cache and lies here once, for every sequence shares its cells; all suffixes
together are then read chunk by chunk. Six sentences take 3 decodes instead of 6 on a CPU, where reading is limited by
arithmetic (1.05 s instead of 1.21, embedded model, one thread), and one on a GPU. The cache is emptied before every
call, so the same call gives the same bits; but what lies beside a suffix moves its logits a little on a quantised model
(an acceptance by 0.04 there). So figures read here are compared with each other, and the assessment itself is read one
by one (listening.py).

What runs here can wait: `stop` ends a call between two nodes of the graph, from any thread.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as low

from lacie_chat.engine.context import common_prefix
from lacie_chat.engine.decoding import ABORTED, Batch, chunk_of, make_context, row_of_logits
from lacie_chat.engine.errors import EngineError, EngineStopped
from lacie_chat.engine.listening import KVReader, cut_middle
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import Gate, StopFlag, Stopped

MOST_CTX = 2048
SEQUENCES = 16
"""So many suffixes at once; the sequence with the prefix is one more."""


class ParallelReader:
    """A Reader whose choices are read side by side. `beside` does what is not: completions, and tokens of choices."""

    def __init__(self, model: Model, gate: Gate, beside: KVReader, *, adapter: Any = None) -> None:
        self._model, self._gate, self._beside, self._adapter = model, gate, beside, adapter
        self._chunk = chunk_of(model, speaks=False)
        self._handle: Any = None
        self._batch: Batch | None = None
        self._n_ctx = 0
        self._flag = StopFlag()
        self._busy = Lock()
        self._closed = False

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """See Reader. Raises EngineStopped after `stop`, EngineError where it can't be done."""
        if not suffixes:
            return []
        model = self._model
        columns = [self._beside.choice_tokens(prefix + suffix, choices) for suffix in suffixes]
        head = model.with_bos(model.tokenise(prefix))
        prompts = [model.with_bos(model.tokenise(prefix + suffix)) for suffix in suffixes]
        if not all(prompts):
            raise EngineError("There is nothing to read: the prompt is empty.")
        same = min(min(common_prefix(head, prompt), len(prompt) - 1) for prompt in prompts)
        with self._busy:
            self._flag = flag = StopFlag()
            try:
                self._open(flag)
                if len(head) > self._n_ctx // 2:
                    raise EngineError(f"A prompt of {len(head)} tokens is too long to be read in parallel.")
                room = (self._n_ctx - same) // 2
                rests = [cut_middle(prompt[same:], room) for prompt in prompts]
                rows: list[npt.NDArray[np.float64]] = []
                for wave in _waves([len(rest) for rest in rests], self._n_ctx - same):
                    self._enter(head, same, flag)
                    rows += self._read(same, [rests[index] for index in wave], flag)
            except Stopped:
                raise EngineStopped("The reading was stopped.") from None
        return [
            [float(sum(row[token] for token in sorted(tokens))) for tokens in each]
            for row, each in zip(rows, columns, strict=True)
        ]

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See Reader; one by one. Raises EngineStopped after `stop`."""
        with self._busy:
            self._flag = flag = StopFlag()
            try:
                return self._beside.complete(prefix, suffixes, max_tokens=max_tokens, stop=stop, flag=flag)
            except Stopped:
                raise EngineStopped("The reading was stopped.") from None

    def stop(self) -> None:
        """End the call in progress with EngineStopped; no-op when idle."""
        self._flag.set()

    def free(self) -> None:
        """Let the cache go. The caller holds the gate."""
        if self._handle is not None:
            if self._batch is not None:
                self._batch.free()
            low.llama_free(self._handle)
            self._handle = self._batch = None
        self._closed = True

    @contextmanager
    def _passed(self, flag: StopFlag) -> Iterator[None]:
        """The gate's turn. Raises Stopped, or EngineError when the engine was closed meanwhile."""
        with self._gate.passed(flag):
            if self._closed:
                raise EngineError("The engine is closed.")
            if flag.is_set():
                raise Stopped
            yield

    def _open(self, flag: StopFlag) -> None:
        if self._closed:
            raise EngineError("The engine is closed.")
        if self._handle is not None:
            return
        with self._passed(flag):
            self._handle = make_context(
                self._model,
                min(MOST_CTX, self._model.reader_ctx),
                batch=self._chunk,
                sequences=SEQUENCES + 1,
                outputs=SEQUENCES + 1,
                adapter=self._adapter,
                speaks=False,
                refusal=f"There isn't enough memory to read in parallel with {self._model.path.name}.",
            )
        self._n_ctx = int(low.llama_n_ctx(self._handle))
        self._batch = Batch(self._chunk)

    def _enter(self, head: list[int], length: int, flag: StopFlag) -> None:
        """Have just the first `length` tokens of `head` in the cache, as every sequence's beginning.

        They are copied from the reader beside us, which reads `head` if it hasn't yet.
        """
        if not self._beside.cuts:
            head = head[:length]
        data = self._beside.snapshot(head, flag).data if head else None
        memory = low.llama_get_memory(self._handle)
        with self._passed(flag):
            low.llama_memory_clear(memory, True)
            if data is not None and low.llama_state_seq_set_data(self._handle, data, len(data), 0) == 0:
                raise EngineError("llama.cpp could not restore a cache; see the log.")
            kept = bool(low.llama_memory_seq_rm(memory, 0, length, -1))
            if not kept:
                low.llama_memory_clear(memory, True)
        if not kept:
            self._decode([(token, place, 0, False) for place, token in enumerate(head[:length])], flag)
        with self._passed(flag):
            for sequence in range(1, SEQUENCES + 1):
                low.llama_memory_seq_cp(memory, 0, sequence, -1, -1)

    def _read(self, start: int, rests: list[list[int]], flag: StopFlag) -> list[npt.NDArray[np.float64]]:
        """The softmax after each of `rests`, each in a sequence of its own from position `start` on."""
        return self._decode(
            [
                (token, start + place, sequence, place + 1 == len(rest))
                for sequence, rest in enumerate(rests, start=1)
                for place, token in enumerate(rest)
            ],
            flag,
        )

    def _decode(self, tokens: list[tuple[int, int, int, bool]], flag: StopFlag) -> list[npt.NDArray[np.float64]]:
        """Decode (token, position, sequence, wanted) chunk by chunk; the softmax of each wanted row, in order."""
        assert self._batch is not None  # made with the handle
        rows = []
        for begin in range(0, len(tokens), self._chunk):
            part = tokens[begin : begin + self._chunk]
            with self._passed(flag):
                flag.watch(self._handle)
                result = self._batch.decode(self._handle, part)
                if result == ABORTED:
                    raise Stopped
                if result != 0:
                    raise EngineError(f"llama.cpp could not read in parallel (code {result}); see the log.")
                for place, (*_, wanted) in enumerate(part):
                    if wanted:
                        rows.append(self._softmax(place))
        return rows

    def _softmax(self, place: int) -> npt.NDArray[np.float64]:
        logits = row_of_logits(self._handle, place, self._model).astype(np.float64)
        values = np.exp(logits - logits.max())
        result: npt.NDArray[np.float64] = values / values.sum()
        return result


def _waves(lengths: Sequence[int], cells: int) -> list[list[int]]:
    """Consecutive suffixes that fit the cache together, at most SEQUENCES; each alone fits."""
    waves: list[list[int]] = []
    used = cells + 1
    for index, length in enumerate(lengths):
        if used + length > cells or len(waves[-1]) == SEQUENCES:
            waves.append([])
            used = 0
        waves[-1].append(index)
        used += length
    return waves
