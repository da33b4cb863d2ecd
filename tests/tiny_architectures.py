"""Tiny models of real architectures with random weights, a megabyte or two each, written in a tenth of a second.

llama.cpp itself says which tensors an architecture has: `llama_model_init_from_user` builds a model out of a header
and hands over every tensor to be filled, which is where their names and shapes are taken from. The header's figures
are those of llama.cpp's own tests/test-llama-archs.cpp. The vocabulary is the beginning of the embedded model's (bytes,
the first merges, the turn markers), so that real templates and prompts can be read.
"""

import ctypes
import struct
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from llama_cpp import llama_cpp as low

from lacie_chat.engine import native
from lacie_chat.gguf_header import read_header

TOKENS = 1024
_CONTROL = 17  # the first tokens of the embedded model: its markers
_WIDTH, _HEADS, _LAYERS, _FEED_FORWARD, _CTX = 256, 2, 2, 384, 4096

_Value = int | float | bool | Sequence[int]

_SSM: dict[str, _Value] = {
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 2 * _WIDTH,
    "ssm.state_size": 128,
    "ssm.time_step_rank": _HEADS,
    "ssm.group_count": 2,
}
_EXPERTS: dict[str, _Value] = {"expert_count": 4, "expert_used_count": 2, "expert_feed_forward_length": _FEED_FORWARD}
_MIXED: dict[str, _Value] = {"attention.head_count": [_HEADS, 0], "attention.head_count_kv": [_HEADS, 0]}
_WINDOW: dict[str, _Value] = {"attention.sliding_window": 32}
_DELTA: dict[str, _Value] = {
    **_SSM,
    "ssm.inner_size": 256,
    "full_attention_interval": 2,
    "rope.dimension_sections": [32, 32, 32, 32],
}

ARCHITECTURES: dict[str, tuple[str, str, dict[str, _Value]]] = {
    "qwen2": ("qwen2", "qwen2", {}),
    "qwen3": ("qwen3", "qwen2", {"attention.key_length": 64, "attention.value_length": 64}),
    "qwen3moe": ("qwen3moe", "qwen2", _EXPERTS),
    "llama": ("llama", "llama-bpe", {"attention.head_count_kv": 1}),
    "mistral": ("llama", "spm", {}),
    "mistral-tekken": ("llama", "tekken", {"attention.key_length": 64, "attention.value_length": 64}),
    "phi3": ("phi3", "spm", _WINDOW),
    "gemma2": ("gemma2", "spm", {**_WINDOW, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}),
    "gemma3": ("gemma3", "spm", {**_WINDOW, "attention.key_length": 256, "attention.value_length": 256}),
    "gpt-oss": ("gpt-oss", "gpt-4o", {**_WINDOW, **_EXPERTS}),
    "mamba": (
        "mamba",
        "gpt-2",
        {**_SSM, "ssm.state_size": 16, "attention.head_count": 0, "attention.head_count_kv": 0},
    ),
    "mamba2": ("mamba2", "gpt-2", {**_SSM, "attention.head_count": 0, "attention.head_count_kv": 0}),
    "falcon-h1": ("falcon-h1", "falcon-h1", _SSM),
    "lfm2": ("lfm2", "lfm2", {**_MIXED, "shortconv.l_cache": 3}),
    "granite-hybrid": ("granitehybrid", "refact", {**_SSM, **_MIXED, "logit_scale": 1.0}),
    "qwen3.5": ("qwen35", "qwen35", _DELTA),
    "plamo2": ("plamo2", "gpt-2", {**_SSM, **_MIXED, "ssm.state_size": 64, "ssm.group_count": 0}),
    "nemotron-h": (
        "nemotron_h",
        "tekken",
        {
            **_SSM,
            "block_count": 3,
            "attention.head_count": [_HEADS, 0, _HEADS],
            "attention.head_count_kv": [_HEADS, 0, _HEADS],
            "feed_forward_length": [0, 0, _FEED_FORWARD],
        },
    ),
}
"""By a name for people: the architecture, the tokenizer, and what the header has beside the figures of all."""

NO_CHAT: dict[str, tuple[str, str, dict[str, _Value]]] = {
    "bert": ("bert", "gpt-2", {"attention.causal": False, "pooling_type": 2}),
    "qwen3-embedding": ("qwen3", "qwen2", {"pooling_type": 3}),
    "qwen3-reranker": ("qwen3", "qwen2", {"pooling_type": 4}),
    "t5": ("t5", "gpt-2", {"attention.relative_buckets_count": 8}),
    "llada": ("llada", "gpt-2", {}),
}
"""Models that llama.cpp loads and that can't answer."""

FORGETFUL = ("mamba", "mamba2", "falcon-h1", "lfm2", "granite-hybrid", "qwen3.5", "plamo2", "nemotron-h")
"""Those whose memory is a state: llama.cpp can't cut it back to an earlier place."""


def write_tiny(path: Path, name: str, vocabulary: Path, *, seed: int = 0) -> Path:
    """Write the tiny model `name` of ARCHITECTURES or NO_CHAT; `vocabulary` is the embedded model's file."""
    architecture, tokenizer, more = (ARCHITECTURES | NO_CHAT)[name]
    bare = path.with_suffix(".keys")
    writer = _header(bare, architecture, tokenizer, more, vocabulary)
    _finish(writer)
    writer = _header(path, architecture, tokenizer, more, vocabulary)
    random = np.random.default_rng(seed)
    for tensor, shape in _tensors(bare).items():
        writer.add_tensor(tensor, _values(tensor, shape, random))
    _finish(writer)
    bare.unlink()
    return path


def write_tiny_adapter(path: Path, model: Path, *, strength: float = 0.5, seed: int = 1) -> Path | None:
    """Write a LoRA of rank 4 on the query or the input weights of `model`, whichever it has; None where it has none."""
    header = read_header(model)
    random = np.random.default_rng(seed)
    wanted = ("attn_q.weight", "attn_qkv.weight", "ssm_in.weight", "shortconv.in_proj.weight")
    found = [tensor for tensor in header.tensors if tensor.name.endswith(wanted)]
    if not found:
        return None
    writer = gguf.GGUFWriter(path, str(header.keys["general.architecture"]))
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for tensor in found:
        width, rows = tensor.shape
        writer.add_tensor(f"{tensor.name}.lora_a", random.normal(0, strength, (4, width)).astype(np.float32))
        writer.add_tensor(f"{tensor.name}.lora_b", random.normal(0, strength, (rows, 4)).astype(np.float32))
    _finish(writer)
    return path


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _header(
    path: Path, architecture: str, tokenizer: str, more: dict[str, _Value], vocabulary: Path
) -> gguf.GGUFWriter:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"Tiny {architecture}")
    figures: dict[str, _Value] = {
        "vocab_size": TOKENS,
        "context_length": _CTX,
        "embedding_length": _WIDTH,
        "block_count": _LAYERS,
        "feed_forward_length": _FEED_FORWARD,
        "attention.head_count": _HEADS,
        "attention.head_count_kv": _HEADS,
        "attention.layer_norm_epsilon": 1e-5,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.dimension_count": more.get("attention.key_length", _WIDTH // _HEADS),
        **more,
    }
    for key, value in figures.items():
        if isinstance(value, bool):
            writer.add_bool(f"{architecture}.{key}", value)
        elif isinstance(value, float):
            writer.add_float32(f"{architecture}.{key}", value)
        elif isinstance(value, int):
            writer.add_uint32(f"{architecture}.{key}", value)
        else:
            writer.add_array(f"{architecture}.{key}", list(value))
    if tokenizer == "spm":
        _sentencepiece(writer, vocabulary)
        if architecture.startswith("gemma"):  # as its files say
            writer.add_add_space_prefix(False)
    else:
        add_byte_pairs(writer, tokenizer, vocabulary, TOKENS)
    writer.add_uint32("tokenizer.ggml.token_type_count", 2)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(tokenizer in ("spm", "tekken", "llama-bpe"))
    writer.add_chat_template(str(read_header(vocabulary, tensors=False).keys["tokenizer.chat_template"]))
    return writer


def add_byte_pairs(writer: gguf.GGUFWriter, tokenizer: str, vocabulary: Path, count: int) -> None:
    """Add the first `count` tokens of the embedded model, with the merges that make them."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokenizer)
    writer.add_token_list(_texts(vocabulary, "tokenizer.ggml.tokens", count))
    writer.add_token_types([3 if number < _CONTROL else 1 for number in range(count)])
    writer.add_token_merges(_texts(vocabulary, "tokenizer.ggml.merges", count - _CONTROL - 256))


def _sentencepiece(writer: gguf.GGUFWriter, vocabulary: Path) -> None:
    """The same texts as SentencePiece has them: markers, a token for each byte, then pieces with "▁" for a space."""
    texts = _texts(vocabulary, "tokenizer.ggml.tokens", TOKENS)
    pieces = [text.replace("Ġ", "▁") for text in texts[_CONTROL:] if text.replace("Ġ", "").isascii()]
    markers = ["<unk>", "<s>", "</s>", *texts[:_CONTROL]]
    tokens = [*markers, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *pieces]
    tokens = list(dict.fromkeys(tokens))[:TOKENS]
    tokens += [f"<unused{number}>" for number in range(TOKENS - len(tokens))]
    kinds = [3] * len(markers) + [6] * 256
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(number) for number in range(TOKENS)])
    writer.add_token_types(kinds + [1] * (TOKENS - len(kinds)))


def _texts(path: Path, key: str, count: int) -> list[str]:
    """The first `count` texts of a list in the header (whose reader steps over such lists)."""
    start, end = read_header(path, tensors=False).places[key]
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(end - start)
    at = 8 + len(key) + 4 + 4 + 8  # its name, the kind of list, the kind in it, their number
    texts = []
    for _ in range(count):
        (length,) = struct.unpack_from("<Q", data, at)
        texts.append(data[at + 8 : at + 8 + length].decode())
        at += 8 + length
    return texts


class _InitParams(ctypes.Structure):
    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


def _tensors(header: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape (rows first) of every tensor that llama.cpp wants for a header without any."""
    native.start(None)
    library = low._lib
    library.gguf_init_from_file.restype = ctypes.c_void_p
    library.gguf_init_from_file.argtypes = [ctypes.c_char_p, _InitParams]
    library.gguf_free.argtypes = [ctypes.c_void_p]
    library.ggml_get_name.restype, library.ggml_get_name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    library.ggml_n_dims.restype, library.ggml_n_dims.argtypes = ctypes.c_int, [ctypes.c_void_p]
    found: dict[str, tuple[int, ...]] = {}  # what several layers share comes several times

    def fill(tensor: int, _user_data: object) -> None:
        lengths = (ctypes.c_int64 * 4).from_address(tensor + 16)  # after its type and its buffer
        shape = tuple(lengths[: library.ggml_n_dims(tensor)])
        found[library.ggml_get_name(tensor).decode()] = shape[::-1]

    keys = library.gguf_init_from_file(str(header).encode(), _InitParams(True, None))
    callback = low.llama_model_set_tensor_data_t(fill)
    params = low.llama_model_default_params()
    params.use_extra_bufts = False
    with native.errors_of() as lines:
        model = low.llama_model_init_from_user(keys, callback, None, params)
        if not model:
            raise AssertionError(f"{header}: {lines()}")
    low.llama_model_free(model)
    library.gguf_free(keys)
    return found


def _values(
    name: str, shape: tuple[int, ...], random: np.random.Generator
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    if name.startswith("rope_freqs"):
        return np.ones(shape, np.float32)
    if "norm" in name and name.endswith("weight"):
        return random.normal(1, 0.1, shape).astype(np.float32)
    if "ssm_a" in name:
        return -np.abs(random.normal(0, 0.5, shape)).astype(np.float32)  # a state decays
    scale = 0.1 if len(shape) == 1 else 1.0 if name == "token_embd.weight" else 1.5 / shape[-1] ** 0.5
    return random.normal(0, scale, shape).astype(np.float32)
