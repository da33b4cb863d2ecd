"""Models for torch: from a recipe's words to a transformers model and tokenizer, with errors one can act on.

The embedded model and other GGUFs are unpacked to plain weights on loading (`GgufConfig(dequantize=True)`), so that
they can be trained; an adapter trained that way fits the GGUF, because its weights are what the GGUF's unpack to.
torch and transformers are imported inside functions: `lacie evaluate` on a GGUF must run without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.models import inspect_gguf, resolve
from lacie_chat.models.tokenizers import splits_digits
from lacie_training.errors import TrainingError
from lacie_training.recipes.models import Dtype, ModelSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def sharded() -> bool:
    """Whether accelerate was told to shard the model (FSDP)."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true")


def torch_device(wanted: str, *, setting: str) -> torch.device:
    """The device that a recipe asks for; `auto` is CUDA where there is one."""
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError(f"{setting} is cuda, but no CUDA device is available here; set it to auto or cpu")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def torch_dtype(name: Dtype, device: torch.device) -> torch.dtype:
    """The dtype of weights; `auto` is bfloat16 on CUDA and float32 on a CPU."""
    import torch

    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def gguf_path(model: str) -> Path | None:
    """The GGUF that a model name stands for (`embedded` or a path), or None for a folder or a Hub repository."""
    if model == "embedded" or model.endswith(".gguf"):
        return resolve(model).path
    return None


def load_tokenizer(model: str, revision: str | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer of a model, with a pad token."""
    from transformers import AutoTokenizer

    gguf = gguf_path(model)
    with loading_errors(model):
        if gguf:
            tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
            _split_digits(tokenizer, gguf)
        else:
            tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    return tokenizer


def _split_digits(tokenizer: PreTrainedTokenizerBase, gguf: Path) -> None:
    """Cut digits as the GGUF itself is read by llama.cpp, which the chat and the listener use."""
    from tokenizers import pre_tokenizers

    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None and splits_digits(inspect_gguf(gguf).metadata.get("tokenizer.ggml.pre")):
        digits = pre_tokenizers.Digits(individual_digits=True)
        backend.pre_tokenizer = pre_tokenizers.Sequence([digits, backend.pre_tokenizer])


def load_model(
    settings: ModelSettings,
    *,
    dtype: torch.dtype,
    device: torch.device,
    quantize: str,
    quant_storage: str = "uint8",
    place: bool = True,
) -> PreTrainedModel:
    """The model's weights. `quantize: nf4` is 4-bit NF4 with double quantisation and bf16 compute; it needs CUDA.

    `place` False leaves the placing to a trainer that shards (FSDP), except that 4-bit weights are packed on the
    device.
    """
    from transformers import AutoModelForCausalLM, GgufConfig

    gguf = gguf_path(settings.model)
    model: PreTrainedModel
    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": settings.attention}
    if quantize == "nf4":
        need_cuda(device)
        options["quantization_config"] = nf4_config(quant_storage)
        if place:
            options["device_map"] = {"": device}
    if gguf and quantize != "none":
        raise TrainingError(f"{settings.model} is a GGUF: it can't be loaded in 4 bit; set quantize to none")
    with loading_errors(settings.model):
        if gguf:
            options |= {"gguf_file": gguf.name, "quantization_config": GgufConfig(dequantize=True)}
            loaded: Any = AutoModelForCausalLM.from_pretrained(str(gguf.parent), output_loading_info=True, **options)
            model, found = loaded
            if found["missing_keys"]:  # transformers would fill them with random numbers
                raise ValueError(f"{gguf.name} has no {min(found['missing_keys'])} that transformers could find")
            forget_quantiser(model)
        else:
            kind = _kind_of(settings)
            model = kind.from_pretrained(settings.model, revision=settings.revision, **options)
    if place and quantize == "none":
        with memory_errors("a smaller model"):
            model.to(device)  # type: ignore[arg-type]  # wrapped by transformers, which loses the signature
    return model


def _kind_of(settings: ModelSettings) -> Any:
    """The class that makes the model: some that see, such as Ministral 3, transformers doesn't count among those that
    write, though they are asked in text alone just like others.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    config = AutoConfig.from_pretrained(settings.model, revision=settings.revision)
    return AutoModelForCausalLM if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING else AutoModelForImageTextToText


def need_cuda(device: torch.device) -> None:
    """TrainingError where 4-bit weights are asked for without a GPU: a CPU could, but not at a speed of any use."""
    if device.type != "cuda":
        raise TrainingError(
            "this recipe loads the model in 4 bit, which needs a CUDA device; "
            "set speaker.quantize=none, listener.quantize=none and dpo.quantize=none to run without"
        )


def nf4_config(quant_storage: str) -> Any:
    """bitsandbytes' 4-bit settings of the method.

    `quant_storage` bfloat16 is what FSDP needs: it shards only tensors of one floating dtype.
    """
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=getattr(torch, quant_storage),
    )


def forget_quantiser(model: PreTrainedModel) -> None:
    """A dequantised GGUF still calls itself quantised, and then refuses to be trained or saved."""
    plain: Any = model
    owners = ((plain.config, "quantization_config"), (plain, "hf_quantizer"), (plain, "quantization_method"))
    for owner, name in owners:
        if hasattr(owner, name):
            setattr(owner, name, None)
            delattr(owner, name)


@contextmanager
def loading_errors(model: str) -> Iterator[None]:
    """One clear line for what goes wrong while a model is fetched or read."""
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    if not Path(model).exists() and model != "embedded" and model.count("/") != 1:
        raise TrainingError(f"there is no model {model!r}: neither a folder, a GGUF, nor owner/repo on the Hub")
    try:
        with memory_errors("a smaller model, or quantize: nf4"):
            yield
    except OSError as error:
        for cause in _causes(error):
            if isinstance(cause, GatedRepoError):  # before RepositoryNotFoundError, which it is
                raise TrainingError(
                    f"{model} is gated: accept its terms on https://huggingface.co/{model}, "
                    "and log in with `hf auth login`"
                ) from error
            if isinstance(cause, RepositoryNotFoundError):
                raise TrainingError(f"there is no model {model} on the Hub (or it is private)") from error
            if isinstance(cause, LocalEntryNotFoundError):
                raise TrainingError(f"the model {model} is not on this machine and the Hub can't be reached") from error
        raise TrainingError(f"the model {model} can't be loaded: {_first_line(error)}") from error
    except (ValueError, KeyError, RuntimeError) as error:
        reason = _first_line(error)
        if "ignore_mismatched_sizes" in reason:
            reason = "its weights have other shapes than its configuration says"
        raise TrainingError(f"the model {model} can't be loaded: {reason}") from error


@contextmanager
def memory_errors(lower: str) -> Iterator[None]:
    """Turn running out of memory into one line that says what to lower."""
    try:
        yield
    except MemoryError as error:
        raise TrainingError(f"out of memory; use {lower}") from error
    except RuntimeError as error:
        import torch

        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            where = "GPU" if isinstance(error, torch.OutOfMemoryError) else "main"
            raise TrainingError(f"out of {where} memory; use {lower}") from error
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
