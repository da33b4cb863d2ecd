"""Tiny random models of real architectures, with tokenizers of their own, and adapters for them: made in a second."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_WORDS = (
    "the quick brown fox jumps over the lazy dog while seven wizards quietly mix purple paint in a harbour by the sea "
    "and nobody knows whether the letter that came on Tuesday was written by the captain or by his younger sister"
).split()
_README = "---\nlicense: apache-2.0\nlanguage:\n- en\nbase_model: example/older\n---\n# A tiny model\n"


def sentencepiece_tokenizer(folder: Path, *, size: int = 512, gemma: bool = False) -> None:
    """Train a small SentencePiece BPE tokenizer with byte fallback, as Mistral, Llama 2 and Gemma have."""
    import sentencepiece

    text = [" ".join(_WORDS[(i * 7 + j * 3) % len(_WORDS)] for j in range(12)) for i in range(400)]
    text += ["Paris is the capital of France.", "1 2 3 4 5 6 7 8 9 0", "I think it may be so, but I am not sure!"] * 20
    special = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3} if gemma else {"unk_id": 0, "bos_id": 1, "eos_id": 2}
    pieces = {"pad_piece": "<pad>", "eos_piece": "<eos>", "bos_piece": "<bos>"} if gemma else {}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=size,
        model_type="bpe",
        byte_fallback=True,
        add_dummy_prefix=not gemma,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        split_digits=True,
        minloglevel=2,
        **special,
        **pieces,
    )
    (folder / "tokenizer.vocab").unlink()
    from transformers import GemmaTokenizer, LlamaTokenizer

    kind = GemmaTokenizer if gemma else LlamaTokenizer
    model_file = (folder / "tokenizer.model").read_bytes()
    kind.from_pretrained(str(folder)).save_pretrained(str(folder))
    (folder / "tokenizer.model").write_bytes(model_file)
    _as_published(folder, "<bos>" if gemma else "<s>", 2 if gemma else 1, gemma=gemma)


def _as_published(folder: Path, bos: str, bos_id: int, *, gemma: bool) -> None:
    """Write tokenizer.json and its config as those of the published models are: BOS first, Llama's space in front."""
    path = folder / "tokenizer.json"
    data = json.loads(path.read_text())
    first = {"SpecialToken": {"id": bos, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    data["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {bos: {"id": bos, "ids": [bos_id], "tokens": [bos]}},
    }
    if not gemma:
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        data["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace]}
        data["pre_tokenizer"] = None
    path.write_text(json.dumps(data, ensure_ascii=False))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config |= {"add_bos_token": True, "add_eos_token": False, **({} if gemma else {"legacy": True})}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def tiny_model(folder: Path, kind: str, *, dtype: torch.dtype, vocabulary: int = 512, width: int = 256) -> Path:
    """Save a random model of two layers in `folder`, whose tokenizer is there already."""
    from transformers import (
        GemmaConfig,
        GemmaForCausalLM,
        LlamaConfig,
        LlamaForCausalLM,
        MistralConfig,
        MistralForCausalLM,
    )

    torch.manual_seed(11)
    shape = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "initializer_range": 0.08,
    }
    model: torch.nn.Module
    if kind == "mistral":
        model = MistralForCausalLM(MistralConfig(**shape, sliding_window=None, tie_word_embeddings=False))
    elif kind == "gemma":
        ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
        model = GemmaForCausalLM(GemmaConfig(**shape, **ids, head_dim=width // 4))
    else:
        model = LlamaForCausalLM(LlamaConfig(**shape, tie_word_embeddings=False, rope_theta=10000.0))
    model.to(dtype).save_pretrained(str(folder), max_shard_size="1MB")
    (folder / "README.md").write_text(_README, encoding="utf-8")
    return folder


def shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight in a folder."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no dict)
                found[name] = tuple(file.get_slice(name).get_shape())
    return found


def make_adapter(
    folder: Path,
    weights: dict[str, tuple[int, ...]],
    base: str,
    *,
    r: int = 4,
    alpha: float = 8,
    strength: float = 0.08,
    seed: int = 3,
    **config: object,
) -> Path:
    """A random LoRA on all linear layers, saved as PEFT saves one."""
    torch.manual_seed(seed)
    tensors = {}
    for name, shape in weights.items():
        module = name.removesuffix(".weight")
        if module.rpartition(".")[2] in TARGETS:
            tensors[f"base_model.model.{module}.lora_A.weight"] = torch.randn(r, shape[1]) / shape[1] ** 0.5
            tensors[f"base_model.model.{module}.lora_B.weight"] = torch.randn(shape[0], r) * strength
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": r,
        "lora_alpha": alpha,
        "target_modules": list(TARGETS),
        "bias": "none",
        "inference_mode": True,
        "lora_dropout": 0.0,
        **config,
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder
