"""The one place where llama.cpp's contexts, batches and samplers are made, and where an adapter is laid over a context.

The chat's answers (context.py, speaker.py), answers in batches (batches.py), reading side by side (parallel.py) and the
proof of an export (lacie_export/native.py) all go through here: what is drawn in one of them is drawn in the same way
in the others, and a figure that was measured in one holds for them all. Who changes how text is drawn raises
SAMPLER_VERSION in confidence/version.py.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as low

from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.model import Model
from lacie_chat.engine.parameters import ContextForm
from lacie_chat.engine.parameters import chunk_of as usual_chunk
from lacie_chat.engine.settings import PENALTY_WINDOW, USUAL, Sampling

ABORTED, NO_SLOT = 2, 1
"""What `llama_decode` returns beside 0: stopped by its flag; no room in the cache."""
_BLOCK = 256


def chunk_of(model: Model, *, speaks: bool = True) -> int:
    """Tokens to be read at a time, in what `speaks` as the user's settings have it."""
    return usual_chunk(model.machine if speaks else USUAL, on_gpu=model.on_gpu)


def make_context(
    model: Model,
    n_ctx: int,
    *,
    batch: int,
    refusal: str,
    sequences: int = 1,
    outputs: int = 1,
    adapter: Any = None,
    speaks: bool = True,
) -> Any:
    """A context of `n_ctx` tokens that reads `batch` tokens at a time, with `adapter` over the weights. Several
    `sequences` share one pool of cells. `outputs`: rows of logits kept (one is 11 MiB instead of 514 with a vocabulary
    of 262k). What `speaks` has the cache that the user's settings ask for; what hears has always the same. Raises
    EngineError: `refusal` where there is no memory; an adapter that can't be attached.
    """
    form = ContextForm(n_ctx, batch, sequences, outputs, model.machine if speaks else USUAL)
    params = form.parameters()
    params.n_threads, params.n_threads_batch = model.threads, model.reading_threads
    handle = low.llama_init_from_model(model.handle, params)
    if not handle:
        raise EngineError(refusal)
    if adapter is not None:
        adapters = (low.llama_adapter_lora_p_ctypes * 1)(adapter)
        if low.llama_set_adapters_lora(handle, adapters, 1, (ctypes.c_float * 1)(1.0)) != 0:
            low.llama_free(handle)
            raise EngineError(f"The adapter can't be attached to {model.path.name}.")
    return handle


def row_of_logits(handle: Any, place: int, model: Model) -> npt.NDArray[np.float32]:
    """The logits of the batch's token at `place` (-1: the last), a view of llama.cpp's own buffer: valid until the next
    decode. Shape (vocabulary,).
    """
    return np.ctypeslib.as_array(low.llama_get_logits_ith(handle, place), shape=(model.vocabulary,))


def decode_next(handle: Any, tokens: Sequence[int]) -> int:
    """Decode `tokens` after what the one sequence of a context holds; the logits of the last are kept. Returns as
    `Batch.decode` does.
    """
    array = (low.llama_token * len(tokens))(*tokens)  # the batch only points at it
    return int(low.llama_decode(handle, low.llama_batch_get_one(array, len(tokens))))


class Batch:
    """Tokens for one decode, each with its position and sequence, up to `size` of them."""

    def __init__(self, size: int) -> None:
        self._batch = low.llama_batch_init(size, 0, 1)

    def decode(self, handle: Any, tokens: Sequence[tuple[int, int, int, bool]]) -> int:
        """Decode (token, position, sequence, wanted); the logits of the wanted ones are kept. Returns llama.cpp's code:
        0 done, else ABORTED, NO_SLOT or what it is.
        """
        batch = self._batch
        for place, (token, position, sequence, wanted) in enumerate(tokens):
            batch.token[place], batch.pos[place] = token, position
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, sequence
            batch.logits[place] = wanted
        batch.n_tokens = len(tokens)
        return int(low.llama_decode(handle, batch))

    def free(self) -> None:
        """Let its arrays go."""
        low.llama_batch_free(self._batch)


def make_sampler(sampling: Sampling, model: Model, seed: int) -> Any:
    """llama.cpp's sampler chain in its usual order: penalty, top-k, top-p, min-p, temperature, draw. One for each
    answer: it keeps the answer's last tokens and its own random numbers. Free it with `free_sampler`.
    """
    chain = low.llama_sampler_chain_init(low.llama_sampler_chain_default_params())
    if sampling.repeat_penalty > 0 and sampling.repeat_penalty != 1.0:
        penalties = low.llama_sampler_init_penalties(
            model.vocabulary, PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0
        )
        low.llama_sampler_chain_add(chain, penalties)
    if sampling.temperature <= 0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_greedy())
        return chain
    if sampling.top_k > 0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1.0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_top_p(max(0.0, sampling.top_p), 1))
    if sampling.min_p > 0.0:
        low.llama_sampler_chain_add(chain, low.llama_sampler_init_min_p(min(1.0, sampling.min_p), 1))
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_temp(sampling.temperature))
    low.llama_sampler_chain_add(chain, low.llama_sampler_init_dist(seed & 0xFFFFFFFF))
    return chain


def draw_token(sampler: Any, handle: Any, place: int) -> int:
    """The next token by the logits at `place` of the last batch (-1: its last); the sampler takes note of it."""
    return int(low.llama_sampler_sample(sampler, handle, place))


def accept(sampler: Any, token: int) -> None:
    """Have the sampler take note of a token that was drawn before."""
    low.llama_sampler_accept(sampler, token)


def log_probability(logits: npt.NDArray[np.float32], token: int) -> float:
    """Natural log of the token's probability under the plain softmax (before penalty, temperature and cuts)."""
    peak = logits.max()
    return float(logits[token] - peak - np.log(np.exp(logits - peak).sum()))


def likeliest(logits: npt.NDArray[np.float32], count: int) -> list[int]:
    """The `count` tokens with the highest logits, the first one first.

    The `count`-th highest of the blocks' maxima is a bound that few tokens reach, found in one pass. Sorting or
    `argpartition` over a vocabulary of 49k cost a hundred times as much, a tenth of the time of a small model's token.
    """
    whole = len(logits) // _BLOCK * _BLOCK
    maxima = logits[:whole].reshape(-1, _BLOCK).max(axis=1)
    bound = np.partition(maxima, -count)[-count] if len(maxima) >= count else -np.inf
    reached = np.flatnonzero(logits >= bound)
    return [int(token) for token in reached[np.argsort(-logits[reached], kind="stable")[:count]]]


def reset_sampler(sampler: Any) -> None:
    """Have a sampler forget the tokens that it has seen, and begin its random numbers anew."""
    low.llama_sampler_reset(sampler)


def free_sampler(sampler: Any) -> None:
    """Let a sampler go."""
    low.llama_sampler_free(sampler)


@contextmanager
def sampler_of(sampling: Sampling, model: Model) -> Iterator[Any]:
    """The sampler of one answer, with the sampling's own seed."""
    chain = make_sampler(sampling, model, sampling.seed)
    try:
        yield chain
    finally:
        free_sampler(chain)
