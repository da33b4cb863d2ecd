"""Tiny random models of the families that recipes are for, as transformers has them: a megabyte or two each.

All have the embedded model's tokenizer, and with it a chat template whose turns end with the end token. `-chat` in a
name says only how it is asked.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

_LAYERS, _WIDTH, _HEADS, _KV_HEADS = 2, 32, 4, 2


def _window() -> dict[str, Any]:
    return {"head_dim": 8, "sliding_window": 64}


def _vision() -> dict[str, Any]:
    return {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }


FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "mistral": ("Mistral", {}),
    "llama3": ("Llama", {}),
    "llama3.1-chat": ("Llama", {"tie_word_embeddings": True}),
    "qwen3-chat": ("Qwen3", {"head_dim": 8}),
    "gemma3": ("Gemma3Text", _window()),
    "gemma3-vision-chat": ("Gemma3", _window()),
    "ministral-chat": ("Ministral", _window()),
    "gemma2-chat": ("Gemma2", _window()),
    "phi3-chat": ("Phi3", {}),
}
"""By a name: how transformers calls the family, and what its text part has beside the figures of all."""


def write_family(folder: Path, name: str, tokenizer: Any) -> Path:
    """Write the model `name` of FAMILIES, with `tokenizer`."""
    import torch
    import transformers

    family, more = FAMILIES[name]
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": _WIDTH,
        "intermediate_size": 2 * _WIDTH,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": _HEADS,
        "num_key_value_heads": _KV_HEADS,
        "max_position_embeddings": 2048,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.3,  # far enough from uniform for greedy choices to be clear-cut
        **more,
    }
    config_of: Callable[..., Any] = getattr(transformers, f"{family}Config")
    torch.manual_seed(7)
    if family == "Gemma3":
        config = config_of(
            text_config=text,
            vision_config=_vision(),
            mm_tokens_per_image=4,
            eos_token_id=tokenizer.eos_token_id,
            image_token_id=len(tokenizer) - 1,
        )
        model = transformers.Gemma3ForConditionalGeneration(config)
    else:
        model = getattr(transformers, f"{family.removesuffix('Text')}ForCausalLM")(config_of(**text))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
