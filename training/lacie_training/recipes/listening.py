"""Recipes of the listener's adapters: one that hears texts as people do, one that finds the answer of a response.

Another kind of file than a run's recipe (`schema`): it has `task` at its top. The defaults are those of the adapters
that come with the package.
"""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, model_validator

from lacie_training.recipes.models import ModelSettings
from lacie_training.recipes.schema import LoraSettings
from lacie_training.recipes.section import RESOURCE, Section


class Weights(Section):
    """How much a text of each source counts, beside its own weight; 0 leaves the source out. `unmasked`: every fifth
    rated answer once more, as it was written. `between`: on top of `answers`, for those rated from .55 to .85, between
    unsure and sure, where a file has fewer of them than people meet.
    """

    answers: float = Field(default=1.0, ge=0)
    between: float = Field(default=1.0, gt=0)
    unmasked: float = Field(default=0.5, ge=0)
    findings: float = Field(default=0.5, ge=0)
    composed: float = Field(default=1.0, ge=0)


class ComposedSettings(Section):
    """Our own texts. `per_phrase`: so many sentences for each phrase of probability; `long`: longer answers; `attacks`:
    texts that try to talk the listener round. `alone`: train on them without any rated file.
    """

    per_phrase: int = Field(default=8, ge=1)
    long: int = Field(default=420, ge=0)
    attacks: int = Field(default=900, ge=0)
    alone: bool = False


class LossSettings(Section):
    """What is asked for besides the cross-entropy. Of a listener: `square` weighs the squared error of its rating,
    `mass` rewards saying yes or no rather than anything else. Of an extractor: `rest` is the weight of each token
    after a span's first, which decides most; `smoothing` keeps it from being surer than people agree.
    """

    square: float = Field(default=1.0, ge=0)
    mass: float = Field(default=0.02, ge=0)
    rest: float = Field(default=0.6, ge=0)
    smoothing: float = Field(default=0.02, ge=0, lt=1)


class ListenerRecipe(Section):
    """One training of one adapter. `task`: `listener` (from `rated`, `findings` and composed texts) or `extraction`
    (from `spans`). `tokens_per_step` counts padding; `longest` is in tokens, and of a longer text the middle is cut
    out (of an extractor's, the row is left out).
    """

    name: str
    task: Literal["listener", "extraction"]
    seed: int = 0
    model: str = "embedded"
    revision: str | None = None
    dtype: Literal["auto", "float32", "bfloat16"] = "bfloat16"
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", json_schema_extra=RESOURCE)
    rated: list[Path] = Field(default=[])
    findings: list[Path] = Field(default=[])
    spans: list[Path] = Field(default=[])
    weights: Weights = Weights()
    composed: ComposedSettings = ComposedSettings()
    epochs: float = Field(default=2.0, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_steps: int = Field(default=20, ge=0)
    tokens_per_step: int = Field(default=1024, ge=16)
    texts_per_step: int = Field(default=40, ge=1)
    longest: int = Field(default=700, ge=16)
    max_grad_norm: float = Field(default=1.0, gt=0)
    log_every: int = Field(default=25, ge=1)
    loss: LossSettings = LossSettings()
    lora: LoraSettings = LoraSettings(r=8, alpha=16, dropout=0.0)

    @model_validator(mode="after")
    def _files_of_the_task(self) -> "ListenerRecipe":
        if self.task == "listener" and self.spans:
            raise ValueError("spans are for task: extraction; a listener takes rated and findings")
        if self.task == "extraction" and (self.rated or self.findings):
            raise ValueError("rated and findings are for task: listener; an extractor takes spans")
        return self

    def model_settings(self) -> ModelSettings:
        """The model under the adapter. Attention is eager: on a CPU the quickest for short texts, and on a GPU the same
        from run to run.
        """
        return ModelSettings(
            model=self.model, revision=self.revision, dtype=self.dtype, device=self.device, attention="eager"
        )

    def to_yaml(self) -> str:
        """The resolved recipe, every field written out."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text
