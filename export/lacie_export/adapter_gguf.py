"""Stage `adapter`: the LoRA alone as GGUF -> OUT/{name}-LACIE-F32-LoRA.gguf, which the engine puts over an unchanged
base; in 16 bit where size matters (`--lora-type f16`).

By llama.cpp's own script, which also permutes the rows of B for q and k where the architecture's GGUF has them
permuted. llama.cpp scales by alpha / rank and ignores rslora, so for an rslora adapter alpha is written as alpha ·
sqrt(rank): the same product.
"""

import json
import math
import shutil
import sys
from pathlib import Path

from lacie_chat.models.peft_files import CONFIG, WEIGHTS
from lacie_export.bases import Base
from lacie_export.convert import convert_adapter, convert_model
from lacie_export.errors import writing
from lacie_export.files import pending, refuse_existing
from lacie_export.gguf_layout import stamp
from lacie_export.metadata import base_keys, guessed, keys_for
from lacie_export.model_gguf import file_name
from lacie_export.peft_adapter import Adapter
from lacie_export.quantize import expected_size
from lacie_export.run_facts import RunFacts
from lacie_export.safetensors_file import by_name, read_shards


def make_adapter(
    base: Base, adapter: Adapter, facts: RunFacts, out: Path, work: Path, dtype: str = "f32", *, force: bool
) -> Path:
    """Write the adapter's GGUF in `dtype`, f32 or f16; returns its path. Raises ExportError."""
    target = out / file_name(base.name, facts, dtype, lora=True)
    refuse_existing(target, force=force)
    raw = work / "adapter.gguf"
    size = 2 * (adapter.folder / WEIGHTS).stat().st_size
    convert_adapter(_plain_copy(adapter, work), base.folder, raw, size, dtype)
    keys = keys_for(base, adapter, facts, f"{base.name} {facts.method} LoRA")
    with pending(target, force=force) as part:
        stamp(raw, part, keys, drop=guessed)
    raw.unlink()
    return target


def base_as_gguf(base: Base, work: Path) -> tuple[Path, str]:
    """The base in 16 bit as GGUF, to lay the adapter over, and which 16 bit; converted once."""
    weights = by_name(read_shards(base.folder)).values()
    quant = "bf16" if any(entry.dtype == "BF16" for entry in weights) else "f16"
    target = work / f"base-{quant}.gguf"
    if not target.is_file():
        parameters = sum(math.prod(entry.shape) for entry in weights)
        convert_model(base.folder, target, quant, expected_size(quant, parameters))
    return target, quant


def make_base(base: Base, out: Path, work: Path, *, force: bool) -> Path:
    """Write the unchanged base as OUT/{name}-{F16 or BF16}.gguf, for the adapter to lie over; returns its path."""
    raw, quant = base_as_gguf(base, work)
    target = out / f"{base.name}-{quant.upper()}.gguf"
    with pending(target, force=force) as part:
        stamp(raw, part, base_keys(base), drop=guessed)
    return target


def _plain_copy(adapter: Adapter, work: Path) -> Path:
    """The adapter with nothing but what the script should see: weights, and rank and alpha as llama.cpp reads them."""
    folder = work / "adapter"
    shutil.rmtree(folder, ignore_errors=True)
    with writing(folder):
        folder.mkdir()
        shutil.copyfile(adapter.folder / WEIGHTS, folder / WEIGHTS)
        config = {"peft_type": "LORA", "r": adapter.r, "lora_alpha": adapter.scale * adapter.r}
        (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    return folder


if __name__ == "__main__":
    from lacie_export.commands import stage_main

    sys.exit(stage_main("adapter"))
