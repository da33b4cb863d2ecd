"""Text and choice probabilities from vLLM, for those who outgrow one machine: continuous batching, prefix caching,
tensor and data parallel.

`.constraints-vllm.txt` has the versions that go together. A chunk goes to the engine whole, as token ids, each prompt
encoded once: so a chunk of 1,000 sequences and more keeps the GPU busy, and samples of one question, or the fixed
prompts of extraction and listener, share their prefix's KV blocks. Each response has its own seed; vLLM's batching may
still move a logit's last bits, so "same run" holds for the same vLLM on the same hardware with the same load.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lacie_chat.engine.generator import Response
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.foreign_json import read_json
from lacie_training.errors import TrainingError
from lacie_training.generators.encoding import Choices, Encoding, cut_at
from lacie_training.generators.loading import load_tokenizer
from lacie_training.recipes.models import ALONE, ModelSettings

_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM's `max_lora_rank` may be; more than an adapter needs costs memory and time."""


class VllmGenerator:
    """A model in vLLM's offline engine, perhaps with a PEFT adapter for speaking."""

    def __init__(
        self, engine: Any, encoding: Encoding, adapters: dict[Path, int], context: int, adapter: Path | None
    ) -> None:
        self._engine, self._encoding, self._adapters = engine, encoding, adapters
        self._context, self._adapter = context, adapter

    @classmethod
    def load(
        cls, settings: ModelSettings, *, adapter: Path | None = None, adapters: Sequence[Path] = ()
    ) -> VllmGenerator:
        """Start the engine; `adapters`: all that will speak over these weights (see `sharing`).

        Raises TrainingError where vLLM isn't installed or can't hold the model.
        """
        try:
            from vllm import LLM
        except ImportError as error:
            raise TrainingError(
                "the vllm generator needs vLLM: pip install -c .constraints-vllm.txt '.[embedded,train,vllm]' in a "
                "clone of lacie-chat; or set the generator to transformers"
            ) from error
        rank = max((_rank(each) for each in {*adapters, *([adapter] if adapter else [])}), default=0)
        options: dict[str, Any] = {}
        if rank:
            options |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": next(r for r in _RANKS if r >= rank)}
        if _gpus() < settings.tensor_parallel:  # over several machines, which vLLM does by Ray, and only if told to
            options["distributed_executor_backend"] = "ray"
        if settings.batch_size != "auto":  # else vLLM knows best, by the memory that is there
            options["max_num_seqs"] = settings.batch_size
        try:
            engine = LLM(
                model=settings.model,
                revision=settings.revision,
                dtype=settings.dtype,
                max_model_len=settings.context,
                tensor_parallel_size=settings.tensor_parallel,
                gpu_memory_utilization=settings.gpu_memory or ALONE,
                enable_prefix_caching=True,
                seed=0,
                **options,
            )
        except (ValueError, RuntimeError, OSError) as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise TrainingError(
                f"vLLM can't load {settings.model}: {reason}; lower context, batch_size or gpu_memory if it is memory"
            ) from error
        encoding = Encoding(load_tokenizer(settings.model, settings.revision))
        return cls(engine, encoding, {}, settings.context, adapter)

    def sharing(self, settings: ModelSettings, *, adapter: Path | None = None) -> VllmGenerator:
        """The same engine under other settings (its `context` may be no longer), speaking with another adapter."""
        return VllmGenerator(self._engine, self._encoding, self._adapters, settings.context, adapter)

    @property
    def reader(self) -> VllmGenerator:
        """Itself: the two reading methods never pass the adapter."""
        return self

    def close(self) -> None:
        """Let the engine go; it ends when all that share it have."""
        self._engine = None
        gc.collect()

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        """See `Generator`."""
        return self._encoding.render(turns, arguments)

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """See `Generator`; one request a response, since each has its seed. vLLM reads a shared prompt once."""
        room = self._context - sampling.max_tokens
        encoded = [ids[-room:] for ids in self._encoding.encode_all(prompts)]
        ids = [each for each, own in zip(encoded, seeds, strict=True) for _ in own]
        flat = [seed for own in seeds for seed in own]
        drawn = iter(self._draw(ids, sampling, flat, [*sampling.stop, *stop], self._adapter))
        return [[next(drawn) for _ in own] for own in seeds]

    def choice_probabilities(self, prefix: str, suffixes: Sequence[str], choices: Choices) -> list[list[float]]:
        """See `Reader`; the model's own log-probabilities of just the tokens that are asked for."""
        from vllm import SamplingParams

        texts = [prefix + suffix for suffix in suffixes]
        tokens = [self._encoding.choices_after(text, choices) for text in texts]
        params = [
            SamplingParams(
                temperature=0.0, max_tokens=1, detokenize=False, logprob_token_ids=sorted(set().union(*each))
            )
            for each in tokens
        ]
        rows = []
        for each, output in zip(tokens, self._generate(self._fitting(texts, 1), params), strict=True):
            known = output.logprobs[0] if output.logprobs else {}  # none where no choice has a token of its own
            rows.append([sum(math.exp(known[token].logprob) for token in choice) for choice in each])
        return rows

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See `Reader`; greedy."""
        greedy = Sampling(temperature=0.0, top_p=1.0, top_k=0, repeat_penalty=1.0, max_tokens=max_tokens)
        ids = self._fitting([prefix + suffix for suffix in suffixes], max_tokens)
        drawn = self._draw(ids, greedy, [0] * len(ids), list(stop), None, strip=False)
        return [response.text for response in drawn]

    def _fitting(self, texts: Sequence[str], room: int) -> list[list[int]]:
        return [ids[-(self._context - room) :] for ids in self._encoding.encode_all(texts)]

    def _draw(
        self,
        ids: Sequence[list[int]],
        sampling: Sampling,
        seeds: Sequence[int],
        stop: list[str],
        adapter: Path | None,
        *,
        strip: bool = True,
    ) -> list[Response]:
        request = self._request(adapter)
        outputs = self._generate(ids, _params(sampling, seeds, stop), request)
        # line breaks and spaces that an answer begins with end nothing (see `cut_at`), but vLLM takes them for the end
        blank = [mark for mark in stop if mark[0] in "\n "]
        early = [
            place for place, each in enumerate(outputs) if each.stop_reason in blank and not each.text.strip("\n ")
        ]
        params = _params(sampling, [seeds[place] for place in early], [])
        for place, output in zip(early, self._generate([ids[each] for each in early], params, request), strict=True):
            outputs[place] = output
        return [_response(output, stop, strip) for output in outputs]

    def _request(self, adapter: Path | None) -> Any:
        from vllm.lora.request import LoRARequest

        if adapter is None:
            return None
        number = self._adapters.setdefault(adapter, len(self._adapters) + 1)
        return LoRARequest(f"adapter-{number}", number, str(adapter))

    def _generate(self, ids: Sequence[list[int]], params: Sequence[Any], adapter: Any = None) -> list[Any]:
        """The one completion of each row of ids, all handed to the engine together."""
        if not ids:
            return []
        prompts = [{"prompt_token_ids": row} for row in ids]
        found = self._engine.generate(prompts, list(params), use_tqdm=False, lora_request=adapter)
        return [output.outputs[0] for output in found]


def _params(sampling: Sampling, seeds: Sequence[int], stop: list[str]) -> list[Any]:
    """vLLM's words for how each row is drawn."""
    from vllm import SamplingParams

    return [
        SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_tokens=sampling.max_tokens,
            seed=seed,
            stop=stop or None,
        )
        for seed in seeds
    ]


def _response(output: Any, stop: Sequence[str], strip: bool) -> Response:
    text = cut_at(output.text, stop)
    finish: Literal["stop", "length"] = "stop"
    if output.finish_reason != "stop" and len(text) == len(output.text):
        finish = "length"
    by_token = output.finish_reason == "stop" and not isinstance(
        output.stop_reason, str
    )  # an end token, counted by vLLM
    return Response(text.strip() if strip else text, finish, len(output.token_ids) - by_token)


def _gpus() -> int:
    """Of this machine; 1 where there is none, for vLLM to say so itself."""
    import torch

    return max(1, torch.cuda.device_count())


def _rank(adapter: Path) -> int:
    """Of a PEFT folder."""
    path = adapter / "adapter_config.json"
    try:
        config = read_json(path)
        rank = max([config["r"], *config.get("rank_pattern", {}).values()])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{path} can't be read: {error}") from error
    if rank > _RANKS[-1]:
        raise TrainingError(f"vLLM takes adapters up to rank {_RANKS[-1]}, and {adapter} has {rank}")
    return int(rank)
