"""A transformers model in memory, and the PEFT adapter that is on it: one copy that speaks with it, or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from lacie_training.errors import TrainingError

AS_IT_STANDS: Literal["as it stands"] = "as it stands"
Speaks = Path | None | Literal["as it stands"]
"""The adapter that speaks, or none, or whatever the model has: one in training speaks as it stands."""


class Weights:
    """What generators over the same model share. It has one adapter at a time: another takes its place."""

    def __init__(self, model: Any, *, source: str = "the model") -> None:
        self.model = model
        self._source = source
        self._on: Path | None = None

    def put_on(self, adapter: Path) -> None:
        """Have this adapter on the model. Raises TrainingError where it doesn't fit."""
        from peft import PeftModel

        if adapter == self._on:
            return
        try:
            if isinstance(self.model, PeftModel):
                self.model.delete_adapter("default")
                self.model.load_adapter(str(adapter), adapter_name="default")
                self.model.set_adapter("default")
            else:
                self.model = PeftModel.from_pretrained(self.model, str(adapter))
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(f"the adapter {adapter} can't be loaded onto {self._source}: {reason}") from error
        self._on = adapter
        self.model.eval()

    @contextmanager
    def speaking(self, adapter: Speaks) -> Iterator[None]:
        """Speak with an adapter, or with none: the base, whatever is on it."""
        from peft import PeftModel

        if adapter is None and isinstance(self.model, PeftModel):
            with self.model.disable_adapter():
                yield
            return
        if isinstance(adapter, Path):
            self.put_on(adapter)
        yield
