"""What stands in for vLLM on a machine without a GPU: a real tiny model behind the names of vLLM's interface.

vLLM itself runs on no CPU here. `vllm_names.json` holds the names that its release 0.31.0 takes (of `LLM` with
`EngineArgs`, `LLM.generate`, `SamplingParams`, `LoRARequest`), read out of its source by its syntax tree on 2026-11-28;
what our code passes is checked against them, and computed with a model of transformers. So these tests hold our side of
the interface and which request goes with an adapter; they say nothing about vLLM's own arithmetic.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

NAMES = json.loads((Path(__file__).parent / "vllm_names.json").read_text())


class _Named:
    """Keyword arguments that vLLM knows, as attributes."""

    kind = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = NAMES[self.kind]
        given = dict(zip(names, args, strict=False)) | kwargs
        unknown = given.keys() - set(names)
        assert not unknown, f"vLLM's {self.kind} takes no {unknown}"
        for name in names:
            setattr(self, name, given.get(name))


class SamplingParams(_Named):
    kind = "SamplingParams"


class LoRARequest(_Named):
    kind = "LoRARequest"


@dataclass
class Output:
    """Those fields of `CompletionOutput` that we read."""

    text: str
    token_ids: Sequence[int]
    finish_reason: str
    stop_reason: str | None
    logprobs: list[dict[int, Any]] | None = None


assert set(Output.__annotations__) <= set(NAMES["CompletionOutput"])


@dataclass
class _Logprob:
    logprob: float


@dataclass
class _RequestOutput:
    outputs: list[Output]


class LLM(_Named):
    """The engine; `started` are all of them, each with `requests`: the adapter (or None) of each prompt it was sent."""

    kind = "LLM"
    started: list["LLM"] = []  # noqa: RUF012  # cleared by `install`

    def __init__(self, model: str, **kwargs: Any) -> None:
        from lacie_training.generators.loading import load_tokenizer
        from lacie_training.generators.transformers import TransformersGenerator
        from lacie_training.recipes.models import ModelSettings

        super().__init__(model=model, **kwargs)
        assert self.quantization is None or self.quantization in NAMES["QuantizationMethods"]
        assert self.max_lora_rank is None or self.max_lora_rank in NAMES["MaxLoRARanks"]
        settings = ModelSettings(model=model, dtype=self.dtype, device="cpu", context=self.max_model_len)
        self.settings = settings
        self.weights = TransformersGenerator.load(settings)
        self.tokenizer = load_tokenizer(model)
        self.requests: list[Path | None] = []
        self.calls: list[int] = []
        self.started.append(self)

    def generate(self, prompts: Any, sampling_params: Any, **kwargs: Any) -> list[_RequestOutput]:
        assert kwargs.keys() <= set(NAMES["generate"])
        request = kwargs.get("lora_request")
        assert request is None or self.enable_lora, "LoRA is not enabled"
        adapter = Path(request.lora_path) if request else None
        assert len(prompts) == len(sampling_params)
        self.requests += [adapter] * len(prompts)
        self.calls.append(len(prompts))
        return [
            _RequestOutput([self._one(prompt["prompt_token_ids"], params, adapter)])
            for prompt, params in zip(prompts, sampling_params, strict=True)
        ]

    def _one(self, ids: list[int], params: SamplingParams, adapter: Path | None) -> Output:
        from lacie_chat.engine.settings import Sampling

        assert len(ids) + params.max_tokens <= self.max_model_len, "vLLM refuses what is longer than the context"
        generator = self.weights.sharing(self.settings, adapter=adapter)
        with generator._evaluating(), generator._weights.speaking(adapter):
            if params.logprob_token_ids:
                assert len(params.logprob_token_ids) <= NAMES["MAX_LOGPROB_TOKEN_IDS"]
                logprobs = generator._prefill([ids])[0].float().log_softmax(-1)[0]
                chosen = int(logprobs.argmax())
                wanted = {*params.logprob_token_ids, chosen}
                return Output("", [chosen], "length", None, [{id: _Logprob(float(logprobs[id])) for id in wanted}])
            draw = Sampling(
                temperature=params.temperature, top_p=1.0, top_k=0, repeat_penalty=1.0, max_tokens=params.max_tokens
            )
            [[drawn], [stopped]] = (
                generator._draw(generator._prefill([ids], draw), draw, [[params.seed]], stop, strip=False)[0]
                for stop in ([], params.stop or [])
            )
        text = drawn.text
        stops = {mark: text.find(mark) for mark in params.stop or [] if mark in text}
        if stops:  # unlike ours, vLLM's stop strings also count at the very beginning
            mark = min(stops, key=lambda each: stops[each])
            return Output(text[: stops[mark]], [0] * stopped.tokens, "stop", mark)
        return Output(text, [0] * (drawn.tokens + (drawn.finish == "stop")), drawn.finish, None)


def install(monkeypatch: pytest.MonkeyPatch) -> type[LLM]:
    """Put the stand-in where `import vllm` finds it."""
    vllm, lora, request = ModuleType("vllm"), ModuleType("vllm.lora"), ModuleType("vllm.lora.request")
    vllm.LLM, vllm.SamplingParams, request.LoRARequest = LLM, SamplingParams, LoRARequest  # type: ignore[attr-defined]
    for module in (vllm, lora, request):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    LLM.started.clear()
    return LLM
