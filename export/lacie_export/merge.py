"""Stage `merge`: adapter into base, in the base's precision, a tensor at a time -> OUT/merged (safetensors, tokenizer,
…).

W' = W + scale · B · A, computed in float32 and rounded once. A shard is copied as it is read and only its targets are
computed, so the memory needed is that of the largest target in float32 and a few block copies of it, whatever the
model's size.
"""

import json
import math
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lacie_chat.foreign_json import read_json
from lacie_chat.progress import Show, step
from lacie_export.bases import Base
from lacie_export.errors import ExportError, first_line, writing
from lacie_export.files import need_space, pending
from lacie_export.peft_adapter import Adapter
from lacie_export.safetensors_file import INDEX, Shard, TensorEntry, damaged, read_shards

if TYPE_CHECKING:
    import torch

RECORD = "lacie_merge.json"
"""In the merged folder: which adapter went in, so that a later stage doesn't take another's."""

_BLOCK = 32 << 20
_TOKENIZER_AND_TEMPLATE = (
    *("tokenizer.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "tekken.json", "chat_template.jinja", "chat_template.json"),
    *("generation_config.json",),
)
_LEGAL = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")
_LEAKING_KEYS = ("_name_or_path", "_model_name_or_path", "name_or_path", "vocab_file", "tokenizer_file")


def merge(base: Base, adapter: Adapter, target: Path, *, force: bool = False) -> Path:
    """Write base + adapter to the folder `target`, whole or not at all. Base and adapter must have been checked."""
    shards = read_shards(base.folder)
    total = sum(shard.path.stat().st_size for shard in shards)
    with pending(target, force=force) as part:
        need_space(target.parent, total, "the merged model")
        with writing(part):
            part.mkdir()
        weights = adapter.load()
        done = 0
        with step(f"merging {adapter.folder.name} into {base.name}", total) as show:
            for shard in shards:

                def show_more(bytes_done: int, before: int = done) -> None:
                    show(before + bytes_done)

                with writing(part / shard.path.name):
                    _merge_shard(shard, part / shard.path.name, adapter, weights, show_more)
                done += shard.path.stat().st_size
        with writing(part):
            _copy_rest(base, adapter, part)
    return target


def merged_from(folder: Path) -> str | None:
    """The digest of the adapter that a merged folder holds; None where it isn't one of ours."""
    try:
        record = read_json(folder / RECORD)
    except (OSError, ValueError):
        return None
    return str(record.get("adapter")) if isinstance(record, dict) else None


def _merge_shard(
    shard: Shard, target: Path, adapter: Adapter, weights: "Mapping[str, torch.Tensor]", show: Show
) -> None:
    with shard.path.open("rb") as source, target.open("wb") as out:
        out.write(shard.header)
        source.seek(len(shard.header))
        for tensor in shard.tensors:
            if tensor.name in adapter.pairs:
                out.write(_merged(source, shard, tensor, adapter, weights))
            else:
                _copy(source, out, shard, tensor)
            show(tensor.start + tensor.size)


def _merged(
    source: BinaryIO, shard: Shard, tensor: TensorEntry, adapter: Adapter, weights: "Mapping[str, torch.Tensor]"
) -> bytes:
    import torch

    dtype = _dtype(tensor)
    if dtype is None:
        raise ExportError(
            f"{tensor.name} of the base is {tensor.dtype}: merge into 16 or 32 bit weights, not into quantised ones"
        )
    data = bytearray(source.read(tensor.size))
    weight = torch.frombuffer(data, dtype=dtype).reshape(tensor.shape)
    _refuse_nan(weight, shard, tensor)
    a, b = (weights[name].to(torch.float32) for name in adapter.pairs[tensor.name])
    # torch.addmm would save a copy, but PEFT multiplies before it scales, and the two are to agree to the last bit
    delta = (b @ a).mul_(adapter.scale)
    merged = delta.add_(weight.to(torch.float32)).to(dtype)
    if not _finite(merged):
        raise ExportError(f"merging overflows {tensor.dtype} in {tensor.name}: the adapter is too strong for this base")
    return merged.contiguous().view(torch.uint8).numpy().tobytes()


def _copy(source: BinaryIO, out: BinaryIO, shard: Shard, tensor: TensorEntry) -> None:
    import torch

    dtype = _dtype(tensor)
    left = tensor.size
    while left:
        block = bytearray(source.read(min(_BLOCK, left)))
        if not block:
            raise damaged(shard.path, f"{tensor.name} ends too early")
        if dtype is not None:
            _refuse_nan(torch.frombuffer(block, dtype=dtype), shard, tensor)
        out.write(block)
        left -= len(block)


def _refuse_nan(values: "torch.Tensor", shard: Shard, tensor: TensorEntry) -> None:
    if not _finite(values):
        raise damaged(shard.path, f"{tensor.name} holds a NaN or an infinity")


def _finite(values: "torch.Tensor") -> bool:
    """Whether all values are finite: one that isn't makes the sum so, and a sum needs no memory as `isfinite` does."""
    import torch

    return math.isfinite(float(values.sum(dtype=torch.float64)))


def _dtype(tensor: TensorEntry) -> "torch.dtype | None":
    import torch

    return {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}.get(tensor.dtype)


def _copy_rest(base: Base, adapter: Adapter, part: Path) -> None:
    _copy_config(base.folder / "config.json", part)
    if (base.folder / "tokenizer_config.json").is_file():
        _copy_config(base.folder / "tokenizer_config.json", part)
    for name in (*_TOKENIZER_AND_TEMPLATE, INDEX):
        if (base.folder / name).is_file():
            shutil.copyfile(base.folder / name, part / name)
    for pattern in _LEGAL:
        for path in base.folder.glob(pattern):
            shutil.copyfile(path, part / path.name)
    own_template = adapter.folder / "chat_template.jinja"
    if own_template.is_file() and not has_chat_template(base.folder):
        shutil.copyfile(own_template, part / own_template.name)
    record = {"adapter": adapter.digest, "base": base.repo or base.name, "scale": adapter.scale, "rank": adapter.r}
    (part / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _copy_config(path: Path, part: Path) -> None:
    """Copy a JSON without what transformers notes there of places on the machine where it was saved."""
    try:
        config = dict(read_json(path))
    except (OSError, ValueError, TypeError) as error:
        raise ExportError(f"{path} is damaged ({first_line(error)}); fetch the base again") from error
    kept = {key: value for key, value in config.items() if key not in _LEAKING_KEYS}
    (part / path.name).write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def has_chat_template(folder: Path) -> bool:
    """Whether a model's folder carries a chat template, in any of the three places where it may stand."""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    try:
        config = read_json(folder / "tokenizer_config.json")
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and bool(config.get("chat_template"))


if __name__ == "__main__":
    from lacie_export.commands import stage_main

    sys.exit(stage_main("merge"))
