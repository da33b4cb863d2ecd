"""What each stage takes in memory, estimated from the models' configurations, beside what is free.

Sampling and judging: the weights, and a full batch of sequences (keys and values, activations, the distribution that a
token is drawn from) as `batch_size: auto` reckons with them. Training: the weights in the recipe's format, the
adapter with its gradients and the optimiser's two moments, what the backward pass needs (counted, see `skeleton`), and
the output layer's tile of logits. On top come the libraries and a twentieth for what an allocator can't use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from lacie_chat.confidence import prompted
from lacie_chat.models import ModelError, resolve
from lacie_chat.models.needs import needed_of
from lacie_chat.sizes import size_text
from lacie_training.check.findings import Findings
from lacie_training.check.machine import Machine, models_of
from lacie_training.check.skeleton import Trained, kept_for_backward, skeleton, trained, weight_bytes
from lacie_training.errors import TrainingError
from lacie_training.generators.memory import bytes_per_sequence
from lacie_training.recipes.models import ALONE, TUNED, ModelSettings, same_weights, shares_of_memory
from lacie_training.recipes.schema import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LIBRARIES = 800_000_000
"""torch and transformers in main memory, or a CUDA context on a GPU."""
SPARE = 0.05
"""Share that an allocator loses between blocks of different sizes."""
_HEAD_TILE = 32_768
"""Entries of the vocabulary that TRL's fused output layer works on at once (`_CHUNKED_LOGPROB_CHUNK_SIZE`)."""
_TILE_BYTES = 12
"""A tile's logits in float32, their exponentials, and their gradient."""
_EXTRACTION_TOKENS = 32
"""What the listener writes at most when it names an answer, and its line breaks."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes of a stage, by what takes them; `place` is `gpu` or `main`."""

    stage: str
    place: str
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All parts, the libraries and what is lost between blocks."""
        return round((sum(self.parts.values()) + LIBRARIES) * (1 + SPARE))

    def __str__(self) -> str:
        parts = ", ".join(f"{what} {size_text(size)}" for what, size in self.parts.items() if size)
        return f"about {size_text(self.total)} ({parts})"


def check_models(recipe: Recipe, machine: Machine, findings: Findings) -> bool:
    """Whether transformers has the architectures of speaker and listener; a line for each one that it hasn't."""
    before = len(findings.failures)
    for name, settings in models_of(recipe).items():
        if settings.model != TUNED and settings.generator == "transformers":
            with findings.attempt(name):
                _skeleton(settings, _dtype(settings.dtype, _place(settings.device, machine)))
    return len(findings.failures) == before


def check_lora(recipe: Recipe, machine: Machine, findings: Findings) -> Trained | None:
    """One line: the targets are there, and how large the adapter is. None where they aren't."""
    with findings.attempt("LoRA"):
        dtype = _dtype(recipe.dpo.dtype, _place(recipe.dpo.device, machine))
        found = trained(recipe.speaker, recipe.dpo, dtype)
        targets = ", ".join(recipe.dpo.lora.targets)
        share = found.adapter / found.parameters
        findings.ok("LoRA", f"{targets}: {found.adapter:,} parameters, {share:.2%} of the model's {found.parameters:,}")
        return found
    return None


def check_memory(recipe: Recipe, machine: Machine, processes: int, tuned: Trained | None, findings: Findings) -> None:
    """A line a stage: its estimate beside what is free. That of the training is for one process."""
    estimates: list[tuple[str, Callable[[], Estimate]]] = [
        ("sample", lambda: sampling(recipe, machine)),
        ("judge", lambda: judging(recipe, machine)),
        ("evaluate", lambda: evaluating(recipe, machine)),
    ]
    if tuned is not None:
        estimates.insert(2, ("dpo", lambda: training(recipe, machine, tuned)))
    for stage, estimate in estimates:
        with findings.attempt(f"memory, {stage}"):
            _compare(estimate(), machine, processes, findings)


def _compare(found: Estimate, machine: Machine, processes: int, findings: Findings) -> None:
    subject = f"memory, {found.stage}"
    if found.place == "gpu":
        used = machine.gpus[: processes if found.stage == "dpo" else 1]
        free, where = min(gpu.free for gpu in used), "on the GPU"
    else:
        free, where = machine.main_free, "of main memory"
    line = f"{found}; {size_text(free)} {where} are free"
    if found.total <= free:
        findings.ok(subject, line)
    else:
        findings.failed(subject, f"{line}; {_LOWER[found.stage]}")


_LOWER = {
    "sample": "lower speaker.batch_size or speaker.context",
    "judge": "lower listener.batch_size",
    "dpo": "lower dpo.per_device_batch, or set dpo.gradient_checkpointing=true",
    "evaluate": "lower speaker.batch_size or listener.batch_size",
}


def _place(device: str, machine: Machine) -> str:
    return "gpu" if machine.gpus and device != "cpu" else "main"


def _dtype(name: str, place: str) -> Any:
    import torch

    if name == "auto":
        return torch.bfloat16 if place == "gpu" else torch.float32
    return getattr(torch, name)


@cache
def _skeleton(settings: ModelSettings, dtype: Any) -> PreTrainedModel:
    return skeleton(settings, dtype)


def _weights(settings: ModelSettings, place: str, quantize: str, dtype: str) -> int:
    """Bytes of a model's weights; of a GGUF in llama.cpp those of its file and its context."""
    if settings.model == TUNED:
        path = resolve("embedded").path
        return needed_of(path, path.stat().st_size)
    if settings.generator == "llama_cpp":
        try:
            path = resolve(settings.model, download=False).path
            return needed_of(path, path.stat().st_size, heard=False)
        except ModelError as error:
            raise TrainingError(f"can't be estimated: {error}") from error
    return weight_bytes(_skeleton(settings, _dtype(dtype, place)), quantize)


def _sequences(settings: ModelSettings, place: str, tokens: int, shared: int = 0) -> dict[str, int]:
    """What a batch takes beside the weights, each sequence with so many tokens, `shared` of them alike in all. Of a
    batch that is `auto` at least one must fit.
    """
    if settings.generator != "transformers":
        return {}
    dtype = _dtype(settings.dtype, place)
    each = bytes_per_sequence(_skeleton(settings, dtype).config, tokens, dtype.itemsize, shared=shared)
    rows = 1 if settings.batch_size == "auto" else settings.batch_size
    return {f"a batch of {settings.batch_size}": rows * each}


def _model(settings: ModelSettings, place: str, machine: Machine) -> dict[str, int]:
    if settings.generator == "vllm":
        total = machine.gpus[0].total if machine.gpus else 0
        return {"vLLM's share of the GPU": round((settings.gpu_memory or ALONE) * total)}
    return {"weights": _weights(settings, place, settings.quantize, settings.dtype)}


def sampling(recipe: Recipe, machine: Machine) -> Estimate:
    """Stage `sample`: each sequence as long as the context lets it be."""
    speaker = recipe.speaker
    place = _place(speaker.device, machine)
    return Estimate("sample", place, _model(speaker, place, machine) | _sequences(speaker, place, speaker.context))


def judging(recipe: Recipe, machine: Machine) -> Estimate:
    """Stage `judge`: the listener's and the extraction's fixed prompt is read once, and held by each sequence."""
    listener = recipe.listener
    place = _place(listener.device, machine)
    return Estimate("judge", place, _model(listener, place, machine) | _listening(recipe, place))


def _listening(recipe: Recipe, place: str) -> dict[str, int]:
    listener = recipe.listener
    if listener.generator != "transformers" or listener.model == TUNED:
        return {}
    from lacie_training.generators.loading import load_tokenizer

    tokenizer = load_tokenizer(listener.model, listener.revision)
    prefixes = (prompted.LISTENER_PREFIX, prompted.EXTRACTION_PREFIX)
    shared = max(len(tokenizer(prefix).input_ids) for prefix in prefixes)
    around = len(tokenizer(prompted.extraction_suffix("", "")).input_ids)
    own = around + 2 * recipe.sample.max_new_tokens + _EXTRACTION_TOKENS  # question and response, in its own tokens
    shared = max(0, min(shared, listener.context - own))
    return _sequences(listener, place, shared + own, shared)


def training(recipe: Recipe, machine: Machine, model: Trained) -> Estimate:
    """Stage `dpo`, one process of it."""
    from lacie_training.learning import listener_callback

    settings = recipe.dpo
    place = _place(settings.device, machine)
    element = _dtype(settings.adapter_dtype, place).itemsize
    moments = 8 if settings.optimizer == "paged_adamw_32bit" else 2 * element
    sequences = 2 * settings.per_device_batch
    config = model.tuned.get_base_model().config.get_text_config()
    kept = kept_for_backward(
        model.tuned, sequences=sequences, tokens=settings.max_length, autocast=settings.mixed_precision
    )
    if settings.gradient_checkpointing:  # each layer's input, and one layer that is computed again
        layers = int(config.num_hidden_layers)
        inputs = sequences * settings.max_length * int(config.hidden_size) * _dtype(settings.dtype, place).itemsize
        kept = kept // layers + layers * inputs
    parts = {
        "weights": model.weights,
        "adapter and optimiser": model.adapter * (2 * element + moments),
        "activations": kept,
        "logits": sequences * settings.max_length * min(_HEAD_TILE, int(config.vocab_size)) * _TILE_BYTES,
    }
    beside = settings.select == "during" and not listener_callback.policy_hears(recipe)
    if beside and _place(recipe.listener.device, machine) == place:
        parts["listener"] = sum(_model(recipe.listener, place, machine).values())
    return Estimate("dpo", place, parts)


def evaluating(recipe: Recipe, machine: Machine) -> Estimate:
    """Stage `evaluate`: speaker and listener at once, in the number format that they are measured in."""
    measured = recipe.measured()
    speaker, listener = measured.speaker.with_adapter(), measured.listener
    own, others = shares_of_memory(speaker, listener)
    speaker = speaker.model_copy(update={"gpu_memory": own})
    listener = listener.model_copy(update={"gpu_memory": others})
    place = _place(speaker.device, machine)
    parts = _model(speaker, place, machine) | _sequences(speaker, place, speaker.context)
    if _place(listener.device, machine) == place:
        one_copy = same_weights(speaker, listener)
        model = {} if one_copy else _model(listener, place, machine)
        parts["listener"] = sum((model | _listening(measured, place)).values())
    return Estimate("evaluate", place, parts)
