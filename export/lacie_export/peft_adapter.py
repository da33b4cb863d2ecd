"""A PEFT adapter, read and checked before any work is done with it.

What llama.cpp can't represent is refused even for a merge, so that one adapter never exists in two meanings: its LoRA
is scale · B · A on plain weight matrices, with one alpha for all. rslora is only another scale (alpha / sqrt(r)), which
both forms can carry; the settings refused here change the mathematics.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.models.peft_files import WEIGHTS, lora_pairs, read_config, read_tensors, refuse_no_numbers
from lacie_export.bases import BaseRef, same_base, vocabulary_size
from lacie_export.errors import ExportError

if TYPE_CHECKING:
    import torch

_REFUSED = {
    "use_dora": "DoRA",
    "rank_pattern": "a rank pattern",
    "alpha_pattern": "an alpha pattern",
    "lora_bias": "LoRA biases",
    "modules_to_save": "whole retrained modules (modules_to_save)",
    "trainable_token_indices": "retrained tokens",
    "target_parameters": "LoRA on bare parameters",
    "layer_replication": "replicated layers",
    "fan_in_fan_out": "transposed weights (fan_in_fan_out)",
    "use_qalora": "QALoRA",
    "alora_invocation_tokens": "an activation by tokens (aLoRA)",
}
_BASE_CHANGING = ("pissa", "olora", "corda", "loftq")


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter that can be applied. `pairs`: base weight name -> names of A (r x in) and B (out x r) in the file."""

    folder: Path
    config: Mapping[str, Any]
    pairs: Mapping[str, tuple[str, str]]
    shapes: Mapping[str, tuple[int, ...]]
    digest: str

    @property
    def base(self) -> str:
        """The base that the adapter was made for, as it says itself."""
        return str(self.config.get("base_model_name_or_path") or "")

    @property
    def r(self) -> int:
        return int(self.config["r"])

    @property
    def scale(self) -> float:
        """What B · A is multiplied by: alpha / r, or alpha / sqrt(r) for rslora."""
        alpha = float(self.config["lora_alpha"])
        return alpha / math.sqrt(self.r) if self.config.get("use_rslora") else alpha / self.r

    def load(self) -> "dict[str, torch.Tensor]":
        """All A and B under their names in the file."""
        return read_tensors(self.folder)


def read_adapter(folder: Path) -> Adapter:
    """Read and check an adapter by itself. Raises ModelError: not there, damaged, NaN; ExportError: of a kind that is
    refused."""
    config = read_config(folder)
    _refuse_kinds(folder, config)
    tensors = read_tensors(folder)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    pairs = lora_pairs(folder, shapes)
    adapter = Adapter(folder, config, pairs, shapes, hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest())
    _refuse_bad_numbers(adapter, tensors)
    return adapter


def check_fits(adapter: Adapter, base: BaseRef, *, same: bool = False) -> None:
    """Raises ExportError if the adapter was made for another base. `same`: the user says that it is the same model."""
    if not same and not same_base(adapter.base, base):
        raise ExportError(
            f"the adapter {adapter.folder} was made for {adapter.base or 'a base that it does not name'}, "
            f"not for {base.ref}; give the right --base, or --same-base if they are the same weights under two names"
        )


def check_targets(adapter: Adapter, base: str, weights: Mapping[str, tuple[int, ...]]) -> None:
    """Raises ExportError if a target is not in the base, or has another shape there. `weights`: the base's shapes."""
    for target, (a, b) in adapter.pairs.items():
        if target not in weights:
            tied = " (the base ties it to its embeddings)" if target.startswith("lm_head") else ""
            raise ExportError(f"the adapter changes {target}, which {base} doesn't have{tied}")
        wanted = (adapter.shapes[b][0], adapter.shapes[a][1])
        if tuple(weights[target]) != wanted:
            raise ExportError(
                f"the adapter's {target} is {wanted[0]} x {wanted[1]}, but {base} has "
                f"{' x '.join(map(str, weights[target]))} there: it was made for another model"
            )


def check_vocabulary(adapter: Adapter, base: str, folder: Path) -> None:
    """Raises ExportError if the adapter came with a tokenizer whose vocabulary differs from that of the base."""
    own, other = vocabulary_size(adapter.folder), vocabulary_size(folder)
    if own is not None and other is not None and own != other:
        raise ExportError(
            f"the adapter's tokenizer has {own} entries, that of {base} has {other}: tokens were added in training, "
            "and a LoRA alone can't carry them"
        )


def _refuse_kinds(folder: Path, config: Mapping[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise ExportError(f"{folder} is a {config.get('peft_type')} adapter; only LoRA can be exported")
    if config.get("task_type") not in (None, "CAUSAL_LM"):
        raise ExportError(f"{folder} is an adapter for {config['task_type']}, not for a language model")
    for key, name in _REFUSED.items():
        if config.get(key):
            raise ExportError(f"{folder} uses {name}, which llama.cpp can't represent")
    if config.get("bias") not in (None, "none"):
        raise ExportError(f"{folder} trains biases (bias={config['bias']}), which llama.cpp can't represent")
    init = str(config.get("init_lora_weights") or "").lower()
    if init.startswith(_BASE_CHANGING):
        raise ExportError(
            f"{folder} was started with {init}, which changes the base's weights; convert it to plain LoRA first"
        )


def _refuse_bad_numbers(adapter: Adapter, tensors: "Mapping[str, torch.Tensor]") -> None:
    if not math.isfinite(adapter.scale) or adapter.scale == 0:
        raise ExportError(f"{adapter.folder} has the scale {adapter.scale}: it changes nothing, or everything")
    refuse_no_numbers(adapter.folder, tensors)
    ranks = {adapter.shapes[a][0] for a, _ in adapter.pairs.values()}
    if ranks != {adapter.r}:
        raise ExportError(f"{adapter.folder} has matrices of rank {sorted(ranks)} where its config says {adapter.r}")
