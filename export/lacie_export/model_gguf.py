"""Stage `gguf`: the merged model as GGUF files, OUT/merged -> OUT/{name}-LACIE-{QUANT}.gguf.

llama.cpp's converter writes the model once, losslessly in the precision that it was merged in; f16 and bf16 are the
converter's too, everything smaller is llama.cpp's quantiser's. Metadata comes last, and only then a file gets its name.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from lacie_export.asking import TEMPLATE, asking_keys
from lacie_export.bases import Base
from lacie_export.convert import convert_model
from lacie_export.errors import ExportError
from lacie_export.files import pending, refuse_existing
from lacie_export.gguf_layout import stamp, texts
from lacie_export.metadata import guessed, keys_for
from lacie_export.peft_adapter import Adapter
from lacie_export.quantize import SIXTEEN_BIT, expected_size, quantize
from lacie_export.run_facts import RunFacts
from lacie_export.safetensors_file import by_name, read_shards

_LOSSLESS = {"F16": "f16", "BF16": "bf16", "F32": "f32"}


def file_name(base: str, facts: RunFacts, quant: str, *, lora: bool = False) -> str:
    """`{name}-LACIE-{QUANT}.gguf`; of an adapter `{name}-LACIE-{TYPE}-LoRA.gguf`, as llama.cpp's naming convention has
    it."""
    return f"{base}-{facts.method}-{quant.upper()}{'-LoRA' if lora else ''}.gguf"


def make_ggufs(
    base: Base,
    adapter: Adapter,
    facts: RunFacts,
    merged: Path,
    out: Path,
    quants: Sequence[str],
    work: Path,
    *,
    force: bool,
) -> list[Path]:
    """Write one file for each quantisation; returns their paths. Refuses existing ones before any work."""
    targets = {quant: out / file_name(base.name, facts, quant) for quant in quants}
    for target in targets.values():
        refuse_existing(target, force=force)
    weights = by_name(read_shards(merged))
    parameters = sum(math.prod(entry.shape) for entry in weights.values())
    lossless = _lossless(entry.dtype for entry in weights.values() if len(entry.shape) > 1)
    sources: dict[str, Path] = {}

    def converted(outtype: str) -> Path:
        if outtype not in sources:
            sources[outtype] = work / f"model-{outtype}.gguf"
            convert_model(merged, sources[outtype], outtype, expected_size(outtype, parameters))
        return sources[outtype]

    for quant, target in targets.items():
        if quant in SIXTEEN_BIT:
            source = converted(quant)
        else:
            source = work / f"model-{quant}.gguf"
            quantize(converted(lossless), source, quant, parameters=parameters, work=work)
        keys = keys_for(base, adapter, facts, f"{base.name} {facts.method}")
        keys |= asking_keys(facts, texts(source).get(TEMPLATE))
        with pending(target, force=force) as part:
            stamp(source, part, keys, drop=guessed)
        if quant != lossless:
            source.unlink()
            sources.pop(quant, None)
    return list(targets.values())


def quant_of(file: Path) -> str:
    """The quantisation that a file of ours has in its name. Raises ExportError for another name."""
    from lacie_export.quantize import BITS

    quant = file.stem.removesuffix("-LoRA").rpartition("-")[2].lower()
    if quant not in BITS:
        raise ExportError(f"{file.name} doesn't end in a quantisation as the exports do ({', '.join(BITS)})")
    return quant


def _lossless(dtypes: Iterable[str]) -> str:
    """The converter's outtype that loses nothing of weights in these types; the widest decides."""
    found = set(dtypes)
    for dtype in ("F32", "BF16", "F16"):
        if dtype in found:
            return "f32" if dtype == "F32" or {"F16", "BF16"} <= found else _LOSSLESS[dtype]
    raise ExportError(f"the merged model's weights are {', '.join(sorted(found))}: they can't be converted")


if __name__ == "__main__":
    from lacie_export.commands import stage_main

    sys.exit(stage_main("gguf"))
