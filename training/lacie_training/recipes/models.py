"""The two models of a run, speaker and listener: which they are, what runs them, and how the speaker is asked."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from lacie_chat.evaluation.prompts import PromptForm
from lacie_training.recipes.section import RESOURCE, Section, identity_of

GeneratorName = Literal["llama_cpp", "transformers", "vllm"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Batch = Literal["auto"] | Annotated[int, Field(ge=1)]

ALONE, LEAST, MOST = 0.9, 0.05, 0.95
"""Shares of a GPU's memory in vLLM: an engine's that has it to itself, the least of one, the most of two."""

TemplateValue = bool | int | float | str | None
_GIVEN = ("messages", "add_generation_prompt", "continue_final_message", "tools", "documents", "tokenize")
"""What a chat template is given anyway."""

TUNED = "tuned"
"""As a listener's `model`: the one that the chat hears with, the embedded model tuned on people's ratings."""


class ModelSettings(Section):
    """A model and what runs it. `model`: `embedded`, a GGUF file, a folder, or `owner/repo` on the Hub; a listener's
    may be `tuned`.

    A stage hands over a `chunk` at a time: what is drawn together, and so what a response's last bits hang on; it
    belongs to the run. `batch_size` is how much of it is in the device's memory at once (of each copy, with
    `data_parallel`); with a chunk stated, it may change between two starts, and be `auto`: as much as the free memory
    takes. Without a chunk, the batch is also the chunk, as it was before there were two fields.
    """

    model: str
    revision: str | None = None
    generator: GeneratorName = "transformers"
    dtype: Dtype = "auto"
    quantize: Literal["none", "nf4"] = "none"
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", json_schema_extra=RESOURCE)
    chunk: int | None = Field(default=None, ge=1, description="sequences that a stage hands over at once")
    batch_size: Batch = Field(default=32, description="sequences read or written at once")
    context: int = Field(default=1024, ge=64, description="tokens of prompt and answer together")
    data_parallel: int = Field(default=1, ge=1, json_schema_extra=RESOURCE)
    tensor_parallel: int = Field(default=1, ge=1, json_schema_extra=RESOURCE)
    gpu_memory: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="share of a GPU's memory that vLLM takes; if not stated, .9, and half of it beside another model",
        json_schema_extra=RESOURCE,
    )

    @model_validator(mode="after")
    def _runs_in_its_generator(self) -> "ModelSettings":
        if self.generator == "vllm" and self.quantize == "nf4":
            raise ValueError(
                "vllm no longer loads 4-bit NF4 weights (it dropped bitsandbytes): set quantize to none with it, "
                "or keep the generator transformers"
            )
        if self.batch_size == "auto" and self.generator == "llama_cpp":
            raise ValueError("llama_cpp needs a number as its batch_size, not auto")
        if self.batch_size == "auto" and self.chunk is None:
            raise ValueError("batch_size auto needs a chunk: what is drawn together must not hang on the machine")
        return self

    @property
    def together(self) -> int:
        """Sequences that a stage hands over at once."""
        if self.chunk is not None:
            return self.chunk
        assert self.batch_size != "auto"
        return self.batch_size

    def identity(self) -> dict[str, Any]:
        """See `identity_of`: the chunk is the run's; a batch only where it is the chunk, too."""
        identity = identity_of(self)
        del identity["chunk" if self.chunk is None else "batch_size"]
        return identity


class ListenerSettings(ModelSettings):
    """The model that hears. `prompt`: how one takes the part that isn't `tuned`: by `examples` (nine of them, with a
    line that names the hedges: for small models), or as in the `paper` (two, and abstentions told by the extractor).
    """

    prompt: Literal["examples", "paper"] = "examples"

    @model_validator(mode="after")
    def _tuned_takes_no_prompt(self) -> "ListenerSettings":
        if self.model == TUNED and self.prompt != "examples":
            raise ValueError(
                "the tuned listener reads without a prompt: set prompt to examples, as it is if not stated"
            )
        return self

    def identity(self) -> dict[str, Any]:
        """See `identity_of`: runs of before there was another prompt keep theirs."""
        identity = super().identity()
        if self.prompt == "examples":
            del identity["prompt"]
        return identity


class SpeakerSettings(ModelSettings):
    """The model that answers, and how it is asked. `plain` is text for base models, `chat` the model's own
    template, which is given `template_arguments` and asked for an answer without a thought.
    """

    format: Literal["plain", "chat"] = "plain"
    system: str | None = None
    instruction: str = "{question}"
    template_arguments: dict[str, TemplateValue] = Field(default={})

    @model_validator(mode="after")
    def _instruction_has_question(self) -> "SpeakerSettings":
        if "{question}" not in self.instruction:
            raise ValueError("instruction must contain {question}")
        if self.format == "plain" and self.instruction != self.instruction.rstrip():
            raise ValueError("a plain instruction must not end in white space (the answer begins with the space)")
        return self

    @model_validator(mode="after")
    def _arguments_are_the_templates(self) -> "SpeakerSettings":
        if self.template_arguments and self.format != "chat":
            raise ValueError("template_arguments go with format: chat; a plain prompt has no template")
        for name in self.template_arguments:
            if not name.isidentifier() or name in _GIVEN:
                raise ValueError(f"template_arguments can't set {name!r}: that is no name of a template's own switch")
        return self

    def identity(self) -> dict[str, Any]:
        """See `identity_of`: runs of before there were template arguments keep theirs."""
        identity = super().identity()
        if not self.template_arguments:
            del identity["template_arguments"]
        return identity

    def form(self) -> PromptForm:
        """How it is asked."""
        arguments = self.template_arguments if self.format == "chat" else None
        return PromptForm(self.format, self.system, self.instruction, arguments)

    def with_adapter(self) -> "SpeakerSettings":
        """The speaker as it can be run with a PEFT adapter: llama.cpp can't, so it then runs in transformers."""
        return self.model_copy(update={"generator": "transformers"}) if self.generator == "llama_cpp" else self


def same_weights(speaker: ModelSettings, listener: ModelSettings) -> bool:
    """Whether one copy of the weights in memory serves both: the listener is the speaker with its adapter off."""
    names = ("model", "revision", "generator", "dtype", "quantize", "attention")
    return all(getattr(speaker, name) == getattr(listener, name) for name in names)


def shares_of_memory(speaker: ModelSettings, listener: ModelSettings) -> tuple[float, float]:
    """The shares of a GPU's memory that vLLM takes for speaker and listener where both are loaded in one process.

    What a recipe doesn't state is half of what one alone takes, or what the other leaves of that. One copy of the same
    weights has it all. Raises ValueError where the two don't fit beside each other.
    """
    alone = speaker.gpu_memory or ALONE, listener.gpu_memory or ALONE
    if listener.generator == "llama_cpp" or same_weights(speaker, listener):
        return alone
    if speaker.generator != "vllm" or listener.generator != "vllm":  # what runs in transformers takes what it needs
        return speaker.gpu_memory or ALONE / 2, listener.gpu_memory or ALONE / 2
    match speaker.gpu_memory, listener.gpu_memory:
        case None, None:
            shares = ALONE / 2, ALONE / 2
        case float(stated), None:
            shares = stated, ALONE - stated
        case None, float(stated):
            shares = ALONE - stated, stated
        case _:
            shares = alone
    if min(shares) < LEAST or sum(shares) > MOST:
        raise ValueError(
            "evaluating needs speaker and listener on one GPU, two models in vllm: state speaker.gpu_memory and "
            f"listener.gpu_memory so that they are at most {MOST} together and at least {LEAST} each, "
            f"not {shares[0]:.2f} and {shares[1]:.2f}"
        )
    return shares
