"""llama.cpp's parameters of a context, as the one that is made and the one that is only measured both get them."""

from dataclasses import dataclass
from typing import Any

from llama_cpp import llama_cpp as low

from lacie_chat.engine.settings import USUAL, Machine

CPU_CHUNK, GPU_CHUNK = 64, 512
CHECKPOINTS, CHECKPOINT_BYTES = 8, 256 << 20
"""At most so many copies of a recurrent model's state are kept, of so many bytes together (context.py)."""
_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}  # auto: on wherever the model's heads allow it
_KV_TYPES = {  # enum ggml_type
    "f32": low.GGML_TYPE_F32,
    "f16": low.GGML_TYPE_F16,
    "bf16": 30,  # llama-cpp-python has no name for it
    "q8_0": low.GGML_TYPE_Q8_0,
    "q5_1": low.GGML_TYPE_Q5_1,
    "q5_0": low.GGML_TYPE_Q5_0,
    "q4_1": low.GGML_TYPE_Q4_1,
    "q4_0": low.GGML_TYPE_Q4_0,
    "iq4_nl": low.GGML_TYPE_IQ4_NL,
}


@dataclass(frozen=True, slots=True)
class ContextForm:
    """A context but for its weights: `n_ctx` tokens, `batch` read at a time, several `sequences` over one pool of
    cells, `outputs` rows of logits kept. `machine`: whose cache, batch and flash attention it has.
    """

    n_ctx: int
    batch: int
    sequences: int = 1
    outputs: int = 1
    machine: Machine = USUAL

    def parameters(self) -> Any:
        """As llama.cpp takes them, less the threads."""
        machine = self.machine
        params = low.llama_context_default_params()
        params.n_ctx = self.n_ctx
        params.n_batch = self.batch
        params.n_ubatch = min(self.batch, machine.ubatch or self.batch)
        params.n_seq_max = self.sequences
        params.n_outputs_max = self.outputs
        params.kv_unified = self.sequences > 1  # so that a prompt's cells can be shared
        params.flash_attn_type = _FLASH_ATTENTION[machine.flash_attention]
        params.type_k = params.type_v = _KV_TYPES[machine.kv_type]
        params.swa_full = True  # else cutting back a sliding-window cache silently gives wrong logits
        params.no_perf = True
        return params


def chunk_of(machine: Machine, *, on_gpu: bool) -> int:
    """Tokens to be read at a time. Small chunks on a CPU: a decode can only be stopped between two nodes of its graph,
    and one matrix product of a large model takes long. Fewer than 512 cost a CPU a tenth of its reading speed, a GPU
    most.
    """
    return machine.batch or (GPU_CHUNK if on_gpu else CPU_CHUNK)
