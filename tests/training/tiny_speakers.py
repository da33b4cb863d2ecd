"""Tiny models with random weights that transformers loads, and that speak with the embedded model's tokenizer."""

from pathlib import Path


def make_tiny(folder: Path, architecture: str, width: int = 32) -> Path:
    """A random model of an architecture (`mistral`, `llama`) in `folder`, so wide; 4-bit blocks need 64."""
    import torch
    from lacie_training.generators.loading import load_tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    torch.set_num_threads(1)
    tokenizer = load_tokenizer("embedded")
    config_type, model_type = {
        "llama": (LlamaConfig, LlamaForCausalLM),
        "mistral": (MistralConfig, MistralForCausalLM),
    }[architecture]
    config = config_type(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,  # far enough from uniform for greedy choices to be clear-cut
    )
    torch.manual_seed(7)
    model_type(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
