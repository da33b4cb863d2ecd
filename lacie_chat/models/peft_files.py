"""The one reader of LoRA adapters as PEFT writes them: a folder with a configuration and safetensors.

Both training and export read adapters through it, so that a damaged one is refused in the same words by either. torch
is loaded only where tensors are asked for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.models.errors import ModelError

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
LISTENER = "lacie_listener.json"
"""Ours, beside them: the task that a listener's adapter is for, and the version of its form."""
_PREFIX = "base_model.model."


def read_config(folder: Path) -> dict[str, Any]:
    """PEFT's configuration, with a rank (`r`) and `lora_alpha`. Raises ModelError: not there, damaged."""
    path = folder / CONFIG
    try:
        config = read_json(path)
    except FileNotFoundError:
        raise ModelError(f"{folder} holds no adapter ({CONFIG} is not there)") from None
    except OSError as error:
        raise ModelError(f"{path} can't be read: {error.strerror or error}") from error
    except NoJSON as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("r"), int) or config["r"] < 1:
        raise ModelError(f"{path} is damaged: it names no rank")
    if not isinstance(config.get("lora_alpha"), (int, float)):
        raise ModelError(f"{path} is damaged: it names no alpha")
    return config


def read_tensors(folder: Path) -> dict[str, Any]:
    """All A and B, torch's tensors, under their names in the file. Raises ModelError: not there, damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    if not path.is_file():
        bin_file = (folder / "adapter_model.bin").is_file()
        old = " (adapter_model.bin is not read: save it again with safetensors)" if bin_file else ""
        raise ModelError(f"{folder} holds no {WEIGHTS}{old}")
    try:
        return load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged ({error}); fetch or make it again") from error


def refuse_no_numbers(folder: Path, tensors: Mapping[str, Any]) -> None:
    """Raises ModelError where a value of these tensors of the folder is a NaN or an infinity."""
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ModelError(f"{folder} holds a NaN or an infinity in {name}: the training diverged")


def lora_pairs(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, str]]:
    """Base weight name -> names of A (r x in) and B (out x r) in the file. Raises ModelError: a matrix without its
    other, two that don't fit each other, anything that is no LoRA matrix, or none at all.
    """
    pairs: dict[str, tuple[str, str]] = {}
    for name in shapes:
        if not name.endswith((".lora_A.weight", ".lora_B.weight")):
            if "embed_tokens" in name or "lm_head" in name:
                raise ModelError(
                    f"{folder} carries embeddings of its own ({name}): its vocabulary differs from the base's, "
                    "and a LoRA alone can't carry that"
                )
            raise ModelError(f"{folder} holds {name}, which is not a LoRA matrix; llama.cpp can't represent it")
    for a in sorted(name for name in shapes if name.endswith(".lora_A.weight")):
        b = a.replace(".lora_A.weight", ".lora_B.weight")
        if b not in shapes:
            raise ModelError(f"{folder} holds {a} without its B")
        if len(shapes[a]) != 2 or len(shapes[b]) != 2 or shapes[a][0] != shapes[b][1]:
            raise ModelError(f"{folder}: A and B of {a} don't fit each other ({shapes[a]}, {shapes[b]})")
        pairs[a.removeprefix(_PREFIX).replace(".lora_A.weight", ".weight")] = (a, b)
    if not pairs or len(pairs) * 2 != len(shapes):
        raise ModelError(f"{folder} holds no complete LoRA matrices")
    return pairs
