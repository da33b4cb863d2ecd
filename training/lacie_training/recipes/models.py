"""The two models of a run, speaker and listener: which they are, what runs them, and how the speaker is asked."""

from typing import Literal

from pydantic import Field, model_validator

from lacie_chat.evaluation.prompts import PromptForm
from lacie_training.recipes.section import RESOURCE, Section

GeneratorName = Literal["llama_cpp", "transformers", "vllm"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]

TUNED = "tuned"
"""As a listener's `model`: the one that the chat hears with, the embedded model tuned on people's ratings."""


class ModelSettings(Section):
    """A model and what runs it. `model`: `embedded`, a GGUF file, a folder, or `owner/repo` on the Hub; a listener's
    may be `tuned`.
    """

    model: str
    revision: str | None = None
    generator: GeneratorName = "transformers"
    dtype: Dtype = "auto"
    quantize: Literal["none", "nf4"] = "none"
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", json_schema_extra=RESOURCE)
    batch_size: int = Field(default=32, ge=1, description="sequences read or written at once")
    context: int = Field(default=1024, ge=64, description="tokens of prompt and answer together")
    data_parallel: int = Field(default=1, ge=1, json_schema_extra=RESOURCE)
    tensor_parallel: int = Field(default=1, ge=1, json_schema_extra=RESOURCE)
    gpu_memory: float = Field(
        default=0.9, gt=0, le=1, description="share of a GPU's memory that vLLM takes", json_schema_extra=RESOURCE
    )


class SpeakerSettings(ModelSettings):
    """The model that answers, and how it is asked. `plain` is text for base models, `chat` the model's own
    template.
    """

    format: Literal["plain", "chat"] = "plain"
    system: str | None = None
    instruction: str = "{question}"

    @model_validator(mode="after")
    def _instruction_has_question(self) -> "SpeakerSettings":
        if "{question}" not in self.instruction:
            raise ValueError("instruction must contain {question}")
        if self.format == "plain" and self.instruction != self.instruction.rstrip():
            raise ValueError("a plain instruction must not end in white space (the answer begins with the space)")
        return self

    def form(self) -> PromptForm:
        """How it is asked."""
        return PromptForm(self.format, self.system, self.instruction)

    def with_adapter(self) -> "SpeakerSettings":
        """The speaker as it can be run with a PEFT adapter: llama.cpp can't, so it then runs in transformers."""
        return self.model_copy(update={"generator": "transformers"}) if self.generator == "llama_cpp" else self
