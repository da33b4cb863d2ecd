"""Text and choice probabilities from transformers, in batches; for models that llama.cpp or vLLM do not serve here.

Sampling is a loop of our own, for three reasons. Each response draws its random numbers from its own seed, so a row
does not depend on how many rows were drawn before it. The prompt is read once and its KV cache repeated for all
samples of a question. And rows that have ended leave the batch (when they are so many that it pays to copy the rest).
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lacie_chat.engine.generator import Response
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_training.generators.chat_prompts import turn_end
from lacie_training.generators.drawing import Rows, logprobs_of, penalise, pick, uniforms
from lacie_training.generators.encoding import Choices, Encoding
from lacie_training.generators.kv_cache import growing_cache
from lacie_training.generators.loading import load_model, load_tokenizer, memory_errors, torch_device, torch_dtype
from lacie_training.generators.memory import batch_that_fits
from lacie_training.generators.weights import AS_IT_STANDS, Speaks, Weights
from lacie_training.recipes.models import Batch, ModelSettings

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LOWER = "a lower speaker.batch_size or listener.batch_size"

_ENOUGH_ENDED = 0.25
"""Share of a batch's rows that must have ended before the others are copied together: a copy is as dear as a step."""

_PREFIXES_KEPT = 4


class TransformersGenerator:
    """A causal LM and its tokenizer; `adapter` (a PEFT folder) speaks, and is off whenever the model reads."""

    def __init__(
        self,
        model: PreTrainedModel | Any,
        tokenizer: PreTrainedTokenizerBase,
        *,
        batch_size: Batch,
        context: int,
        adapter: Speaks = AS_IT_STANDS,
    ) -> None:
        self._weights = model if isinstance(model, Weights) else Weights(model)
        self._encoding = Encoding(tokenizer)
        self._adapter = adapter
        self._sized = batch_size == "auto"
        self.batch_size = batch_that_fits(self.model, context) if batch_size == "auto" else batch_size
        self.context = context
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        ends = [*ends, tokenizer.eos_token_id, *turn_end(tokenizer)[-1:]]
        self._ends = {token for token in ends if token is not None}
        self._may_stop: dict[tuple[str, ...], dict[int, bool]] = {}
        self._prefixes: dict[tuple[int, ...], Any] = {}

    @classmethod
    def load(
        cls, settings: ModelSettings, *, adapter: Path | None = None, name: str = "speaker"
    ) -> TransformersGenerator:
        """Load as the recipe says; `name` is the recipe's section, for messages."""
        device = torch_device(settings.device, setting=f"{name}.device")
        dtype = torch_dtype(settings.dtype, device)
        model: Any = load_model(settings, dtype=dtype, device=device, quantize=settings.quantize)
        weights = Weights(model.eval(), source=settings.model)
        if adapter is not None:
            weights.put_on(adapter)
        tokenizer = load_tokenizer(settings.model, settings.revision)
        return cls(weights, tokenizer, batch_size=settings.batch_size, context=settings.context, adapter=adapter)

    def sharing(self, settings: ModelSettings, *, adapter: Path | None = None) -> TransformersGenerator:
        """See `SharedGenerator`."""
        if adapter is not None:
            self._weights.put_on(adapter)
        return TransformersGenerator(
            self._weights, self.tokenizer, batch_size=settings.batch_size, context=settings.context, adapter=adapter
        )

    @property
    def model(self) -> Any:
        """The model, with its adapters where it has any."""
        return self._weights.model

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's tokenizer."""
        found: PreTrainedTokenizerBase = self._encoding.tokenizer
        return found

    @property
    def reader(self) -> TransformersGenerator:
        """Itself: the two reading methods switch the adapter off."""
        return self

    def close(self) -> None:
        """Let go of the weights, also for those that share them."""
        self._weights.model = None
        self._prefixes.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        """See `Generator`."""
        return self._encoding.render(turns, arguments)

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """See `Generator`. Prompts of like length go together; results come in the given order."""
        stop = (*sampling.stop, *stop)
        encoded = self.encode_all(prompts)
        results: list[list[Response]] = [[] for _ in prompts]

        def draw(batch: list[int]) -> None:
            own = [seeds[i] for i in batch]
            drawn = self._draw(self._prefill([encoded[i] for i in batch], sampling), sampling, own, stop)
            for index, responses in zip(batch, drawn, strict=True):
                results[index] = responses

        encoded = [ids[-(self.context - sampling.max_tokens) :] for ids in encoded]
        with self._evaluating(), self._weights.speaking(self._adapter):
            self._in_batches(encoded, [len(each) for each in seeds], draw)
        return results

    def choice_probabilities(self, prefix: str, suffixes: Sequence[str], choices: Choices) -> list[list[float]]:
        """See `Reader`; only the last position's logits are computed."""
        texts = [prefix + suffix for suffix in suffixes]
        encoded = [ids[-self.context :] for ids in self.encode_all(texts)]
        tokens = [[sorted(each) for each in self._encoding.choices_after(text, choices)] for text in texts]
        rows: list[list[float]] = [[] for _ in suffixes]

        def read(batch: list[int]) -> None:
            probabilities = self._prefill([encoded[i] for i in batch], shared=shared)[0].float().softmax(-1).cpu()
            for place, index in enumerate(batch):
                rows[index] = [
                    float(sum(probabilities[place, token].item() for token in each)) for each in tokens[index]
                ]

        shared = _shared_prefix(encoded)
        with self._evaluating(), self._weights.speaking(None):
            self._in_batches(encoded, [1] * len(encoded), read)
        return rows

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See `Reader`; greedy."""
        greedy = Sampling(temperature=0.0, repeat_penalty=1.0, max_tokens=max_tokens)
        encoded = self.encode_all([prefix + suffix for suffix in suffixes])
        encoded = [ids[-(self.context - max_tokens) :] for ids in encoded]
        texts = [""] * len(suffixes)

        def read(batch: list[int]) -> None:
            read = self._prefill([encoded[i] for i in batch], greedy, shared=shared)
            for index, responses in zip(
                batch, self._draw(read, greedy, [[0]] * len(batch), stop, strip=False), strict=True
            ):
                texts[index] = responses[0].text

        shared = _shared_prefix(encoded)
        with self._evaluating(), self._weights.speaking(None):
            self._in_batches(encoded, [1] * len(encoded), read)
        return texts

    def encode(self, text: str) -> list[int]:
        """Token ids with the BOS in front where this tokenizer wants one (and only one)."""
        return self._encoding.encode(text)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, of many texts in one call of the tokenizer."""
        return self._encoding.encode_all(texts)

    # -- inside ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """No gradients, no dropout; a model in training goes back to training. Memory that runs out is one line."""
        was_training = self.model.training
        self.model.eval()
        try:
            with torch.inference_mode(), memory_errors(LOWER):
                yield
        finally:
            if was_training:
                self.model.train()

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(iter(self.model.parameters())).device
        return device

    def _in_batches(
        self, encoded: Sequence[Sequence[int]], sizes: Sequence[int], work: Callable[[list[int]], None]
    ) -> None:
        """Call `work` with the places of rows of like length, a batch at a time: little is padded. `sizes`: sequences
        that a row becomes. Where the batch was to fit the memory and doesn't, it is halved.
        """
        todo = deque(sorted(range(len(encoded)), key=lambda index: len(encoded[index])))
        while todo:
            batch = _first(todo, sizes, self.batch_size)
            if self._fits(batch, work):
                for _ in batch:
                    todo.popleft()
            else:
                self.batch_size = max(1, sum(sizes[index] for index in batch) // 2)

    def _fits(self, batch: list[int], work: Callable[[list[int]], None]) -> bool:
        try:
            work(batch)
        except torch.OutOfMemoryError:
            if not self._sized or len(batch) == 1:
                raise
        else:
            return True
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return False

    def _prefill(
        self, encoded: Sequence[Sequence[int]], sampling: Sampling | None = None, shared: int | None = None
    ) -> tuple[Any, Any, Any]:
        """Read token rows; what all begin with (a fixed prompt, a template) once. The next token's logits, the cache
        and its mask. `shared`: how much that is in a whole call of a reader, which is kept for the next one.
        """
        room = max(len(ids) for ids in encoded) + (sampling.max_tokens if sampling else 0)
        own = _shared_prefix(encoded) if shared is None else shared
        if own < 2 or len(encoded) == 1:
            return self._read(encoded, growing_cache(self.model.config, room), 0)
        start = list(encoded[0][:own])
        cache = self._prefixes.get(tuple(start)) if shared is not None else None
        if cache is None:
            cache = growing_cache(self.model.config, room)
            self._read([start], cache, 0)
            if shared is not None:
                while len(self._prefixes) >= _PREFIXES_KEPT:
                    del self._prefixes[next(iter(self._prefixes))]
                self._prefixes[tuple(start)] = cache
        if shared is not None:
            cache = copy.deepcopy(cache)
        cache.batch_repeat_interleave(len(encoded))
        return self._read([ids[own:] for ids in encoded], cache, own)

    def _read(self, encoded: Sequence[Sequence[int]], cache: Any, past: int) -> tuple[Any, Any, Any]:
        """Read token rows, padded on the left, after `past` cached tokens that they share."""
        longest = max(len(ids) for ids in encoded)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (longest - len(row)) + list(row) for row in encoded], device=self._device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in encoded], device=self._device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0) + past
        mask = torch.cat([torch.ones(len(encoded), past, dtype=mask.dtype, device=mask.device), mask], dim=1)
        return self._step(ids, mask, positions, cache), cache, mask

    def _step(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        """The logits after the last of `ids`; the cache grows by them."""
        output = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits

    def _draw(
        self,
        read: tuple[Any, Any, Any],
        sampling: Sampling,
        seeds: Sequence[Sequence[int]],
        stop: Sequence[str],
        *,
        strip: bool = True,
    ) -> list[list[Response]]:
        logits, cache, mask = read
        repeats = torch.tensor([len(each) for each in seeds], device=self._device)
        if int(repeats.max()) > 1 or int(repeats.min()) < 1:
            source = torch.repeat_interleave(torch.arange(len(seeds), device=self._device), repeats)
            cache.batch_select_indices(source)
            mask, logits = mask[source], logits[source]
        numbers = np.stack([uniforms(seed, sampling.max_tokens) for each in seeds for seed in each])
        numbers_there = torch.tensor(numbers, device=self._device)
        position, past = mask.sum(-1), mask.shape[1]
        mask = torch.cat([mask, mask.new_ones(len(mask), sampling.max_tokens)], dim=1)
        may_stop = self._may_stop.setdefault(tuple(stop), {})
        rows = Rows(len(mask), self.tokenizer, self._ends, stop, may_stop)
        alive = list(range(len(mask)))
        for step in range(sampling.max_tokens):
            own = logits
            if sampling.repeat_penalty != 1:
                logits = penalise(logits, [rows.tokens[row] for row in alive], sampling.repeat_penalty)
            chosen = pick(logits, sampling, numbers_there[:, step])
            going_on = rows.add(alive, chosen.tolist(), logprobs_of(own, chosen) if strip else None)
            if not going_on or step + 1 == sampling.max_tokens:
                break
            if len(going_on) <= (1 - _ENOUGH_ENDED) * len(alive):
                keep = torch.tensor(going_on, device=self._device)
                cache.batch_select_indices(keep)
                mask, position, chosen, numbers_there = (each[keep] for each in (mask, position, chosen, numbers_there))
                alive = [alive[place] for place in going_on]
            logits = self._step(chosen[:, None], mask[:, : past + step + 1], position[:, None], cache)
            position = position + 1
        responses = iter(rows.responses(strip))
        return [[next(responses) for _ in each] for each in seeds]


def _first(todo: Sequence[int], sizes: Sequence[int], most: int) -> list[int]:
    """The next rows whose sequences together are at most `most` (a row alone may be more)."""
    batch: list[int] = []
    count = 0
    for index in todo:
        if batch and count + sizes[index] > most:
            break
        batch.append(index)
        count += sizes[index]
    return batch


def _shared_prefix(encoded: Sequence[Sequence[int]]) -> int:
    """Tokens that all rows begin with, but for each row's last (it must be read for its logits)."""
    shortest = min(len(ids) for ids in encoded) - 1
    first = encoded[0]
    for place in range(shortest):
        if any(ids[place] != first[place] for ids in encoded):
            return place
    return shortest
