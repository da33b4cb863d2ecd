"""An adapter for the embedded model that changes what it says: random weights, written straight as GGUF."""

from pathlib import Path

import gguf
import numpy as np


def write_random_adapter(path: Path, *, strength: float = 0.5, seed: int = 0, width: int = 576) -> Path:
    """A LoRA of rank 4 on the first three layers' query weights; `width` other than the model's doesn't fit it."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for layer in range(3):
        name = f"blk.{layer}.attn_q.weight"
        writer.add_tensor(f"{name}.lora_a", random.normal(0, strength, (4, width)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", random.normal(0, strength, (width, 4)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
