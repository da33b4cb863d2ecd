"""What this machine has: GPUs and what they can do, free memory, libraries that can be imported.

GPUs are asked, and libraries imported, in a process of their own: who has asked a GPU once holds half a gigabyte of its
memory until he ends, and the stages that come after would miss it.
"""

import json
import subprocess
import sys
from dataclasses import dataclass

import psutil

from lacie_chat.sizes import size_text
from lacie_training.check.findings import Findings
from lacie_training.recipes.models import ModelSettings
from lacie_training.recipes.schema import Recipe

_ASK = """
import json, torch
found = []
for number in range(torch.cuda.device_count()):
    free, total = torch.cuda.mem_get_info(number)
    name = torch.cuda.get_device_name(number)
    major = torch.cuda.get_device_capability(number)[0]
    found.append({"name": name, "free": free, "total": total, "bf16": bool(torch.version.hip) or major >= 8})
print(json.dumps(found))
"""
"""Compute capability 8 (Ampere) is where bfloat16 is computed and not emulated."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; memory in bytes."""

    name: str
    free: int
    total: int
    bf16: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """The GPUs that can be seen, and main memory that is free, in bytes."""

    gpus: tuple[Gpu, ...]
    main_free: int


def look() -> Machine:
    """This machine as it is now."""
    import torch

    gpus: tuple[Gpu, ...] = ()
    if torch.cuda.is_available():
        done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
        gpus = tuple(Gpu(**each) for each in json.loads(done.stdout.splitlines()[-1]))
    return Machine(gpus, int(psutil.virtual_memory().available))


def why_not_imported(module: str) -> str | None:
    """The last line of what importing a module says when it fails; None where it succeeds."""
    done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True)
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (lines[-1] if lines else f"exit status {done.returncode}")


def models_of(recipe: Recipe) -> dict[str, ModelSettings]:
    """Speaker and listener by the names of their sections."""
    return {"speaker": recipe.speaker, "listener": recipe.listener}


def check_machine(recipe: Recipe, machine: Machine, processes: int, findings: Findings) -> None:
    """GPUs, their number and number formats, and the libraries that only some recipes need."""
    _check_gpus(recipe, machine, processes, findings)
    if _four_bit(recipe):
        why = why_not_imported("bitsandbytes")
        if why is None:
            findings.ok("bitsandbytes", "can be imported")
        else:
            findings.failed("bitsandbytes", f"4-bit weights need it, and it can't be imported: {why}")
    for name in [name for name, settings in models_of(recipe).items() if settings.generator == "vllm"]:
        why = why_not_imported("vllm")
        if why is None:
            findings.ok("vLLM", f"can be imported ({name}.generator)")
        else:
            findings.failed("vLLM", f"{name}.generator=vllm, but it can't be imported: {why}; see the recipes' README")


def needs_gpu(recipe: Recipe) -> list[str]:
    """The settings that no CPU can serve, as the recipe writes them."""
    found = _four_bit(recipe)
    if recipe.dpo.optimizer.startswith("paged"):
        found.append(f"dpo.optimizer={recipe.dpo.optimizer}")
    for name, settings in models_of(recipe).items():
        if settings.generator == "vllm":
            found.append(f"{name}.generator=vllm")
    devices = {"speaker": recipe.speaker.device, "listener": recipe.listener.device, "dpo": recipe.dpo.device}
    return found + [f"{name}.device=cuda" for name, device in devices.items() if device == "cuda"]


def _four_bit(recipe: Recipe) -> list[str]:
    formats = {"speaker": recipe.speaker.quantize, "listener": recipe.listener.quantize, "dpo": recipe.dpo.quantize}
    return [f"{name}.quantize=nf4" for name, quantize in formats.items() if quantize == "nf4"]


def _check_gpus(recipe: Recipe, machine: Machine, processes: int, findings: Findings) -> None:
    needed, gpus = needs_gpu(recipe), machine.gpus
    if not gpus:
        if needed:
            findings.failed("GPU", f"none can be seen here, and these need one: {', '.join(needed)}")
        else:
            findings.ok("GPU", f"none here, and none is needed; {size_text(machine.main_free)} of main memory are free")
        return
    wanted = {"dpo": processes if recipe.dpo.device != "cpu" else 0}
    for name, settings in models_of(recipe).items():
        if settings.generator != "llama_cpp" and settings.device != "cpu":
            wanted[name] = settings.data_parallel * settings.tensor_parallel
    too_many = [f"{name} wants {count}" for name, count in wanted.items() if count > len(gpus)]
    if too_many:
        findings.failed("GPU", f"{len(gpus)} can be seen; {', '.join(too_many)}")
    used = gpus[: max(1, *wanted.values())]
    lacking = [gpu.name for gpu in used if not gpu.bf16]
    if lacking and _computes_in_bf16(recipe):
        findings.failed("GPU", f"{lacking[0]} can't compute in bfloat16, which the recipe trains in; take a newer one")
    if not too_many and not (lacking and _computes_in_bf16(recipe)):
        shown = ", ".join(f"{gpu.name} with {size_text(gpu.free)} of {size_text(gpu.total)} free" for gpu in used)
        findings.ok("GPU", shown)


def _computes_in_bf16(recipe: Recipe) -> bool:
    return recipe.dpo.mixed_precision or "bfloat16" in (recipe.dpo.dtype, recipe.dpo.adapter_dtype)
