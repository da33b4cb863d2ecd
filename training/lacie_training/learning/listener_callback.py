"""The listener while training: at every checkpoint, how well does it tell the policy's right answers from wrong ones?

The policy answers validation questions as it stands, in this process; the listener is the recipe's. Where the two are
the same weights, it is the policy with its adapter off; where they aren't, a second model is loaded beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lacie_chat.confidence import Listener
from lacie_training.generators import load_listener, prompted
from lacie_training.generators.transformers import TransformersGenerator
from lacie_training.learning.checkpoints import keep_if_best, score_rows, validation_row
from lacie_training.learning.trainer import StopCallback
from lacie_training.questions.splits import Question
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RowFile, RunFolder
from lacie_training.samples.threshold import evaluation_threshold

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ListenerCallback(TrainerCallback):
    """Scores every checkpoint of the recipe's grid into `validation.jsonl` (also one that a stop left unscored)."""

    def __init__(
        self,
        folder: RunFolder,
        tokenizer: PreTrainedTokenizerBase,
        questions: list[Question],
        stop: StopCallback,
        log: Callable[[dict[str, float]], None],
    ) -> None:
        self.folder, self.tokenizer, self.questions, self.stop, self.log = folder, tokenizer, questions, stop, log
        self._threshold = evaluation_threshold(folder)
        self._listener: Listener | None = None
        self._file: RowFile | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        self._file = RowFile(self.folder.path / "validation.jsonl") if PartialState().is_main_process else None
        if state.global_step:
            self._score(state.global_step, model)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        if not self.stop.stopping:
            self._score(state.global_step, model)

    def _score(self, step: int, model: Any) -> None:
        recipe, process = self.folder.recipe, PartialState()
        if step % recipe.dpo.save_every and step != recipe.dpo.steps:
            return  # saved because of a stop: scoring it would make the run differ from an uninterrupted one
        known = self._file is not None and not self._file.missing([f"step-{step}"])
        if any(gather_object([known])):  # a start that goes on from this very checkpoint
            if self._file is not None:
                keep_if_best(self.folder.path, step)
            return
        generator = TransformersGenerator(
            model, self.tokenizer, batch_size=recipe.speaker.batch_size, context=recipe.speaker.context
        )
        if self._listener is None:
            own = policy_hears(recipe)
            self._listener = prompted(generator.reader, recipe) if own else load_listener(recipe)[0]
        with process.split_between_processes(self.questions) as mine:
            rows = []
            if mine:
                rows = validation_row(step, generator, self._listener, recipe, list(mine), self._threshold)[1]
        rows = gather_object(rows)
        row = score_rows(step, rows, recipe, self._threshold)
        figures = {key: row[key] for key in ("f1", "auroc", "ece", "accuracy", "abstention_rate")}
        self.log({f"listener/{key}": value for key, value in figures.items() if value is not None})
        if self._file is not None:
            self._file.append([row])
            keep_if_best(self.folder.path, step)
            shown = ", ".join(f"{key} {value:.3f}" for key, value in figures.items() if value is not None)
            print(f"dpo: step {step}: {shown} on {len(rows)} validation questions", flush=True)


def policy_hears(recipe: Recipe) -> bool:
    """Whether the listener can be the policy with its adapter off."""
    speaker, listener = recipe.speaker, recipe.listener
    return listener.generator == "transformers" and (listener.model, listener.revision, listener.quantize) == (
        speaker.model,
        speaker.revision,
        recipe.dpo.quantize,
    )
