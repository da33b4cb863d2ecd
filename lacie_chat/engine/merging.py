"""A listener's own copy of the weights: the embedded model with an adapter merged in, in a format that is read quickly.

The embedded file's Q4_1 has no fast kernels in llama.cpp, and a LoRA laid over weights at run time costs a third of the
reading speed: on one thread 154 tokens a second as the file is, 200 as Q8_0 with the LoRA beside it, 340 merged as
Q8_0, 460 merged as BF16 where the processor multiplies that. So each adapter gets a copy of its own, made once (some
seconds) and kept in the cache folder under the fingerprints of both files; a few are kept, the oldest go.
"""

import contextlib
import ctypes
import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as low

from lacie_chat.engine import native
from lacie_chat.engine.errors import EngineError
from lacie_chat.gguf_header import Header, Tensor, read_header
from lacie_chat.private import private_file, private_folder

_F32, _Q8_0, _BF16 = 0, 7, 32  # enum llama_ftype
_KINDS: dict[int, npt.DTypeLike] = {0: np.float32, 1: np.float16}  # enum ggml_type
_KEPT = 4


def fast_format() -> str:
    """The format that this processor reads prompts in the quickest, of those that change no value to speak of."""
    return "BF16" if native.has_processor_flag("avx512_bf16") else "Q8_0"


def copy_of(copy: Path) -> Path:
    """`copy` with its format at the end: where the merged copy is, or will be."""
    return copy.with_name(f"{copy.name}-{fast_format()}.gguf")


def merged_copy(model: Path, adapter: Path, copy: Path) -> Path:
    """The copy of `model` with `adapter` merged in, made if it isn't there: `copy` with its format at the end.

    Raises OSError (no room, no right to write), EngineError or GGUFError (files that don't go together).
    """
    kind, folder, copy = fast_format(), copy.parent, copy_of(copy)
    if copy.is_file():
        with contextlib.suppress(OSError):
            os.utime(copy)  # so that those in use are not the oldest
        return copy
    private_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as making:
        whole, made = Path(making) / "f32.gguf", Path(making) / copy.name
        _quantised(model, whole, _F32)
        _merge(whole, adapter)
        _quantised(whole, made, _BF16 if kind == "BF16" else _Q8_0)
        private_file(made).replace(copy)
    others = [path for path in folder.glob("*.gguf") if path != copy]
    for old in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT - 1 :]:
        old.unlink(missing_ok=True)
    return copy


def _quantised(source: Path, target: Path, ftype: int) -> None:
    params = low.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize, params.nthread = ftype, True, 1
    with native.errors_of() as lines:
        code = low.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params))
        if code != 0 or not target.is_file():
            raise EngineError(f"{source.name} can't be written anew: {'; '.join(lines()) or f'code {code}'}.")


def _merge(model: Path, adapter: Path) -> None:
    """Add alpha / r · B A of every pair of the adapter to its tensor in `model`, in place; `model` is all float32."""
    weights, parts = read_header(model), read_header(adapter)
    tensors = {tensor.name: tensor for tensor in weights.tensors}
    low_rank = {tensor.name: tensor for tensor in parts.tensors}
    alpha = float(parts.keys.get("adapter.lora.alpha", 0.0))
    for name, tensor in low_rank.items():
        if not name.endswith(".lora_a"):
            continue
        base = name.removesuffix(".lora_a")
        if base not in tensors or f"{base}.lora_b" not in low_rank:
            raise EngineError(f"The adapter {adapter} doesn't fit {model.name}: there is no {base} in it.")
        a = _read(adapter, parts, tensor).astype(np.float32)
        b = _read(adapter, parts, low_rank[f"{base}.lora_b"]).astype(np.float32)
        target = _read(model, weights, tensors[base], write=True)
        if (b.shape[0], a.shape[1]) != target.shape:
            raise EngineError(f"The adapter {adapter} doesn't fit {model.name}: {base} is of another shape.")
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise EngineError(f"The adapter {adapter} holds values that are no finite numbers (for {base}).")
        target += alpha / a.shape[0] * (b @ a)


def _read(path: Path, header: Header, tensor: Tensor, *, write: bool = False) -> npt.NDArray[np.floating]:
    """A tensor of the file, rows first; a view of the file itself."""
    if tensor.kind not in _KINDS:
        raise EngineError(f"{path.name}: {tensor.name} is in a format that can't be merged.")
    shape = tensor.shape[::-1]
    start = header.data + tensor.offset
    return np.memmap(path, dtype=_KINDS[tensor.kind], mode="r+" if write else "r", offset=start, shape=shape)
