"""A LoRA as a recipe describes it, for PEFT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import LoraSettings

if TYPE_CHECKING:
    import torch


def check_targets(model: torch.nn.Module, targets: Sequence[str], *, setting: str) -> None:
    """Every LoRA target must name a module of the model; PEFT is content if any of them does. Raises TrainingError,
    which calls the recipe's field as `setting` does.
    """
    names = {name.rpartition(".")[2] for name, module in model.named_modules() if not list(module.children())}
    missing = [target for target in targets if target not in names]
    if missing:
        linear = sorted(
            {
                name.rpartition(".")[2]
                for name, module in model.named_modules()
                if "Linear" in type(module).__name__ and not name.endswith("lm_head")
            }
        )
        raise TrainingError(f"{setting}: {', '.join(missing)} match no module of the model; it has {', '.join(linear)}")


def lora_config(lora: LoraSettings) -> Any:
    """PEFT's configuration of the adapter."""
    from peft import LoraConfig

    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
