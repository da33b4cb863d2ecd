"""PEFT adapters with random weights that change what a tiny model says."""

from pathlib import Path


def write_adapter(folder: Path, model: Path, *, seed: int, rank: int = 5) -> Path:
    """A PEFT folder for the model of another folder."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(model), lora).save_pretrained(folder)
    return folder
