"""How many sequences fit into a device's free memory: what `batch_size: auto` means where transformers runs a model."""

from typing import Any

import psutil
import torch

_USED = 0.8
"""Share of the free memory that a batch may take: blocks are allocated with room between them."""

_MOST = 1024
_PER_LOGIT = 24
"""Bytes for each entry of the vocabulary and row while a token is drawn: two copies in fp32, two in fp64."""


def free_memory(device: torch.device) -> int:
    """Bytes that can still be allocated on the device, those included that torch keeps for itself."""
    if device.type != "cuda":
        return int(psutil.virtual_memory().available)
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + int(kept)


def bytes_per_sequence(config: Any, context: int, itemsize: int, *, shared: int = 0) -> int:
    """Memory of one sequence of `context` tokens: its keys and values, its activations while it is read (one layer's,
    without gradients; not of `shared` tokens that it begins with, which are read once for all), and its logits.
    `config` is transformers', `itemsize` bytes of a number.
    """
    text = config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    cache = 2 * text.num_hidden_layers * heads * width
    inner = getattr(text, "intermediate_size", None) or 4 * text.hidden_size
    activations = 6 * text.hidden_size + 3 * inner
    fresh = context - shared
    return int((context * cache + fresh * activations) * itemsize + text.vocab_size * _PER_LOGIT)


def batch_that_fits(model: Any, context: int) -> int:
    """Sequences of `context` tokens that fit beside the model as it is loaded; at least 1."""
    weights = next(iter(model.parameters()))
    itemsize = weights.element_size() if weights.is_floating_point() else 2  # 4-bit weights compute in bfloat16
    each = bytes_per_sequence(model.config, context, itemsize)
    return max(1, min(_MOST, int(free_memory(weights.device) * _USED) // each))
