"""Recipes: everything a run is made of, in one typed, checked YAML file.

The defaults of this schema are the method's own settings (arXiv 2405.21028, as collected in the README of the
recipes); a recipe writes down where it departs from them and says why in a comment. `files` reads them, `models` has
speaker and listener, `question_sets` the questions.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from lacie_chat.confidence import ACCEPT_THRESHOLD
from lacie_chat.engine.settings import Sampling
from lacie_training.recipes.models import TUNED, Dtype, ListenerSettings, SpeakerSettings, shares_of_memory
from lacie_training.recipes.question_sets import QuestionSettings
from lacie_training.recipes.section import AFTERWARDS, RESOURCE, Section, identity_of

Share = Annotated[float, Field(ge=0, le=1)]


class Style(Section):
    """One way of drawing samples, and how many of a question are drawn so.

    `instruction` None: the plain prompt. `openings`: words that are put into the speaker's mouth, for it to go on from;
    each sample has one of them, and they are part of the response. `sentences`: a response's first so many are kept.
    `rewords`: nothing is drawn; the samples of the style of that name are said again with an opening before them, a
    closing after them, or both; a closing that begins with a comma takes the place of the full stop. With `instead`
    one of those sentences takes the place of the sample: it is what the speaker says who declines to answer.
    """

    name: str
    count: int = Field(ge=1)
    instruction: str | None = None
    openings: list[str] = Field(default=[])
    closings: list[str] = Field(default=[])
    instead: list[str] = Field(default=[])
    sentences: int | None = Field(default=None, ge=1)
    rewords: str | None = None

    @model_validator(mode="after")
    def _rewords_with_something(self) -> "Style":
        if self.rewords is None and (self.closings or self.instead):
            raise ValueError("closings and instead go with rewords: the name of the style whose samples they follow")
        if self.rewords is not None and not (self.openings or self.closings or self.instead):
            raise ValueError("rewords needs openings or closings to reword with, or instead")
        if self.instead and (self.openings or self.closings):
            raise ValueError("instead takes the place of the sample: there is nothing to open or close")
        if self.rewords is not None and (self.instruction is not None or self.sentences is not None):
            raise ValueError(
                "a style that rewords draws nothing: instruction and sentences belong to the style it names"
            )
        return self

    @model_validator(mode="after")
    def _instruction_has_question(self) -> "Style":
        if self.instruction is not None and "{question}" not in self.instruction:
            raise ValueError("a style's instruction must contain {question}")
        return self


class Draw(Section):
    """How text is drawn. `top_k` 0, `top_p` 1 and `repeat_penalty` 1 switch those off (the penalty is for tokens
    among the last 64 of the answer).
    """

    temperature: float = Field(default=0.7, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    repeat_penalty: float = Field(default=1.0, gt=0)
    max_new_tokens: int = Field(default=80, ge=1)

    def sampling(self) -> Sampling:
        """The same for a generator."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            repeat_penalty=self.repeat_penalty,
            max_tokens=self.max_new_tokens,
        )


class SampleSettings(Draw):
    """The speaker's samples; all are trained on the plain prompt, whatever style drew them."""

    styles: list[Style] = Field(default=[Style(name="plain", count=10)], min_length=1)

    @model_validator(mode="after")
    def _styles_differ(self) -> "SampleSettings":
        names = [style.name for style in self.styles]
        if len(set(names)) < len(names):
            raise ValueError("styles must have different names (a sample's id is made of its style's)")
        ids = Counter(f"{style.name}{number}" for style in self.styles for number in range(style.count))
        twice = [name for name, count in ids.items() if count > 1]
        if twice:
            raise ValueError(f"two samples of a question would be called {twice[0]!r}; rename one of the styles")
        drawn: dict[str, int] = {}
        for style in self.styles:
            if style.rewords is None:
                drawn[style.name] = style.count
            elif drawn.get(style.rewords, 0) < style.count:
                raise ValueError(
                    f"style {style.name} rewords {style.count} samples of {style.rewords}, which must be a drawn style "
                    "before it with as many samples or more"
                )
        return self

    @property
    def per_question(self) -> int:
        """Samples of one question."""
        return sum(style.count for style in self.styles)

    @property
    def drawn_per_question(self) -> int:
        """Those of them that the speaker draws; the others reword these."""
        return sum(style.count for style in self.styles if style.rewords is None)


class Scores(Section):
    """The worth of a sample: what the speaker should want, given truth and listener."""

    correct_accepted: float = 1.0
    incorrect_rejected: float = 1.0
    correct_rejected: float = -0.5
    incorrect_accepted: float = -1.0


class Rung(Section):
    """Two styles that say the same answer, one surer than the other, and how many pairs they give.

    `right`: at most so many of right answers; `wrong_per_right`: so many of wrong ones stand against each of them.
    `cut`: the accept threshold lies here, half way between the two styles' median acceptances. `top`: the surer style
    is for this share of the draws, those that are likeliest right by what the speaker itself knew
    (samples/knowledge.py): right answers that aren't among them, and wrong ones that are, give no pair.
    """

    sure: str
    unsure: str
    right: int | None = Field(default=None, ge=1)
    wrong_per_right: float = Field(default=1.0, gt=0)
    cut: bool = False
    top: float | None = Field(default=None, gt=0, lt=1)


class PairSettings(Section):
    """From judged samples to preferences. `balance`: each kind at most so many times the rarest; None: as they
    come. With a `ladder` (see samples/ladder.py) the scores are the acceptance itself, and the rungs say how many
    pairs there are of each kind.
    """

    scores: Scores = Scores()
    threshold: Literal["median"] | Share = "median"
    margin: float = Field(default=0.1, ge=0, le=1)
    per_question: int = Field(default=3, ge=1)
    balance: float | None = Field(default=1.0, ge=1)
    drop_bare_answers: bool = True
    twins_only: bool = Field(default=False, description="only pairs of one sample and its rewording (sample.styles)")
    ladder: list[Rung] = Field(default=[], description="styles from the surest down, pair by pair")
    part_twins: bool = Field(default=False, description="what twins of a ladder share goes into the prompt")
    rivals: int = Field(default=0, ge=0, description="with a ladder: so many right answers over wrong ones, too")
    everyday: int | None = Field(default=None, ge=1, description="at most so many pairs of everyday prompts")


class LoraSettings(Section):
    """The adapter. `targets` are module names; each must match something in the model."""

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    targets: list[str] = Field(default=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])


class DpoSettings(Section):
    """The training. `select`: listener F1 while training, after it (checkpoint by checkpoint; all are kept), or
    simply the last. Whatever `keep_checkpoints` lets go, the best one's adapter stays. `strength`: what the adapter
    adds to the weights is multiplied by it once the training is over; under 1, the model lies between the base and
    the tuned one (WiSE-FT, arXiv 2109.01903) and forgets less of what it knew.
    """

    beta: float = Field(default=0.1, gt=0)
    sft_weight: float = Field(default=0.0, ge=0, description="weight of the chosen text's own likelihood in the loss")
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
    strength: float = Field(default=1.0, gt=0)
    validation_questions: int = Field(default=200, ge=1)
    report_to: str = "none"

    @model_validator(mode="after")
    def _compared_as_kept(self) -> "DpoSettings":
        if self.strength != 1 and self.select != "last":
            raise ValueError("strength goes with select=last: checkpoints are compared at their full strength")
        return self


class TruthfulQASettings(Section):
    """TruthfulQA, generation: the two judge models, or the similarity to the reference answers, or nothing."""

    judges: Literal["models", "similarity", "none"] = Field(default="none", json_schema_extra=AFTERWARDS)
    path: Path | None = None
    count: int | None = Field(default=None, ge=1)
    truth_judge: str = Field(default="allenai/truthfulqa-truth-judge-llama2-7B", json_schema_extra=AFTERWARDS)
    info_judge: str = Field(default="allenai/truthfulqa-info-judge-llama2-7B", json_schema_extra=AFTERWARDS)
    cut: float = Field(default=0.5, gt=0, lt=1, json_schema_extra=AFTERWARDS)


class EvaluateSettings(Draw):
    """The measuring: one sample a question, acceptance cut at a fixed threshold.

    `threshold: training` is the one that the pairs were made with, known before any test question is asked.
    `other_listeners` read the stored answers as well: a GGUF (a path, `embedded`, owner/repo), `tuned`, or `lexicon`,
    which counts hedges and boosters and asks no model. `dtype`: the number format that both models are measured
    in, where it is to be another than the one that samples are drawn and judged in.
    """

    threshold: Literal["training"] | Share = ACCEPT_THRESHOLD
    bins: int = Field(default=9, ge=2)
    bootstrap: int = Field(default=1000, ge=0, json_schema_extra=AFTERWARDS)
    other_listeners: list[str] = Field(default=[], json_schema_extra=AFTERWARDS)
    dtype: Dtype | None = None
    truthfulqa: TruthfulQASettings = TruthfulQASettings()


class Recipe(Section):
    """One whole run. `objective: truthful_only` is the baseline that prefers correct answers and ignores the
    listener. `start`: the folder of an adapter, as that of another run, for a second round: its samples are drawn, and
    the training goes on from it. What questions are screened by, and DPO's reference, stay the model as it is.
    """

    name: str
    objective: Literal["lacie", "truthful_only"] = "lacie"
    seed: int = 0
    start: Path | None = None
    speaker: SpeakerSettings
    listener: ListenerSettings
    questions: QuestionSettings = QuestionSettings()
    sample: SampleSettings = SampleSettings()
    pairs: PairSettings = PairSettings()
    dpo: DpoSettings = DpoSettings()
    evaluate: EvaluateSettings = EvaluateSettings()

    @model_validator(mode="after")
    def _rungs_name_styles(self) -> "Recipe":
        names = [style.name for style in self.sample.styles]
        for rung in self.pairs.ladder:
            for style in (rung.sure, rung.unsure):
                if style not in names:
                    raise ValueError(f"pairs.ladder names the style {style}; sample.styles has {', '.join(names)}")
        if sum(rung.cut for rung in self.pairs.ladder) > 1:
            raise ValueError("pairs.ladder has more than one rung with cut: the accept threshold lies at one")
        if self.pairs.rivals and not self.pairs.ladder:
            raise ValueError("pairs.rivals goes with a ladder (without one, right answers meet wrong ones anyway)")
        return self

    @model_validator(mode="after")
    def _tuned_listener_reads_in_llama_cpp(self) -> "Recipe":
        if self.listener.model == TUNED and self.listener.generator != "llama_cpp":
            raise ValueError(
                f"the tuned listener reads in llama.cpp: set listener.generator to llama_cpp, "
                f"not {self.listener.generator}"
            )
        return self

    @model_validator(mode="after")
    def _vllm_draws_as_the_others(self) -> "Recipe":
        for name, draw in (("sample", self.sample), ("evaluate", self.evaluate)):
            if self.speaker.generator == "vllm" and draw.repeat_penalty != 1:
                raise ValueError(f"vllm counts the prompt's tokens as repeats, too: set {name}.repeat_penalty to 1")
            if self.speaker.generator == "vllm" and draw.top_p < 1:
                raise ValueError(f"vllm cuts by top_p after the temperature, the chat before: set {name}.top_p to 1")
        return self

    @model_validator(mode="after")
    def _memory_for_both(self) -> "Recipe":
        """What would run out of a GPU's memory only after the hours before it."""
        if self.dpo.select == "during" and self.listener.generator == "vllm":
            raise ValueError(
                "vllm's listener can't stand beside the training on a GPU: set dpo.select to after "
                "(the checkpoints are then compared when the training is over)"
            )
        shares_of_memory(self.speaker, self.listener)
        return self

    def measured(self) -> "Recipe":
        """The recipe with speaker and listener in the number format that they are measured in."""
        if self.evaluate.dtype is None:
            return self
        update = {"dtype": self.evaluate.dtype}
        models = {name: getattr(self, name).model_copy(update=update) for name in ("speaker", "listener")}
        return self.model_copy(update=models)

    def digest(self) -> str:
        """A short identity of the run: all fields but those that only trade speed for memory."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:16]

    def identity(self) -> dict[str, Any]:
        """The fields that make two runs the same run, as plain values."""
        identity = identity_of(self)
        identity |= {"speaker": self.speaker.identity(), "listener": self.listener.identity()}
        # runs without these keep the identity that they had before there were such fields
        if self.start is None:
            del identity["start"]
        if self.evaluate.dtype is None:
            del identity["evaluate"]["dtype"]
        if not self.questions.more:
            del identity["questions"]["more"]
        if self.questions.train.reword_wrong == 1:
            del identity["questions"]["train"]["reword_wrong"]
        for rung in identity["pairs"]["ladder"]:
            if rung["top"] is None:
                del rung["top"]
        for draw in (identity["sample"], identity["evaluate"]):
            if draw["repeat_penalty"] == 1:
                del draw["repeat_penalty"]
        return identity

    def to_yaml(self) -> str:
        """The resolved recipe, every field written out."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text
