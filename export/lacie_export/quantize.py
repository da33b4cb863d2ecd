"""Quantisation through llama.cpp, and a report of what became of every tensor.

The k-quants pack 256 weights of a row. A row whose length isn't a multiple of that falls back to an older format of
about the same size or larger (Q4_K to Q5_0, Q6_K to Q8_0), so a small model's Q4_K_M may be hardly smaller than its
Q8_0.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lacie_export.child import run_native
from lacie_export.errors import ExportError
from lacie_export.files import need_space
from lacie_export.gguf_layout import tensors

BITS = {"f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5, "q6_k": 6.6, "q5_k_m": 5.7, "q4_k_m": 4.9}
"""What can be made, with about the bits a weight takes (for the disk check)."""

CHOICES = tuple(name for name in BITS if name != "f32")
SIXTEEN_BIT = ("f16", "bf16")
_FILE_TYPES = {"f16": 1, "q8_0": 7, "q4_k_m": 15, "q5_k_m": 17, "q6_k": 18, "bf16": 32}  # enum llama_ftype
_ROW = 256


@dataclass(frozen=True, slots=True)
class TensorReport:
    """How many tensors are in which format, and of those how many because their rows can't hold a k-quant."""

    types: dict[str, int]
    fallbacks: dict[str, int]

    def line(self) -> str:
        """For the report: `Q4_K 120, Q6_K 30, F32 61; rows not divisible by 256 fell back: Q5_0 60, Q8_0 30`."""
        text = ", ".join(f"{name} {count}" for name, count in self.types.items())
        if not self.fallbacks:
            return text
        fell = ", ".join(f"{name} {count}" for name, count in self.fallbacks.items())
        return f"{text}; rows not divisible by {_ROW} fell back to: {fell}"


def parse_quants(text: str) -> tuple[str, ...]:
    """`q4_k_m,q8_0` as names. Raises ExportError on an unknown one."""
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in CHOICES:
            raise ExportError(f"there is no quantisation {name} here; there are: {', '.join(CHOICES)}")
    if not names:
        raise ExportError(f"--quant names no quantisation; there are: {', '.join(CHOICES)}")
    return names


def expected_size(quant: str, parameters: int) -> int:
    """About how many bytes a model takes, its vocabulary included."""
    return int(parameters * BITS[quant] / 8 * 1.02) + (8 << 20)


def quantize(source: Path, target: Path, quant: str, *, parameters: int, work: Path) -> None:
    """Write the GGUF `source` (16 or 32 bit) as `target`. Raises ExportError."""
    size = expected_size(quant, parameters)
    need_space(target.parent, size, f"the model as {quant}")
    order = {
        "command": "quantize",
        "source": str(source),
        "target": str(target),
        "ftype": _FILE_TYPES[quant],
        "log": str(work / "llama.log"),
    }
    run_native(order, work, title=f"quantising to {quant}", watch=target, total=size)
    if not target.is_file():
        raise ExportError(f"llama.cpp wrote no file for {quant} and gave no reason")


def tensor_report(path: Path, quant: str) -> TensorReport:
    """Look into a finished GGUF."""
    from gguf.constants import GGMLQuantizationType

    types: Counter[str] = Counter()
    fallbacks: Counter[str] = Counter()
    for tensor in tensors(path):
        kind = GGMLQuantizationType(tensor.kind).name
        types[kind] += 1
        if "_k" in quant and len(tensor.shape) > 1 and tensor.shape[0] % _ROW and kind != "F32":
            fallbacks[kind] += 1
    return TensorReport(dict(types.most_common()), dict(fallbacks.most_common()))
