"""Speaker and listener in one process: loaded when they are first asked for, and once where they are the same weights.

Measuring needs the speaker without its adapter and with it, and the listener beside both. Three copies of a 7B model
fit no small GPU, and two engines of vLLM, each with nine tenths of the memory, fit none at all. So what has the same
weights is one copy, in which the adapter is used by the side that speaks with it; two models in vLLM share the memory.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType

from lacie_chat.confidence import Listener
from lacie_chat.engine.generator import Generator
from lacie_training.generators.choosing import SharedGenerator, load_shared
from lacie_training.generators.listeners import load_listener, prompted
from lacie_training.recipes.models import ModelSettings, same_weights, shares_of_memory
from lacie_training.recipes.schema import Recipe


class Models:
    """The models of a recipe; a context manager, which frees them. `adapters`: the PEFT folders that will speak."""

    def __init__(self, recipe: Recipe, adapters: Sequence[Path]) -> None:
        self._speaker = recipe.speaker.with_adapter()
        of_speaker, of_listener = shares_of_memory(self._speaker, recipe.listener)
        listener = recipe.listener.model_copy(update={"gpu_memory": of_listener})
        self._recipe = recipe.model_copy(update={"listener": listener})
        self._share, self._adapters = of_speaker, adapters
        self._shared = same_weights(self._speaker, listener)
        self._stack = ExitStack()

    def __enter__(self) -> "Models":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in ("_weights", "listener"):
            self.__dict__.pop(name, None)
        self._stack.close()

    def speaker(self, adapter: Path | None) -> Generator:
        """The speaker, with one of the adapters or as it was before. Raises LacieError where it can't be loaded."""
        return self._weights.sharing(self._speaker, adapter=adapter)

    @cached_property
    def listener(self) -> Listener:
        """The recipe's listener. Raises LacieError where it can't be loaded."""
        if self._shared:
            return prompted(self._weights.sharing(self._recipe.listener).reader, self._recipe)
        found, loaded = load_listener(self._recipe)
        self._stack.callback(loaded.close)
        return found

    @cached_property
    def _weights(self) -> SharedGenerator:
        loaded = load_shared(self._settings(), self._adapters)
        self._stack.callback(loaded.close)
        return loaded

    def _settings(self) -> ModelSettings:
        """What the speaker's weights are loaded with: with room for both where they are the listener's, too."""
        update: dict[str, object] = {"gpu_memory": self._share}
        if self._shared:
            both = (self._speaker, self._recipe.listener)
            update["context"] = max(each.context for each in both)
            if self._speaker.batch_size != "auto":
                sizes = [each.together if each.batch_size == "auto" else each.batch_size for each in both]
                update["batch_size"] = max(sizes)
        return self._speaker.model_copy(update=update)
