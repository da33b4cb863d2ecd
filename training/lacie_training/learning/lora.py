"""A LoRA as a recipe describes it, for PEFT: on the language model alone.

A chat model that sees (Gemma 3, Ministral 3) has a vision tower whose layers bear the same names as the language
model's. Its weights have no part in a text, so an adapter on them would be trained on nothing, and llama.cpp, which
keeps the tower in a file of its own, could not carry it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import LoraSettings

if TYPE_CHECKING:
    import torch


def check_targets(model: torch.nn.Module, targets: Sequence[str], *, setting: str) -> None:
    """Every LoRA target must name a module of the language model; PEFT is content if any of them does. Raises
    TrainingError, which calls the recipe's field as `setting` does.
    """
    language = _language_model(model)[1]
    names = {name.rpartition(".")[2] for name, module in language.named_modules() if not list(module.children())}
    missing = [target for target in targets if target not in names]
    if missing:
        linear = sorted(
            {
                name.rpartition(".")[2]
                for name, module in language.named_modules()
                if "Linear" in type(module).__name__ and not name.endswith("lm_head")
            }
        )
        raise TrainingError(f"{setting}: {', '.join(missing)} match no module of the model; it has {', '.join(linear)}")


def lora_config(lora: LoraSettings, model: torch.nn.Module) -> Any:
    """PEFT's configuration of the adapter for `model`; where that has other parts than a language model, the targets
    are an expression that matches in the language model only.
    """
    from peft import LoraConfig

    prefix, language = _language_model(model)
    named = "|".join(map(re.escape, lora.targets))
    targets = list(lora.targets) if language is model else rf"{re.escape(prefix)}\..*\.({named})"
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        bias="none",
        task_type="CAUSAL_LM",
    )


def _language_model(model: torch.nn.Module) -> tuple[str, torch.nn.Module]:
    """The part of `model` that adapters are for, and its name in it: all of a model that has no other parts.

    transformers says so itself: the configuration of a model of several parts has one of its text (`text_config`), and
    the decoder is the part that was built from it.
    """
    plain: Any = model
    text = plain.config.get_text_config(decoder=True) if hasattr(plain, "config") else None
    if text is None or text is plain.config:
        return "", model
    decoder = plain.get_decoder()
    return next(name for name, module in model.named_modules() if module is decoder), decoder
