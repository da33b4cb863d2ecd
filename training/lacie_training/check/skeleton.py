"""A model without its weights: the architecture that a configuration describes, on torch's `meta` device.

It has every module, name and shape, and takes no memory, so what hangs on those can be known before gigabytes are
fetched: whether the LoRA targets match, how large the adapter is, what the weights take. What the training keeps for
the backward pass is counted by a forward pass of the model's own code over tensors that have shapes and no contents
(torch's FakeTensorMode): no formula of ours that would be another one for each architecture.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lacie_training.errors import TrainingError
from lacie_training.generators.loading import gguf_path, loading_errors
from lacie_training.learning.lora import check_targets, lora_config
from lacie_training.recipes.models import ModelSettings
from lacie_training.recipes.schema import DpoSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

NF4_BYTES = 0.5 + (1 + 4 / 256) / 64
"""Bytes of a weight in 4-bit NF4: half a byte, and for 64 of them a scale of one byte, which for 256 has one of four
(double quantisation; QLoRA, arXiv 2305.14314, section 3)."""


def model_config(settings: ModelSettings) -> Any:
    """The model's configuration, from its folder, its GGUF or the Hub. Raises TrainingError, one line."""
    return copy.deepcopy(_config(settings.model, settings.revision))


@cache
def _config(model: str, revision: str | None) -> Any:
    """Read once: a GGUF's vocabulary of a quarter of a million tokens takes seconds."""
    from transformers import AutoConfig

    gguf = gguf_path(model)
    with loading_errors(model):
        if gguf:
            return AutoConfig.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
        return AutoConfig.from_pretrained(model, revision=revision)


def skeleton(settings: ModelSettings, dtype: torch.dtype) -> PreTrainedModel:
    """The model of its configuration alone, on the meta device."""
    import torch
    from transformers import AutoModelForCausalLM

    config = model_config(settings)
    try:
        with torch.device("meta"):
            auto: Any = AutoModelForCausalLM
            model: PreTrainedModel = auto.from_config(config, dtype=dtype, attn_implementation=settings.attention)
    except (ValueError, KeyError, ImportError) as error:
        if "attn_implementation" in str(error) and settings.attention != "eager":
            raise TrainingError(
                f"{settings.model} has no attention {settings.attention!r} in transformers; set attention to eager"
            ) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TrainingError(f"{settings.model} is no model for transformers to speak with: {reason[:300]}") from error
    return model


def weight_bytes(model: PreTrainedModel, quantize: str) -> int:
    """Bytes of the weights as the recipe loads them. In 4 bit, all linear layers but the output's are packed."""
    import torch

    whole: Any = model
    head = whole.get_output_embeddings()
    packed = {
        id(module.weight)
        for module in model.modules()
        if quantize == "nf4" and isinstance(module, torch.nn.Linear) and module is not head
    }
    total = 0.0
    for parameter in model.parameters():  # what is tied comes once
        total += parameter.numel() * (NF4_BYTES if id(parameter) in packed else parameter.element_size())
    return round(total)


@dataclass(frozen=True, slots=True)
class Trained:
    """What is trained: the skeleton with its adapter (`tuned`, PEFT's), bytes of the frozen weights, and parameters of
    the model and of the adapter.
    """

    tuned: Any
    weights: int
    parameters: int
    adapter: int


def trained(speaker: ModelSettings, settings: DpoSettings, dtype: torch.dtype) -> Trained:
    """The speaker as stage `dpo` trains it. Raises TrainingError where a LoRA target matches nothing."""
    import torch
    from peft import get_peft_model

    model = skeleton(speaker, dtype)
    check_targets(model, settings.lora.targets, setting="dpo.lora.targets")
    weights, parameters = weight_bytes(model, settings.quantize), model.num_parameters()
    tuned: Any = get_peft_model(model, lora_config(settings.lora, model))
    adapter = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    for parameter in adapter:
        parameter.data = parameter.data.to(getattr(torch, settings.adapter_dtype))
    return Trained(tuned, weights, parameters, sum(parameter.numel() for parameter in adapter))


def kept_for_backward(tuned: Any, *, sequences: int, tokens: int, autocast: bool) -> int:
    """Bytes of the activations that autograd keeps through one forward pass of so many sequences of so many tokens,
    without checkpointing and without the output layer. `tuned` is a skeleton with its adapter.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.autograd.graph import saved_tensors_hooks

    seen: dict[int, int] = {}
    alive: list[Any] = []  # else a storage's place is taken by the next one's

    def count(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights and storage._cdata not in seen:
            seen[storage._cdata] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with FakeTensorMode(), _filled(tuned):
        weights = {parameter.untyped_storage()._cdata for parameter in tuned.parameters()}
        ids = torch.ones(sequences, tokens, dtype=torch.long)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}
        format_of = torch.autocast("cpu", dtype=torch.bfloat16) if autocast else nullcontext()
        tuned.train()
        with saved_tensors_hooks(count, lambda tensor: tensor), format_of:
            tuned.get_base_model().base_model(**inputs)
    return sum(seen.values())


@contextmanager
def _filled(model: Any) -> Iterator[None]:
    """The model's meta tensors replaced by fake ones of a CPU, whose kernels keep what a GPU's keep, and put back."""
    import torch

    before = [(module, dict(module._parameters), dict(module._buffers)) for module in model.modules()]
    made: dict[int, Any] = {}
    for module, parameters, buffers in before:
        for name, parameter in parameters.items():
            if parameter is not None:
                if id(parameter) not in made:
                    empty = torch.empty(parameter.shape, dtype=parameter.dtype)
                    made[id(parameter)] = torch.nn.Parameter(empty, requires_grad=parameter.requires_grad)
                module._parameters[name] = made[id(parameter)]
        for name, buffer in buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype)
    try:
        yield
    finally:
        for module, parameters, buffers in before:
            module._parameters.update(parameters)
            module._buffers.update(buffers)
