"""Recipes: everything a run is made of, in one typed, checked YAML file.

The defaults of this schema are the method's own settings (arXiv 2405.21028, as collected in the README of the
recipes); a recipe writes down where it departs from them and says why in a comment. Any field can be set on the
command line with `--set key.path=value`, where the value is read as YAML.

Fields marked `resource` only trade speed for memory. They may change between two starts of one run (that is how one
answers an out-of-memory error); all others make up the run's identity.
"""

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.config import JsonDict

from training.errors import TrainingError

RECIPES = Path(__file__).parent / "recipes"
RESOURCE: JsonDict = {"resource": True}

GeneratorName = Literal["llama_cpp", "transformers", "vllm"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class Section(BaseModel):
    """A part of a recipe: no unknown keys, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class ModelSettings(Section):
    """A model and what runs it. `model`: `embedded`, a GGUF file, a folder, or `owner/repo` on the Hub."""

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


class QuestionSet(Section):
    """Where questions come from. Sets that name one source and split are cut from it without overlap, in order."""

    source: Literal["trivia_qa", "nq_open", "truthful_qa", "file", "sample"] = "trivia_qa"
    path: Path | None = None
    split: str = "train"
    count: int | None = Field(default=None, ge=1, description="at most so many; None: all")
    matcher: Literal["exact", "lenient"] = "exact"

    @model_validator(mode="after")
    def _file_has_path(self) -> "QuestionSet":
        if (self.source == "file") != (self.path is not None):
            raise ValueError("path goes with source: file, and only with it")
        return self


class QuestionSettings(Section):
    """The three uses of questions; no question of `validation` or `test` is ever trained on."""

    train: QuestionSet = QuestionSet(count=10_000)
    validation: QuestionSet = QuestionSet(count=500)
    test: dict[str, QuestionSet] = Field(
        default_factory=lambda: {"triviaqa": QuestionSet(split="validation", count=1000)}
    )
    overlap: Literal["drop", "raise"] = "drop"


class Style(Section):
    """One wording of the prompt, and how many samples of a question are drawn with it. None: the plain prompt."""

    name: str
    count: int = Field(ge=1)
    instruction: str | None = None


class Draw(Section):
    """How text is drawn. `top_k` 0 and `top_p` 1 switch those off."""

    temperature: float = Field(default=0.7, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    max_new_tokens: int = Field(default=80, ge=1)


class SampleSettings(Draw):
    """The speaker's samples; all are trained on the plain prompt, whatever style drew them."""

    styles: list[Style] = [Style(name="plain", count=10)]

    @property
    def per_question(self) -> int:
        """Samples of one question."""
        return sum(style.count for style in self.styles)


class Scores(Section):
    """The worth of a sample: what the speaker should want, given truth and listener."""

    correct_accepted: float = 1.0
    incorrect_rejected: float = 1.0
    correct_rejected: float = -0.5
    incorrect_accepted: float = -1.0


class PairSettings(Section):
    """From judged samples to preferences. `balance`: each kind at most so many times the rarest; None: as they
    come.
    """

    scores: Scores = Scores()
    threshold: Literal["median"] | float = "median"
    margin: float = Field(default=0.1, ge=0, le=1)
    per_question: int = Field(default=3, ge=1)
    balance: float | None = Field(default=1.0, ge=1)
    drop_bare_answers: bool = True


class LoraSettings(Section):
    """The adapter. `targets` are module names; each must match something in the model."""

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    targets: list[str] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class DpoSettings(Section):
    """The training. `select`: listener F1 while training, after it (checkpoint by checkpoint), or simply the last."""

    beta: float = Field(default=0.1, gt=0)
    learning_rate: float = Field(default=5e-4, gt=0)
    scheduler: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup_steps: int = Field(default=10, ge=0)
    steps: int = Field(default=250, ge=1)
    pairs_per_step: int = Field(default=60, ge=1)
    per_device_batch: int = Field(default=10, ge=1, json_schema_extra=RESOURCE)
    reference_batch: int = Field(default=32, ge=1, json_schema_extra=RESOURCE)
    max_length: int = Field(default=200, ge=16)
    optimizer: Literal["paged_adamw_32bit", "adamw_torch"] = "paged_adamw_32bit"
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    quantize: Literal["none", "nf4"] = "nf4"
    quant_storage: Literal["uint8", "bfloat16"] = "uint8"
    dtype: Dtype = "bfloat16"
    adapter_dtype: Literal["float32", "bfloat16"] = "bfloat16"
    mixed_precision: bool = True
    gradient_checkpointing: bool = Field(default=True, json_schema_extra=RESOURCE)
    precompute_reference: bool = True
    group_by_length: bool = True
    lora: LoraSettings = LoraSettings()
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", json_schema_extra=RESOURCE)
    log_every: int = Field(default=5, ge=1)
    save_every: int = Field(default=25, ge=1)
    keep_checkpoints: int = Field(default=11, ge=1)
    select: Literal["during", "after", "last"] = "during"
    validation_questions: int = Field(default=200, ge=1)
    report_to: str = "none"


class TruthfulQASettings(Section):
    """TruthfulQA, generation: the two judge models, or the similarity to the reference answers, or nothing."""

    judges: Literal["models", "similarity", "none"] = "none"
    path: Path | None = None
    count: int | None = Field(default=None, ge=1)
    truth_judge: str = "allenai/truthfulqa-truth-judge-llama2-7B"
    info_judge: str = "allenai/truthfulqa-info-judge-llama2-7B"
    cut: float = Field(default=0.5, gt=0, lt=1)


class EvaluateSettings(Draw):
    """The measuring: one sample a question, acceptance cut at a fixed threshold."""

    threshold: float = Field(default=0.66, gt=0, lt=1)
    bins: int = Field(default=9, ge=2)
    bootstrap: int = Field(default=1000, ge=0)
    truthfulqa: TruthfulQASettings = TruthfulQASettings()


class Recipe(Section):
    """One whole run. `objective: truthful_only` is the baseline that prefers correct answers and ignores the
    listener.
    """

    name: str
    objective: Literal["lacie", "truthful_only"] = "lacie"
    seed: int = 0
    speaker: SpeakerSettings
    listener: ModelSettings
    questions: QuestionSettings = QuestionSettings()
    sample: SampleSettings = SampleSettings()
    pairs: PairSettings = PairSettings()
    dpo: DpoSettings = DpoSettings()
    evaluate: EvaluateSettings = EvaluateSettings()

    def digest(self) -> str:
        """A short identity of the run: all fields but those that only trade speed for memory."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:16]

    def identity(self) -> dict[str, Any]:
        """The fields that make two runs the same run, as plain values."""
        return _without_resources(self)

    def to_yaml(self) -> str:
        """The resolved recipe, every field written out."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text


def _without_resources(section: BaseModel) -> dict[str, Any]:
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("resource"):
            del plain[name]
        elif isinstance(value, BaseModel):
            plain[name] = _without_resources(value)
    return plain


def available() -> list[str]:
    """Names of the recipes that come with the project."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by name or file and apply `key.path=value` overrides. Raises TrainingError, one line."""
    path = Path(name_or_file)
    if not path.suffix:
        path = RECIPES / f"{name_or_file}.yaml"
        if not path.is_file():
            raise TrainingError(f"no recipe {name_or_file!r}; there are: {', '.join(available())}, or give a YAML file")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"recipe {path} can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise TrainingError(f"recipe {path} is not valid YAML: {_one_line(error)}") from error
    if not isinstance(data, dict):
        raise TrainingError(f"recipe {path} is not a mapping of settings")
    for override in overrides:
        _apply(data, override)
    return parse_recipe(data, source=str(path))


def parse_recipe(data: Mapping[str, Any], *, source: str) -> Recipe:
    """Check plain values against the schema; the first problem becomes one line that names the field."""
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in get_args(GeneratorName))
        if first["type"] == "extra_forbidden":
            raise TrainingError(f"recipe {source}: unknown key {where!r}{_nearest(first['loc'])}") from error
        raise TrainingError(f"recipe {source}: {where or 'recipe'}: {first['msg']} (got {first['input']!r})") from error


def _nearest(location: tuple[int | str, ...]) -> str:
    """`; did you mean …?` with the closest field of the section where the unknown key stands, or of any section."""
    section: Any = Recipe
    for part in location[:-1]:
        section = _section_type(section, part)
        if section is None:
            return ""
    key = str(location[-1])
    near = difflib.get_close_matches(key, section.model_fields, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are: {', '.join(section.model_fields)}"


def _section_type(section: Any, part: int | str) -> Any:
    if isinstance(section, type) and issubclass(section, Section):
        if part not in section.model_fields:
            return None
        return section.model_fields[str(part)].annotation
    arguments = [arg for arg in get_args(section) if isinstance(arg, type) and issubclass(arg, Section)]
    return arguments[-1] if arguments else None


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise TrainingError(f"--set {override!r} is not of the form key.path=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TrainingError(f"--set {override!r}: the value is not valid YAML: {_one_line(error)}") from error
    if isinstance(value, str):  # YAML 1.1 reads 5e-4 as text; a number is meant
        with suppress(ValueError):
            value = float(value)
    node = data
    *parents, last = key.strip().split(".")
    for part in parents:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise TrainingError(f"--set {override!r}: {part!r} is not a section")
        node = child
    node[last] = value


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
