"""Text and choice probabilities from vLLM, for those who outgrow one machine: prefix caching, tensor and data
parallel.

The extra `vllm` installs it. Samples of one question, and the fixed prompts of extraction and listener, share their
prefix's KV blocks (`enable_prefix_caching`). Each response has its own seed; vLLM's batching may still move a
logit's last bits, so "same run" holds for the same vLLM on the same hardware with the same load.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lacie_chat.engine.generator import Response, choice_tokens
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.installed import install_extra
from lacie_training.errors import TrainingError
from lacie_training.generators.loading import load_tokenizer
from lacie_training.recipes.models import ALONE, ModelSettings

_MOST_LOGPROBS = 200
"""How far down the next token's ranking a choice is looked for; below that its probability counts as 0."""


class VllmGenerator:
    """A model in vLLM's offline engine, perhaps with a PEFT adapter for speaking."""

    def __init__(self, engine: Any, tokenizer: Any, adapter: Any) -> None:
        self._engine, self._tokenizer, self._adapter = engine, tokenizer, adapter

    @classmethod
    def load(cls, settings: ModelSettings, *, adapter: Path | None = None) -> VllmGenerator:
        """Start the engine. Raises TrainingError where vLLM isn't installed or can't hold the model."""
        try:
            from vllm import LLM
            from vllm.lora.request import LoRARequest
        except ImportError as error:
            raise TrainingError(
                f"the vllm generator needs the extra `vllm` ({install_extra('vllm')}); "
                "or set the generator to transformers"
            ) from error
        try:
            engine = LLM(
                model=settings.model,
                revision=settings.revision,
                dtype="auto" if settings.dtype == "auto" else settings.dtype,
                quantization="bitsandbytes" if settings.quantize == "nf4" else None,
                max_model_len=settings.context,
                max_num_seqs=None if settings.batch_size == "auto" else settings.batch_size,
                max_logprobs=_MOST_LOGPROBS,
                tensor_parallel_size=settings.tensor_parallel,
                gpu_memory_utilization=settings.gpu_memory or ALONE,
                enable_prefix_caching=True,
                enable_lora=adapter is not None,
                max_lora_rank=64,
                seed=0,
            )
        except (ValueError, RuntimeError, OSError) as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise TrainingError(
                f"vLLM can't load {settings.model}: {reason}; lower context, batch_size or gpu_memory if it is memory"
            ) from error
        request = LoRARequest("adapter", 1, str(adapter)) if adapter else None
        return cls(engine, load_tokenizer(settings.model, settings.revision), request)

    @property
    def reader(self) -> VllmGenerator:
        """Itself: the two reading methods never pass the adapter."""
        return self

    def close(self) -> None:
        """Let the engine go."""
        self._engine = None

    def render(self, turns: Sequence[ChatTurn]) -> str:
        """See `Generator`."""
        if not self._tokenizer.chat_template:
            raise TrainingError("the model has no chat template; set speaker.format=plain")
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        bos = self._tokenizer.bos_token
        return text.removeprefix(bos) if bos and self._adds_bos() else text

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """See `Generator`; one request a response, since each has its seed. vLLM reads a shared prompt once."""
        from vllm import SamplingParams

        texts = [prompt for prompt, each in zip(prompts, seeds, strict=True) for _ in each]
        params = [
            SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=sampling.top_k or -1,
                max_tokens=sampling.max_tokens,
                seed=seed,
                stop=[*sampling.stop, *stop] or None,
            )
            for each in seeds
            for seed in each
        ]
        outputs = iter(self._engine.generate(texts, params, lora_request=self._adapter, use_tqdm=False))
        return [[_response(next(outputs).outputs[0]) for _ in each] for each in seeds]

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """See `Reader`; from the log-probabilities of the likeliest next tokens."""
        from vllm import SamplingParams

        params = SamplingParams(temperature=0.0, max_tokens=1, logprobs=_MOST_LOGPROBS)
        outputs = self._engine.generate([prefix + suffix for suffix in suffixes], params, use_tqdm=False)
        rows = []
        for suffix, output in zip(suffixes, outputs, strict=True):
            likely = {token: math.exp(entry.logprob) for token, entry in output.outputs[0].logprobs[0].items()}
            ids = choice_tokens(self._encode, prefix + suffix, choices)
            rows.append([sum(likely.get(token, 0.0) for token in each) for each in ids])
        return rows

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See `Reader`; greedy."""
        from vllm import SamplingParams

        params = SamplingParams(temperature=0.0, max_tokens=max_tokens, stop=list(stop) or None)
        outputs = self._engine.generate([prefix + suffix for suffix in suffixes], params, use_tqdm=False)
        return [output.outputs[0].text for output in outputs]

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text).input_ids)

    def _adds_bos(self) -> bool:
        return self._encode("a")[:1] == [self._tokenizer.bos_token_id]


def _response(output: Any) -> Response:
    return Response(output.text.strip(), "stop" if output.finish_reason == "stop" else "length", len(output.token_ids))
