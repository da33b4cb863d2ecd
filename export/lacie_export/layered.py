"""The reference of a model that doesn't fit into memory: the same answers, one layer's weights in memory at a time.

transformers builds the model without its weights; before a layer computes, its own are read from the safetensors files
in float32, and afterwards they are let go. All prompts go through a layer together, so that the files are read once for
them, and once more for each token that is continued by.
"""

import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.engine.memory import available_bytes
from lacie_chat.progress import step
from lacie_chat.sizes import size_text
from lacie_export.errors import ExportError
from lacie_export.reference import Answers, answers, end_tokens, loaded
from lacie_export.safetensors_file import by_name, read_shards

if TYPE_CHECKING:
    import torch

_SPARE = 512 << 20
"""Bytes for what is computed beside the weights: the activations of the probes, and their logits."""


_ROOM = 1.3
"""Memory for the whole model, as a multiple of its weights in float32: a shard as it is read stands beside them."""


def ask(
    folder: Path,
    prompts: Sequence[Sequence[int]],
    title: str,
    *,
    adapter: Path | None = None,
    continued: int = 0,
    tokens: int = 0,
) -> Answers:
    """The answers of the model in `folder`, with a PEFT adapter over it or not: of the whole model where memory allows,
    else layer by layer, with the same outcome. What a kernel would end is not begun.
    """
    weights = by_name(read_shards(folder)).values()
    whole = 4 * sum(math.prod(each.shape) for each in weights)
    if available_bytes() < _ROOM * whole:
        return answers_by_layer(folder, adapter, prompts, f"{title}, by layers", continued=continued, tokens=tokens)
    with loaded(folder, adapter) as model:
        return answers(model, prompts, title, continued=continued, tokens=tokens)


def answers_by_layer(
    folder: Path, adapter: Path | None, prompts: Sequence[Sequence[int]], title: str, *, continued: int, tokens: int
) -> Answers:
    """As `reference.answers` of the whole model in float32. Raises ExportError, one line, where even a layer doesn't
    fit, or where the files name their weights otherwise than transformers does.
    """
    import torch

    with _without_weights(folder, adapter) as model, torch.inference_mode():
        ends = end_tokens(model)
        with step(title, 1 + (tokens if continued else 0)) as show:
            logits = _read(model, prompts)
            show(1)
            greedy: list[list[int]] = [[] for _ in range(continued)]
            margins: list[list[float]] = [[] for _ in range(continued)]
            last = [rows[-1] for rows in logits[:continued]]
            going_on = list(range(continued))
            while going_on:
                for place in going_on:
                    best, second = last[place].topk(2).values.tolist()
                    greedy[place].append(int(last[place].argmax()))
                    margins[place].append(best - second)
                going_on = [
                    place for place in going_on if len(greedy[place]) < tokens and greedy[place][-1] not in ends
                ]
                if going_on:
                    found = _read(model, [[*prompts[place], *greedy[place]] for place in going_on])
                    last = list(last)
                    for place, rows in zip(going_on, found, strict=True):
                        last[place] = rows[-1]
                show(1 + max(map(len, greedy), default=0))
    return Answers([rows.numpy() for rows in logits], greedy, margins, "float32")


def _read(model: Any, prompts: Sequence[Sequence[int]]) -> "list[torch.Tensor]":
    """Logits (tokens x vocabulary) of each prompt; what pads a row stands behind it, where nothing before it looks."""
    import torch

    longest = max(map(len, prompts))
    ids = torch.tensor([[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts])
    mask = torch.tensor([[1] * len(prompt) + [0] * (longest - len(prompt)) for prompt in prompts])
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits.to(torch.float32)
    return [rows[: len(prompt)] for rows, prompt in zip(logits, prompts, strict=True)]


@contextmanager
def _without_weights(folder: Path, adapter: Path | None) -> Iterator[Any]:
    """For the length of the block: the model in `folder`, perhaps with a PEFT adapter over it, whose layers fetch their
    weights when they are called.
    """
    import torch
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    config = AutoConfig.from_pretrained(str(folder))
    with init_empty_weights(include_buffers=False):
        kind: Any = AutoModelForCausalLM
        model = kind.from_config(config, dtype=torch.float32)
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(str(folder))
    plain = model
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter), low_cpu_mem_usage=True)
        _bring_adapter(model, adapter)
    model.eval()
    files = {tensor.name: shard.path for shard in read_shards(folder) for tensor in shard.tensors}
    units = _units(plain)
    _check(folder, plain, units, files)
    handles = []
    for unit in units:
        fetch = _Weights(plain, unit, files)
        handles.append(unit.register_forward_pre_hook(fetch.come))
        handles.append(unit.register_forward_hook(fetch.go, always_call=True))
    try:
        yield model
    finally:
        for handle in handles:
            handle.remove()
        gc.collect()


def _bring_adapter(model: Any, adapter: Path) -> None:
    """The adapter's weights, which PEFT has put where the base's are: nowhere. They are small, and stay."""
    from peft.utils.save_and_load import load_peft_weights

    weights: dict[str, torch.Tensor] = load_peft_weights(str(adapter), device="cpu")
    named = {
        name.replace(".lora_A.weight", ".lora_A.default.weight").replace(".lora_B.weight", ".lora_B.default.weight"): (
            weight.float()
        )
        for name, weight in weights.items()
    }
    if unknown := model.load_state_dict(named, strict=False, assign=True).unexpected_keys:
        raise ExportError(f"the adapter {adapter} changes {unknown[0]}, which its base doesn't have")


def _units(model: Any) -> "list[torch.nn.Module]":
    """What is called as one: each layer of the decoder, and each module with weights that is in none of them."""
    layers = list(model.get_decoder().layers)
    inside = {id(module) for layer in layers for module in layer.modules()}
    others = [each for each in model.modules() if id(each) not in inside and each._parameters]
    return [*layers, *others]


class _Weights:
    """The weights of one unit: where they belong, and the names under which the files have them."""

    def __init__(self, model: Any, unit: "torch.nn.Module", files: Mapping[str, Path]) -> None:
        self._files = files
        names = {id(module): name for name, module in model.named_modules()}
        self.places = [
            (module, own, _name_on_disk(model, f"{names[id(module)]}.{own}", files))
            for module in unit.modules()
            for own, weight in module._parameters.items()
            if weight is not None and weight.is_meta
        ]

    def come(self, *_call: Any) -> None:
        import torch
        from safetensors import safe_open

        for module, own, name in self.places:
            with safe_open(self._files[name], "pt") as file:
                weight = file.get_tensor(name).to(torch.float32)
            module._parameters[own] = torch.nn.Parameter(weight, requires_grad=False)

    def go(self, *_call: Any) -> None:
        import torch

        for module, own, _ in self.places:
            weight = module._parameters[own]
            assert weight is not None
            module._parameters[own] = torch.nn.Parameter(weight.to("meta"), requires_grad=False)


def _name_on_disk(model: Any, name: str, files: Mapping[str, Path]) -> str:
    """PEFT puts a layer of its own round each that it changes; what is tied to the embeddings isn't stored twice."""
    name = name.replace(".base_layer.", ".")
    if name in files or not model.config.get_text_config(decoder=True).tie_word_embeddings:
        return name
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    where = {id(module): path for path, module in model.named_modules()}
    return f"{where[id(embeddings)]}.weight" if name == f"{where[id(head)]}.weight" else name


def _check(folder: Path, model: Any, units: "Sequence[torch.nn.Module]", files: Mapping[str, Path]) -> None:
    largest = 0
    sizes = by_name(read_shards(folder))
    for unit in units:
        names = [name for *_, name in _Weights(model, unit, files).places]
        if missing := [name for name in names if name not in files]:
            raise ExportError(
                f"{folder} can't be compared with layer by layer: it has no {missing[0]}; use --no-verify, or a "
                "machine with more memory"
            )
        counts = [sizes[name].shape for name in names]
        largest = max(largest, sum(6 * math.prod(shape) for shape in counts))  # as it is read, and in float32
    if (free := available_bytes()) < largest + _SPARE:
        raise ExportError(
            f"not enough memory to compare with {folder}, even layer by layer: it takes {size_text(largest + _SPARE)}, "
            f"and {size_text(free)} can be had; use --no-verify on this machine"
        )
