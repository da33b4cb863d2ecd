"""Tiny models with random weights."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lacie_training.run_folder import RunFolder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder with a random model of an architecture (`mistral`, `llama`), and the embedded model's tokenizer.

    It is 32 wide if not told otherwise; 4-bit blocks need 64.
    """
    import torch
    from lacie_training.generators.loading import load_tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    torch.set_num_threads(1)
    tokenizer = load_tokenizer("embedded")
    made: dict[tuple[str, int], Path] = {}

    def make(architecture: str, width: int = 32) -> Path:
        if (architecture, width) in made:
            return made[architecture, width]
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
        folder = tmp_path_factory.mktemp(f"tiny-{architecture}")
        model_type(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        made[architecture, width] = folder
        return folder

    return make


@pytest.fixture(scope="session")
def reference(tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The uninterrupted training that others are held against: 8 steps of 4 pairs, in one batch, in one process."""
    import torch
    from short_trainings import trained

    torch.set_num_threads(1)
    return trained(tmp_path_factory.mktemp("reference"), tiny("mistral"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch on one thread, as it was before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
