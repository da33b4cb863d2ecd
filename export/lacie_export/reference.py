"""What the trained model itself answers, by transformers: the reference that every exported file is held against."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lacie_chat.progress import step
from lacie_export.errors import ExportError, first_line
from lacie_export.peft_adapter import Adapter

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's answers: `logits` one array (tokens x vocabulary) a prompt, `greedy` the tokens that it goes on with.

    `margins`: for each greedy token, how far its logit lies above the second best. `dtype`: what was computed in.
    """

    logits: list[Floats]
    greedy: list[list[int]]
    margins: list[list[float]]
    dtype: str


@contextmanager
def loaded(folder: Path, adapter: Path | None = None) -> Iterator["PreTrainedModel"]:
    """For the length of the block: the model in `folder` (with a PEFT adapter over it, not merged) on the CPU, in
    float32."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
        if adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(adapter))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ExportError(f"transformers can't load {folder} to compare with: {first_line(error)}") from error
    except MemoryError as error:
        raise ExportError(
            f"out of memory while {folder} was loaded to compare with; use --no-verify on this machine"
        ) from error
    model.train(False)
    try:
        yield model
    finally:
        torch.nn.Module.to(model, "meta")  # gives the memory back before the next model is loaded
        gc.collect()


def answers(
    model: "PreTrainedModel", prompts: Sequence[Sequence[int]], title: str, *, continued: int, tokens: int
) -> Answers:
    """Logits of all positions of each prompt, and `tokens` tokens of greedy continuation of the first `continued`."""
    import torch

    logits: list[Floats] = []
    greedy: list[list[int]] = []
    margins: list[list[float]] = []
    ends = end_tokens(model)
    with step(title, len(prompts)) as show, torch.inference_mode():
        for number, prompt in enumerate(prompts, start=1):
            out = model(torch.tensor([list(prompt)]), use_cache=True)
            logits.append(out.logits[0].to(torch.float32).numpy())
            if number <= continued:
                new, gaps = _continue(model, out, tokens, ends)
                greedy.append(new)
                margins.append(gaps)
            show(number)
    return Answers(logits, greedy, margins, str(next(model.parameters()).dtype).removeprefix("torch."))


def _continue(model: "PreTrainedModel", out: Any, count: int, ends: frozenset[int]) -> tuple[list[int], list[float]]:
    import torch

    tokens: list[int] = []
    margins: list[float] = []
    while True:
        best, second = out.logits[0, -1].to(torch.float32).topk(2).values.tolist()
        tokens.append(int(out.logits[0, -1].argmax()))
        margins.append(best - second)
        if len(tokens) >= count or tokens[-1] in ends:
            return tokens, margins
        out = model(torch.tensor([[tokens[-1]]]), past_key_values=out.past_key_values, use_cache=True)


def end_tokens(model: "PreTrainedModel") -> frozenset[int]:
    """The tokens with which a model ends a text."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    if configured is None:
        return frozenset()
    return frozenset([configured] if isinstance(configured, int) else configured)


def tokenizer_of(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer in a model's folder. Raises ExportError."""
    from transformers import AutoTokenizer

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise ExportError(f"the tokenizer in {folder} can't be loaded: {first_line(error)}") from error


def token_ids(
    folder: Path, tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], *, special: bool
) -> list[list[list[int]]]:
    """For each text the token ids that count as right: those of transformers, and those of the file tokenizer.json
    itself.

    The two differ for some models: transformers 5 rebuilds a Llama tokenizer by rules of its own, and then reads a
    space at the start of a text otherwise than the file says (and than SentencePiece and llama.cpp do).
    """
    from tokenizers import Tokenizer

    found = [[list(tokenizer(text, add_special_tokens=special)["input_ids"])] for text in texts]
    path = folder / "tokenizer.json"
    if path.is_file():
        own = Tokenizer.from_file(str(path))
        for text, right in zip(texts, found, strict=True):
            right.append(list(own.encode(text, add_special_tokens=special).ids))
    return found


def merge_strength(base: Path, merged: Path, adapter: Adapter) -> float:
    """How much of the adapter is in the merged weights: 1.0 if it was added once, 2.0 if twice, 0.0 if not at all.

    The least-squares slope of (merged - base) on scale · B · A over all targets, computed a tensor at a time. It sees a
    wrong merge that is too small to show in the logits. Below 1.0 it also tells what rounding swallowed: where a base
    in bfloat16 is coarser than the adapter's change, part of that change is lost.
    """
    from safetensors import safe_open

    along = norm = 0.0
    weights = adapter.load()
    places_base, places_merged = _places(base), _places(merged)
    for target, (a, b) in adapter.pairs.items():
        delta = (weights[b].float() @ weights[a].float()) * adapter.scale
        with safe_open(places_base[target], "pt") as old, safe_open(places_merged[target], "pt") as new:
            change = new.get_tensor(target).float() - old.get_tensor(target).float()
        along += float((change * delta).double().sum())
        norm += float((delta * delta).double().sum())
    return along / norm if norm else 1.0


def _places(folder: Path) -> dict[str, str]:
    from lacie_export.safetensors_file import read_shards

    return {tensor.name: str(shard.path) for shard in read_shards(folder) for tensor in shard.tensors}
