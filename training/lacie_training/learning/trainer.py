"""TRL's DPOTrainer on pairs that are already tokenised and ordered, and the callbacks every training has.

Imported only by a training that is about to start: it needs torch and TRL.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from datasets import Dataset, disable_progress_bars
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl import DPOTrainer

from lacie_chat.progress import Advance, progress
from lacie_training.run_folder import Row, read_rows, write_rows
from lacie_training.stage import is_first_process

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_REFERENCE = ("ref_chosen_logps", "ref_rejected_logps")


class PairTrainer(DPOTrainer):  # type: ignore[misc]  # TRL has no types
    """A DPOTrainer that leaves tokens and order alone and keeps the reference's log-probabilities in the run
    folder.
    """

    train_dataset: Any

    def __init__(
        self,
        *,
        model: PreTrainedModel,
        args: Any,
        rows: Sequence[Row],
        order: Sequence[int],
        reference_file: Path,
        tokenizer: PreTrainedTokenizerBase,
        lora: Any,
        adapter_dtype: str,
    ) -> None:
        disable_progress_bars()
        self._ids = [row["id"] for row in rows]
        self._reference_done: Advance | None = None
        self._reference_file = reference_file
        columns = ("prompt_ids", "chosen_ids", "rejected_ids")
        dataset = Dataset.from_list([{key: row[key] for key in columns} for row in rows])
        super().__init__(model=model, args=args, train_dataset=dataset, processing_class=tokenizer, peft_config=lora)
        self.train_dataset = self.train_dataset.select(list(order))
        self.remove_callback(PrinterCallback)  # ProgressCallback below says the same in one line
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.to(getattr(torch, adapter_dtype))

    def _prepare_dataset(self, dataset: Any, *_args: Any, **_kwargs: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        stored = read_rows(self._reference_file) if self._reference_file.is_file() else []
        if [row["id"] for row in stored] != self._ids:
            with ExitStack() as stack:
                if is_first_process():
                    self._reference_done = stack.enter_context(progress("dpo reference", len(self._ids), "pairs"))
                computed = super()._precompute_ref_logps(dataset, name, batch_size)
            self._reference_done = None
            if is_first_process():
                values = zip(self._ids, *(computed[key] for key in _REFERENCE), strict=True)
                names = ("id", *_REFERENCE)
                write_rows(self._reference_file, [dict(zip(names, row, strict=True)) for row in values])
            return computed
        for key in _REFERENCE:
            dataset = dataset.add_column(key, [row[key] for row in stored])
        return dataset

    def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
        values = super().compute_ref_log_probs(model, inputs)
        if self._reference_done is not None:
            self._reference_done(len(values[0]) * PartialState().num_processes)
        return values

    def log_figures(self, figures: dict[str, float]) -> None:
        """Hand figures to the trackers. Not by TRL's `log`: it empties what it has gathered for its own next line."""
        Trainer.log(self, figures)

    def create_model_card(self, *_args: Any, **_kwargs: Any) -> None:
        """None for checkpoints: a card belongs to what is exported."""


class StopCallback(TrainerCallback):
    """After a SIGTERM: finish the step, save, stop; all processes at the same step."""

    def __init__(self) -> None:
        self.asked = False

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if PartialState().num_processes > 1:
            self.asked = any(gather_object([self.asked]))
        if self.asked:
            control.should_save = True
            control.should_training_stop = True


class ProgressCallback(TrainerCallback):
    """Progress as in every other stage, with the loss."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._stack = ExitStack()
        self._advance: Advance | None = None
        self._loss = ""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if is_first_process():
            shown = progress("dpo", self._steps, "steps", already=state.global_step)
            self._advance = self._stack.enter_context(shown)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        if logs and "loss" in logs:
            self._loss = f"loss {float(logs['loss']):.4f}, accuracy {float(logs.get('rewards/accuracies', 0)):.2f}"

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._advance is not None:
            self._advance(1, self._loss)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._stack.close()
