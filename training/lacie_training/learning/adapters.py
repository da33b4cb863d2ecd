"""Adapters: read, kept, put in the place of one another, begun from, averaged.

A second round is a run that starts from another run's adapter (the recipe's `start`). What a preference teaches hangs
on whose words it is made of. Pairs of the base model's samples, trained on from an adapter that gives more right
answers, lead it back to what the base model says; so the samples of a second round are drawn with the adapter, and the
training goes on from its weights. DPO's reference stays the base model: the result is one adapter, and its rewards are
counted as those of the first round.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.errors import LacieError
from lacie_chat.models.peft_files import CONFIG, WEIGHTS, lora_pairs, read_config, read_tensors, refuse_no_numbers
from lacie_chat.rows import writing
from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import Recipe

if TYPE_CHECKING:
    import torch

ADAPTER_FILES = (CONFIG, WEIGHTS)


def read_adapter(folder: Path, *, called: str | None = None) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """PEFT's configuration and tensors of an adapter. Raises TrainingError, which names it as it is `called`."""
    try:
        config, tensors = read_config(folder), read_tensors(folder)
        lora_pairs(folder, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
        refuse_no_numbers(folder, tensors)
    except LacieError as error:
        raise TrainingError(
            f"{called or folder} holds no adapter that can be read ({error}); name that of a run that is trained"
        ) from error
    return config, tensors


def keep_adapter(checkpoint: Path, target: Path, *, strength: float = 1.0) -> None:
    """Make a checkpoint's adapter the run's: a whole new folder takes the place of the old one. Its change of the
    weights is multiplied by `strength` (see `DpoSettings`).
    """
    with replace_adapter(target) as fresh:
        for name in ADAPTER_FILES:
            shutil.copy2(checkpoint / name, fresh / name)
        if strength != 1.0:
            _scale(fresh / "adapter_model.safetensors", strength)


@contextmanager
def replace_adapter(target: Path) -> Iterator[Path]:
    """An empty folder to write an adapter into; when it is whole, it takes the place of `target`."""
    fresh, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    with writing(target):
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _scale(weights: Path, strength: float) -> None:
    """Multiply what a LoRA adds to each weight, B·A, by way of its B."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    for name in tensors:
        if ".lora_B." in name:
            tensors[name] = tensors[name] * strength
    save_file(tensors, weights, metadata={"format": "pt"})


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


def mean_of(adapters: tuple[dict[str, torch.Tensor], ...], *, rank: int) -> tuple[dict[str, torch.Tensor], float]:
    """The mean of LoRA tensors by PEFT's names (A: rank x in, B: out x rank), nearest to it of that rank, and the
    share of its squared norm that this holds. Raises TrainingError where names or shapes differ.
    """
    shapes = [{name: tensor.shape for name, tensor in adapter.items()} for adapter in adapters]
    if any(each != shapes[0] for each in shapes[1:]):
        raise TrainingError("the adapters are not of the same modules of one model")
    mean: dict[str, torch.Tensor] = {}
    kept, whole = 0.0, 0.0
    for name in sorted(shapes[0]):
        if ".lora_A." in name:
            other = name.replace(".lora_A.", ".lora_B.")
            pairs = [(adapter[name].double(), adapter[other].double()) for adapter in adapters]
            mean[name], mean[other], values = _nearest(pairs, rank)
            kept += float(values[:rank].square().sum())
            whole += float(values.square().sum())
    return mean, kept / whole if whole else 1.0


def _nearest(
    pairs: list[tuple[torch.Tensor, torch.Tensor]], rank: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A, B (float32) and all singular values of the mean of B·A, by way of its thin factors."""
    import torch

    tall = torch.cat([b for _, b in pairs], dim=1) / len(pairs)
    wide = torch.cat([a for a, _ in pairs])
    left, left_rest = torch.linalg.qr(tall)
    right, right_rest = torch.linalg.qr(wide.T)
    u, values, v = torch.linalg.svd(left_rest @ right_rest.T)
    root = values[:rank].sqrt()
    a = root[:, None] * (right @ v[:rank].T).T
    b = (left @ u[:, :rank]) * root
    return a.float().contiguous(), b.float().contiguous(), values
