"""TRL's DPOTrainer on pairs that are already tokenised and ordered, and the callbacks every training has.

Imported only by a training that is about to start: it needs torch and TRL.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
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
from trl import DPOConfig, DPOTrainer

from lacie_chat.progress import Advance, progress
from lacie_training.learning.processes import first_ones
from lacie_training.row_kinds import is_number, is_text, rows_of_kind
from lacie_training.run_folder import Row, RowFile, to_do
from lacie_training.stage import is_first_process

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

REFERENCE = ("ref_chosen_logps", "ref_rejected_logps")
"""TRL's names for the reference's log-probabilities of a pair's two completions, summed over their tokens."""


class OneDeviceConfig(DPOConfig):  # type: ignore[misc]  # TRL has no types
    """A process trains on one GPU, however many it can see; the Trainer would take them all, which TRL then refuses."""

    @property
    def n_gpu(self) -> int:
        """GPUs of this process: 1, or 0 on a CPU."""
        return min(1, int(super().n_gpu))


def reference_rows(path: Path, ids: Sequence[str]) -> RowFile:
    """The file of the reference's rows, begun anew where it holds other pairs'."""
    file = RowFile(path)
    if file.ids <= set(ids):
        return file
    path.unlink()
    return RowFile(path)


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
        self._reference_file = reference_file
        self._adapter_dtype = getattr(torch, adapter_dtype)
        columns = ("prompt_ids", "chosen_ids", "rejected_ids")
        dataset = Dataset.from_list([{key: row[key] for key in columns} for row in rows])
        super().__init__(model=model, args=args, train_dataset=dataset, processing_class=tokenizer, peft_config=lora)
        self.train_dataset = self.train_dataset.select(list(order))
        self.remove_callback(PrinterCallback)  # ProgressCallback below says the same in one line
        self._cast_adapter()
        if self.is_fsdp_enabled:
            self._keep_outputs_whole()

    def _keep_outputs_whole(self) -> None:
        """Sharded in bfloat16 (FSDP2), accelerate would round what comes out, too: log-probabilities to steps of a
        quarter and more, and with them the loss. Gradients are summed over the processes in float32.
        """
        plugin = self.accelerator.state.fsdp_plugin
        if plugin.mixed_precision_policy is not None:
            plugin.mixed_precision_policy = replace(
                plugin.mixed_precision_policy, output_dtype=None, reduce_dtype=torch.float32
            )

    def _cast_adapter(self) -> None:
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.to(self._adapter_dtype)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """As the Trainer does it, but in the adapter's own number format: PEFT loads any in float32."""
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if not self.is_fsdp_enabled:  # a shard is filled in place
            self._cast_adapter()

    def _prepare_dataset(self, dataset: Any, *_args: Any, **_kwargs: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """The reference's columns, computed in chunks that the first process appends to the run's file: an interrupted
        reference goes on, too. Not in TRL's own way, which has all processes read a cache file beside the data set's
        own: one that was made in memory has none, and each process would look in a folder of its own.
        """
        first, count = is_first_process(), len(self._ids)
        file = reference_rows(self._reference_file, self._ids) if first else None
        size = batch_size * PartialState().num_processes
        todo: list[slice] = first_ones(to_do(file, self._ids, size) if file else [])
        with ExitStack() as stack:
            advance: Advance | None = None
            if first and todo:
                done = count - sum(len(self._ids[chunk]) for chunk in todo)
                advance = stack.enter_context(progress("dpo reference", count, "pairs", already=done))
            for chunk in todo:
                rows = self._reference_of(dataset, chunk)
                if file is not None:
                    file.append(rows)
                if advance is not None:
                    advance(len(rows))
        kind = {"id": is_text, **dict.fromkeys(REFERENCE, is_number)}
        stored = first_ones({row["id"]: row for row in rows_of_kind(self._reference_file, kind)} if first else {})
        for key in REFERENCE:
            dataset = dataset.add_column(key, [stored[each][key] for each in self._ids])
        return dataset

    def _reference_of(self, dataset: Any, chunk: slice) -> list[Row]:
        """Rows of a chunk of the pairs, computed by all processes."""
        pairs = [(self._ids[place], dataset[place]) for place in range(len(self._ids))[chunk]]
        rows: list[Row] = []
        with PartialState().split_between_processes(pairs) as mine:
            if mine:
                batch = self._prepare_inputs(self.data_collator([pair for _, pair in mine]))
                values = (each.tolist() for each in self.compute_ref_log_probs(self.model, batch))
                columns = zip((each for each, _ in mine), *values, strict=True)
                rows = [dict(zip(("id", *REFERENCE), row, strict=True)) for row in columns]
        gathered: list[Row] = gather_object(rows)
        return gathered

    def log_figures(self, figures: dict[str, float]) -> None:
        """Hand figures to the trackers. Not by TRL's `log`: it empties what it has gathered for its own next line."""
        Trainer.log(self, figures)

    def create_model_card(self, *_args: Any, **_kwargs: Any) -> None:
        """None for checkpoints: a card belongs to what is exported."""


class StopCallback(TrainerCallback):
    """After a SIGTERM: finish the step, save, stop. `asked` is this process's own, at any moment; `stopping` is said by
    all at the end of the same step, and what they do together hangs on it alone.
    """

    def __init__(self) -> None:
        self.asked = False
        self.stopping = False

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.stopping = any(gather_object([self.asked]))
        if self.stopping:
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
