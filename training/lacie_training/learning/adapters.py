"""A second round: a run that starts from another run's adapter (the recipe's `start`).

What a preference teaches hangs on whose words it is made of. Pairs of the base model's samples, trained on from an
adapter that gives more right answers, lead it back to what the base model says; so the samples of a second round are
drawn with the adapter, and the training goes on from its weights. DPO's reference stays the base model: the result is
one adapter, and its rewards are counted as those of the first round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lacie_training.errors import TrainingError
from lacie_training.learning.checkpoints import read_adapter
from lacie_training.recipes.schema import Recipe

if TYPE_CHECKING:
    import torch


def starting_weights(recipe: Recipe) -> dict[str, torch.Tensor] | None:
    """The tensors of the adapter that the run starts from, if the recipe names one."""
    if recipe.start is None:
        return None
    settings = recipe.dpo.lora
    config, tensors = read_adapter(recipe.start, called=f"start={recipe.start}")
    if (config.get("r"), config.get("lora_alpha")) != (settings.r, settings.alpha):
        raise TrainingError(
            f"start={recipe.start} has r {config.get('r')} and alpha {config.get('lora_alpha')}; set dpo.lora.r and "
            "dpo.lora.alpha to those"
        )
    return tensors


def go_on_from(model: Any, tensors: dict[str, torch.Tensor], *, source: str) -> None:
    """Put an adapter's tensors in the place of a fresh one's. Raises TrainingError if they are of another model."""
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    shapes = {name: tensor.shape for name, tensor in get_peft_model_state_dict(model).items()}
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
        raise TrainingError(
            f"start={source} is an adapter of another model, or of other modules than dpo.lora.targets; name one "
            "that was trained on this speaker"
        )
    set_peft_model_state_dict(model, tensors)
