"""Text and choice probabilities from transformers, in batches; for models that llama.cpp or vLLM do not serve here.

Sampling is a loop of our own, for three reasons. Each response draws its random numbers from its own seed, so a row
does not depend on how many rows were drawn before it. The prompt is read once and its KV cache repeated for all
samples of a question. And rows that have ended leave the batch. A token is drawn by inverting the cumulative
distribution at one uniform number a token; the numbers come from numpy's Philox, which is the same on every device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from lacie_chat.engine.generator import Response, choice_tokens
from lacie_chat.engine.settings import PENALTY_WINDOW, ChatTurn, Sampling
from lacie_training.errors import TrainingError
from lacie_training.generators.loading import load_model, load_tokenizer, memory_errors, torch_device, torch_dtype
from lacie_training.generators.memory import batch_that_fits
from lacie_training.recipes.models import Batch, ModelSettings

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LOWER = "a lower speaker.batch_size or listener.batch_size"


class TransformersGenerator:
    """A causal LM and its tokenizer; `adapter` (a PEFT folder) speaks, and is off whenever the model reads."""

    def __init__(
        self, model: PreTrainedModel | Any, tokenizer: PreTrainedTokenizerBase, *, batch_size: Batch, context: int
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.batch_size = batch_that_fits(model, context) if batch_size == "auto" else batch_size
        self.context = context
        self._bos = getattr(tokenizer, "bos_token_id", None) if _adds_bos(tokenizer) else None
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        self._ends = {token for token in [*ends, tokenizer.eos_token_id] if token is not None}

    @classmethod
    def load(
        cls, settings: ModelSettings, *, adapter: Path | None = None, name: str = "speaker"
    ) -> TransformersGenerator:
        """Load as the recipe says; `name` is the recipe's section, for messages."""
        device = torch_device(settings.device, setting=f"{name}.device")
        dtype = torch_dtype(settings.dtype, device)
        model: Any = load_model(settings, dtype=dtype, device=device, quantize=settings.quantize)
        if adapter is not None:
            from peft import PeftModel

            try:
                model = PeftModel.from_pretrained(model, str(adapter))
            except (OSError, ValueError, RuntimeError) as error:
                reason = str(error).splitlines()[0]
                raise TrainingError(f"the adapter {adapter} can't be loaded onto {settings.model}: {reason}") from error
        model.eval()
        tokenizer = load_tokenizer(settings.model, settings.revision)
        return cls(model, tokenizer, batch_size=settings.batch_size, context=settings.context)

    @property
    def reader(self) -> TransformersGenerator:
        """Itself: the two reading methods switch the adapter off."""
        return self

    def close(self) -> None:
        """Let go of the weights."""
        self.model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def render(self, turns: Sequence[ChatTurn]) -> str:
        """A chat prompt by the tokenizer's template. Raises TrainingError for a model that has none."""
        if not self.tokenizer.chat_template:
            raise TrainingError("the model has no chat template; set speaker.format=plain")
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        text = cast(str, self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        bos = self.tokenizer.bos_token if self._bos is not None else None
        return text.removeprefix(bos) if bos else text

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """See `Generator`. Prompts of like length go together; results come in the given order."""
        stop = (*sampling.stop, *stop)
        encoded = self.encode_all(prompts)
        order = sorted(range(len(prompts)), key=lambda index: len(encoded[index]))
        results: list[list[Response]] = [[] for _ in prompts]
        with self._evaluating(), memory_errors(LOWER):
            for batch in _batches(order, [len(each) for each in seeds], self.batch_size):
                drawn = self._draw([encoded[i] for i in batch], sampling, [seeds[i] for i in batch], stop)
                for index, responses in zip(batch, drawn, strict=True):
                    results[index] = responses
        return results

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """See `Reader`; only the last position's logits are computed."""
        texts = [prefix + suffix for suffix in suffixes]
        encoded = [ids[-self.context :] for ids in self.encode_all(texts)]
        tokens: dict[str, list[set[int]]] = {}  # by the last line: a token never reaches over the line break before it
        rows: list[list[float]] = [[] for _ in suffixes]
        with self._evaluating(), self._without_adapter(), memory_errors(LOWER):
            for batch in self._by_length(encoded):
                probabilities = self._prefill([encoded[i] for i in batch])[0].logits[:, -1].float().softmax(-1).cpu()
                for place, index in enumerate(batch):
                    ending = texts[index].rpartition("\n")[2]
                    if ending not in tokens:
                        tokens[ending] = choice_tokens(self.encode, texts[index], choices)
                    rows[index] = [
                        float(sum(probabilities[place, token].item() for token in each)) for each in tokens[ending]
                    ]
        return rows

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See `Reader`; greedy."""
        greedy = Sampling(temperature=0.0, repeat_penalty=1.0, max_tokens=max_tokens)
        encoded = self.encode_all([prefix + suffix for suffix in suffixes])
        texts = [""] * len(suffixes)
        with self._evaluating(), self._without_adapter(), memory_errors(LOWER):
            for batch in self._by_length(encoded):
                drawn = self._draw([encoded[i] for i in batch], greedy, [[0]] * len(batch), stop, strip=False)
                for index, responses in zip(batch, drawn, strict=True):
                    texts[index] = responses[0].text
        return texts

    def encode(self, text: str) -> list[int]:
        """Token ids with the BOS in front where this tokenizer wants one (and only one)."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, of many texts in one call of the tokenizer."""
        if not texts:
            return []
        found = [list(ids) for ids in self.tokenizer(list(texts), add_special_tokens=False).input_ids]
        return [[self._bos, *ids] if self._bos is not None and ids[:1] != [self._bos] else ids for ids in found]

    # -- inside ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """No gradients, no dropout; a model in training goes back to training."""
        was_training = self.model.training
        self.model.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            if was_training:
                self.model.train()

    def _without_adapter(self) -> AbstractContextManager[Any]:
        from peft import PeftModel

        return self.model.disable_adapter() if isinstance(self.model, PeftModel) else nullcontext()

    @property
    def _device(self) -> torch.device:
        return next(iter(self.model.parameters())).device

    def _by_length(self, encoded: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Places of rows of like length together, a batch at a time: little is padded."""
        order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def _prefill(self, encoded: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Read token rows; what all begin with (a fixed prompt, a template) once. The output and its attention mask."""
        shared = _shared_prefix(encoded)
        if shared < 2 or len(encoded) == 1:
            return self._read(encoded)
        cache = self._read([encoded[0][:shared]])[0].past_key_values
        cache.batch_repeat_interleave(len(encoded))
        return self._read([ids[shared:] for ids in encoded], cache, shared)

    def _read(self, encoded: Sequence[Sequence[int]], cache: Any = None, past: int = 0) -> tuple[Any, Any]:
        """Read token rows, padded on the left, after `past` cached tokens that they share."""
        longest = max(len(ids) for ids in encoded)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (longest - len(row)) + list(row) for row in encoded], device=self._device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in encoded], device=self._device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0) + past
        mask = torch.cat([torch.ones(len(encoded), past, dtype=mask.dtype, device=mask.device), mask], dim=1)
        output = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output, mask

    def _draw(
        self,
        encoded: Sequence[list[int]],
        sampling: Sampling,
        seeds: Sequence[Sequence[int]],
        stop: Sequence[str],
        *,
        strip: bool = True,
    ) -> list[list[Response]]:
        room = self.context - sampling.max_tokens
        output, mask = self._prefill([ids[-room:] for ids in encoded])
        repeats = torch.tensor([len(each) for each in seeds], device=self._device)
        source = torch.repeat_interleave(torch.arange(len(seeds), device=self._device), repeats)
        cache = output.past_key_values
        cache.batch_select_indices(source)
        mask, logits = mask[source], output.logits[source, -1]
        position = mask.sum(-1)
        uniforms = torch.tensor(
            np.stack([_uniforms(seed, sampling.max_tokens) for each in seeds for seed in each]), device=self._device
        )
        rows = _Rows(len(source), self.tokenizer, self._ends, stop)
        alive = torch.arange(len(source), device=self._device)
        for step in range(sampling.max_tokens):
            if sampling.repeat_penalty != 1:
                logits = penalise(logits, [rows.tokens[row] for row in alive.tolist()], sampling.repeat_penalty)
            chosen = pick(logits, sampling, uniforms[alive, step])
            going_on = rows.add(alive.tolist(), chosen.tolist())
            if not going_on or step + 1 == sampling.max_tokens:
                break
            if len(going_on) < len(alive):
                keep = torch.tensor(going_on, device=self._device)
                cache.batch_select_indices(keep)
                alive, mask, position, chosen = alive[keep], mask[keep], position[keep], chosen[keep]
            mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=1)
            output = self.model(
                input_ids=chosen[:, None],
                attention_mask=mask,
                position_ids=position[:, None],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache, logits, position = output.past_key_values, output.logits[:, -1], position + 1
        responses = iter(rows.responses(strip))
        return [[next(responses) for _ in each] for each in seeds]


class _Rows:
    """The texts that grow in one batch, and when each ends."""

    def __init__(self, count: int, tokenizer: PreTrainedTokenizerBase, ends: set[int], stop: Sequence[str]) -> None:
        self.tokens: list[list[int]] = [[] for _ in range(count)]
        self.finished = [False] * count
        self.tokenizer, self.ends, self.stop = tokenizer, ends, tuple(stop)

    def add(self, rows: Sequence[int], tokens: Sequence[int]) -> list[int]:
        """Add one token to each row; returns the places (in `rows`) that go on."""
        going_on = []
        for place, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            if token in self.ends:
                self.finished[row] = True
                continue
            self.tokens[row].append(token)
            if self.stop and self._stopped(row):
                self.finished[row] = True
                continue
            going_on.append(place)
        return going_on

    def _text(self, row: int) -> str:
        return cast(str, self.tokenizer.decode(self.tokens[row], skip_special_tokens=True))

    def _stopped(self, row: int) -> bool:
        text = self._text(row)
        return any(mark in text.lstrip("\n ") for mark in self.stop)

    def responses(self, strip: bool) -> list[Response]:
        result = []
        for row, tokens in enumerate(self.tokens):
            text = self._text(row)
            if self.stop:
                lead = len(text) - len(text.lstrip("\n "))
                cuts = [text.find(mark, lead) for mark in self.stop]
                text = text[: min((cut for cut in cuts if cut >= 0), default=len(text))]
            finish = "stop" if self.finished[row] else "length"
            result.append(Response(text.strip() if strip else text, cast(Any, finish), len(tokens)))
        return result


def penalise(logits: torch.Tensor, answers: Sequence[list[int]], penalty: float) -> torch.Tensor:
    """Logits (rows x vocabulary) with the repeat penalty on the last tokens of each row's answer, as llama.cpp has it:
    a positive logit is divided by it, any other multiplied, once a token.
    """
    logits = logits.float().clone()
    for row, tokens in enumerate(answers):
        recent = sorted(set(tokens[-PENALTY_WINDOW:]))
        found = logits[row, recent]
        logits[row, recent] = torch.where(found > 0, found / penalty, found * penalty)
    return logits


def pick(logits: torch.Tensor, sampling: Sampling, uniform: torch.Tensor) -> torch.Tensor:
    """One token a row: greedy at temperature 0, else by inverting the cumulative distribution at `uniform`. As in
    llama.cpp top-k and top-p cut the model's own distribution, before the temperature changes it.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    logits = logits.float()
    if sampling.top_k:
        floor = logits.topk(min(sampling.top_k, logits.size(-1)), dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < floor, -torch.inf)
    if sampling.top_p < 1:
        ordered, order = logits.softmax(-1).sort(dim=-1, descending=True)
        outside = ordered.cumsum(-1) - ordered >= sampling.top_p
        logits = logits.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), -torch.inf)
    probabilities = (logits / sampling.temperature).softmax(-1)
    cumulative = probabilities.double().cumsum(-1)
    target = uniform[:, None].double() * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True).clamp(max=logits.size(-1) - 1).squeeze(-1)


def _uniforms(seed: int, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.Generator(np.random.Philox(seed)).random(count)


def _adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer itself puts its BOS before a text."""
    bos = tokenizer.bos_token_id
    return bos is not None and list(tokenizer("a").input_ids)[:1] == [bos]


def _batches(order: Sequence[int], sizes: Sequence[int], most: int) -> Iterator[list[int]]:
    """Consecutive prompts whose responses together are at most `most` (a prompt alone may be more)."""
    batch: list[int] = []
    for index in order:
        if batch and sum(sizes[i] for i in batch) + sizes[index] > most:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _shared_prefix(encoded: Sequence[Sequence[int]]) -> int:
    """Tokens that all rows begin with, but for each row's last (it must be read for its logits)."""
    shortest = min(len(ids) for ids in encoded) - 1
    first = encoded[0]
    for place in range(shortest):
        if any(ids[place] != first[place] for ids in encoded):
            return place
    return shortest
