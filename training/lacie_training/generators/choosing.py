"""From a model's settings to what produces its text: llama.cpp, transformers or vLLM."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lacie_chat.engine.generator import Generator
from lacie_chat.models import resolve
from lacie_chat.models.peft_files import read_tensors, refuse_no_numbers
from lacie_training.errors import TrainingError
from lacie_training.recipes.models import ModelSettings


class SharedGenerator(Generator, Protocol):
    """Weights in memory that serve several: with an adapter and without, as speaker and as listener."""

    def sharing(self, settings: ModelSettings, *, adapter: Path | None = None) -> "SharedGenerator":
        """The same weights, run as `settings` say (its batch and its context), and speaking with this PEFT adapter or
        with none. Raises TrainingError where the adapter doesn't fit.
        """
        ...


def load_generator(settings: ModelSettings, *, adapter: Path | None = None, name: str = "speaker") -> Generator:
    """Load a model into the generator that its settings name. `adapter`: a PEFT folder, or a GGUF for llama.cpp.

    With `data_parallel`, so many copies are loaded, each in a process and on a device of its own.
    """
    if settings.generator != "llama_cpp":
        return load_shared(settings, [], adapter=adapter, name=name)
    if settings.data_parallel > 1:
        from lacie_training.generators.replicas import Replicas

        return Replicas.load(load_generator, settings, adapter=adapter, name=name)
    from lacie_chat.engine import Machine
    from lacie_chat.engine.batch_process import BatchProcess

    if adapter is not None and adapter.is_dir():
        raise TrainingError(
            f"{adapter} is a PEFT adapter: llama.cpp needs it as GGUF (`lacie export adapter`), "
            "or set the generator to transformers"
        )
    return BatchProcess.load(
        resolve(settings.model).path,
        adapter=adapter,
        # llama.cpp makes its context for a number of sequences; a recipe for another generator may leave it open
        batch_size=32 if settings.batch_size == "auto" else settings.batch_size,
        context=settings.context,
        machine=Machine(gpu_layers=0 if settings.device == "cpu" else -1),
    )


def load_shared(
    settings: ModelSettings, adapters: Sequence[Path], *, adapter: Path | None = None, name: str = "speaker"
) -> SharedGenerator:
    """As `load_generator`, in transformers or vLLM; `adapters`: all PEFT folders that will speak over the weights.
    Raises ModelError where one is damaged, or holds a NaN."""
    for each in filter(None, {adapter, *adapters}):
        refuse_no_numbers(each, read_tensors(each))
    if settings.data_parallel > 1:
        from lacie_training.generators.replicas import Replicas

        return Replicas.load(load_shared, settings, adapters, adapter=adapter, name=name)
    if settings.generator == "vllm":
        from lacie_training.generators.vllm import VllmGenerator

        return VllmGenerator.load(settings, adapter=adapter, adapters=adapters)
    from lacie_training.generators.transformers import TransformersGenerator

    return TransformersGenerator.load(settings, adapter=adapter, name=name)
