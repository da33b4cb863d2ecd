"""From a model's settings to what produces its text: llama.cpp, transformers or vLLM."""

from pathlib import Path

from lacie_chat.engine.generator import Generator
from lacie_chat.models import resolve
from lacie_training.errors import TrainingError
from lacie_training.recipes.models import ModelSettings


def load_generator(settings: ModelSettings, *, adapter: Path | None = None, name: str = "speaker") -> Generator:
    """Load a model into the generator that its settings name. `adapter`: a PEFT folder, or a GGUF for llama.cpp.

    With `data_parallel`, so many copies are loaded, each in a process and on a device of its own.
    """
    if settings.data_parallel > 1:
        from lacie_training.generators.replicas import Replicas

        return Replicas(load_generator, settings, adapter=adapter, name=name)
    match settings.generator:
        case "llama_cpp":
            from lacie_chat.engine import Machine
            from lacie_chat.engine.batches import LlamaCppGenerator

            if adapter is not None and adapter.is_dir():
                raise TrainingError(
                    f"{adapter} is a PEFT adapter: llama.cpp needs it as GGUF (`lacie export adapter`), "
                    "or set the generator to transformers"
                )
            return LlamaCppGenerator.load(
                resolve(settings.model).path,
                adapter=adapter,
                batch_size=_stated(settings),
                context=settings.context,
                machine=Machine(gpu_layers=0 if settings.device == "cpu" else -1),
            )
        case "transformers":
            from lacie_training.generators.transformers import TransformersGenerator

            return TransformersGenerator.load(settings, adapter=adapter, name=name)
        case "vllm":
            from lacie_training.generators.vllm import VllmGenerator

            return VllmGenerator.load(settings, adapter=adapter)


def _stated(settings: ModelSettings) -> int:
    """llama.cpp makes its context for a number of sequences; a recipe for another generator may leave it open."""
    return 32 if settings.batch_size == "auto" else settings.batch_size
