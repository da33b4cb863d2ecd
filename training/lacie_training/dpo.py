"""Stage `dpo`: train the adapter on the pairs, `pairs.jsonl` -> `checkpoints/`, `validation.jsonl`, `adapter/`.

Launch: `lacie train dpo --recipe R --run DIR` or `python -m lacie_training.dpo …` trains on one GPU, the first of those
that can be seen; on several, `accelerate launch --config_file
training/lacie_training/recipes/accelerate/multi_gpu.yaml --num_processes N -m lacie_training.dpo --recipe R --run DIR`.
TRL's DPOTrainer does the work, free of ranks; what is ours is the data's order, the choice of the checkpoint by the
listener, and a clean stop.
Departures from the paper's code: LoRA targets are checked against the model (three of theirs match nothing), LoRA
dropout is really on (TRL switches all dropout off by default), and the reference's log-probabilities are computed
once.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from lacie_training.errors import Stopped, TrainingError, saving_checkpoints
from lacie_training.learning.adapters import go_on_from, keep_adapter, starting_weights
from lacie_training.learning.batches import check_sharding, shares
from lacie_training.learning.checkpoints import (
    BEST,
    best_step,
    checkpoint_steps,
    choose_afterwards,
    validation_questions,
)
from lacie_training.learning.lora import check_targets, lora_config
from lacie_training.learning.tokens import tokenise_pairs, training_order
from lacie_training.recipes.schema import Recipe
from lacie_training.row_kinds import PAIRS, SCORES, rows_of_kind
from lacie_training.run_folder import RunFolder, read_rows, write_rows
from lacie_training.stage import is_first_process, stage_main

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def run(folder: RunFolder) -> None:
    """The stage; goes on from the last whole checkpoint."""
    recipe = folder.recipe
    if (folder.path / "adapter" / "adapter_config.json").is_file() and _trained(folder):
        if is_first_process():
            print(f"dpo: {folder.path / 'adapter'} is trained")
        return
    if not _trained(folder):
        train(folder)
    if not is_first_process():
        return
    if recipe.dpo.select == "after":
        choose_afterwards(folder)
    else:
        during = recipe.dpo.select == "during"
        step = best_step(rows_of_kind(folder.file("validation.jsonl"), SCORES)) if during else recipe.dpo.steps
        whole = step in checkpoint_steps(folder.path / "checkpoints")
        source = folder.path / (f"checkpoints/checkpoint-{step}" if whole else BEST)
        keep_adapter(source, folder.path / "adapter", strength=recipe.dpo.strength)
        print(f"dpo: the adapter is that of step {step} of {recipe.dpo.steps}")


def _trained(folder: RunFolder) -> bool:
    """Whether the last checkpoint is there, and scored where that is done while training."""
    settings = folder.recipe.dpo
    if checkpoint_steps(folder.path / "checkpoints")[-1:] != [settings.steps]:
        return False
    scores = folder.path / "validation.jsonl"
    if settings.select != "during" or not scores.is_file():
        return settings.select != "during"
    # every process looks, so none may mend the file here
    return any(row["id"] == f"step-{settings.steps}" for row in read_rows(scores, torn=True))


def train(folder: RunFolder) -> None:
    """Train to the last step, from the last checkpoint if there is one. Raises Stopped after a SIGTERM."""
    from transformers import set_seed

    from lacie_training.generators.chat_prompts import turn_end
    from lacie_training.generators.loading import load_tokenizer, memory_errors, sharded
    from lacie_training.learning.listener_callback import ListenerCallback
    from lacie_training.learning.processes import first_before_others, first_ones, wait_for_all
    from lacie_training.learning.trainer import PairTrainer, ProgressCallback, StopCallback

    recipe = folder.recipe
    settings = recipe.dpo
    if sharded():
        check_sharding(settings)
    pairs = rows_of_kind(folder.file("pairs.jsonl"), PAIRS)
    if not pairs:
        raise TrainingError(f"{folder.path / 'pairs.jsonl'} holds no pairs; run the stage 'pairs' again")
    tokenizer = load_tokenizer(recipe.speaker.model, recipe.speaker.revision)
    end = turn_end(tokenizer) if recipe.speaker.format == "chat" else None
    rows = tokenise_pairs(pairs, tokenizer, settings.max_length, end=end)
    rows, order = training_order(rows, settings, recipe.seed)
    lower = "a lower dpo.per_device_batch (or dpo.max_length, or dpo.gradient_checkpointing=true)"
    start = starting_weights(recipe)
    checkpoints = folder.path / "checkpoints"
    with saving_checkpoints(checkpoints), memory_errors(lower), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*pad_token_id.*")
        arguments = training_arguments(folder)  # first: the processes find one another in it
        model = base_model(recipe)
        trainer = PairTrainer(
            model=model,
            args=arguments,
            rows=rows,
            order=order,
            reference_file=folder.path / "reference.jsonl",
            tokenizer=tokenizer,
            lora=lora_config(settings.lora, model),
            adapter_dtype=settings.adapter_dtype,
        )
        if start is not None:
            go_on_from(trainer.model, start, source=str(recipe.start))
        stop = StopCallback()
        trainer.add_callback(stop)
        trainer.add_callback(ProgressCallback(settings.steps))
        if settings.select == "during":
            with first_before_others():  # whoever is first may write the questions' files
                questions = validation_questions(folder)
            trainer.add_callback(ListenerCallback(folder, tokenizer, questions, stop, trainer.log_figures))
        previous = signal.signal(signal.SIGTERM, lambda number, frame: _ask_to_stop(stop, number, frame))
        try:
            set_seed(recipe.seed)  # else the dropout hangs on whether the reference was computed in this life or before
            trainer.train(resume_from_checkpoint=first_ones(_resume_from(folder)))
        finally:
            # a launcher ends the others when the first has ended, and none is to be cut off at its last lines
            signal.signal(signal.SIGTERM, signal.SIG_IGN if arguments.world_size > 1 else previous)
    if is_first_process():
        history = [entry for entry in trainer.state.log_history if "loss" in entry]
        write_rows(folder.path / "training_log.jsonl", history)
    wait_for_all()
    if trainer.state.global_step < settings.steps:
        raise Stopped(
            f"dpo: stopped at step {trainer.state.global_step} of {settings.steps}, with a checkpoint; "
            "start the same command again to go on"
        )


def _ask_to_stop(stop: Any, _number: int, _frame: FrameType | None) -> None:
    stop.asked = True


def _resume_from(folder: RunFolder) -> str | None:
    steps = checkpoint_steps(folder.path / "checkpoints")
    return str(folder.path / "checkpoints" / f"checkpoint-{steps[-1]}") if steps else None


def base_model(recipe: Recipe) -> PreTrainedModel:
    """The frozen base, as the recipe wants it for training, its LoRA targets checked."""
    from accelerate import PartialState

    from lacie_training.generators.loading import load_model, sharded, torch_device, torch_dtype

    settings = recipe.dpo
    wanted = torch_device(settings.device, setting="dpo.device")
    device = PartialState().device if wanted.type == "cuda" else wanted
    if settings.optimizer.startswith("paged") and device.type != "cuda":
        raise TrainingError(f"the optimiser {settings.optimizer} needs CUDA; set dpo.optimizer=adamw_torch")
    model = load_model(
        recipe.speaker,
        dtype=torch_dtype(settings.dtype, device),
        device=device,
        quantize=settings.quantize,
        quant_storage=settings.quant_storage,
        place=not sharded(),
    )
    model.config.use_cache = False
    check_targets(model, settings.lora.targets, setting="dpo.lora.targets")
    return model


def tracker(name: str) -> str:
    """The tracker that a recipe names. Raises TrainingError where it is not installed, or none that TRL knows."""
    from transformers.integrations import integration_utils

    there: list[str] = integration_utils.get_available_reporting_integrations()  # type: ignore[no-untyped-call]
    if name not in ("none", "all", *there):
        raise TrainingError(
            f"dpo.report_to={name}: no such tracker is installed here; installed: {', '.join(there) or 'none'}"
        )
    return name


def training_arguments(folder: RunFolder) -> Any:
    """TRL's configuration out of the recipe's."""
    from lacie_training.generators.loading import torch_device
    from lacie_training.learning.trainer import OneDeviceConfig

    recipe, settings = folder.recipe, folder.recipe.dpo
    on_cpu = torch_device(settings.device, setting="dpo.device").type == "cpu"
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    batch, batches = shares(settings, processes)
    if is_first_process() and processes > 1:
        print(f"dpo: {processes} processes, each with {batches} times {batch} pairs of a step", flush=True)
    return OneDeviceConfig(
        output_dir=str(folder.path / "checkpoints"),
        max_steps=settings.steps,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=batches,
        precompute_ref_batch_size=settings.reference_batch,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.scheduler,
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim=settings.optimizer,
        beta=settings.beta,
        loss_type=["sigmoid", "sft"] if settings.sft_weight else ["sigmoid"],
        loss_weights=[1.0, settings.sft_weight] if settings.sft_weight else None,
        max_length=settings.max_length,
        precompute_ref_log_probs=settings.precompute_reference,
        disable_dropout=False,  # TRL's default would switch the recipe's LoRA dropout off
        bf16=settings.mixed_precision,
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if settings.gradient_checkpointing else None,
        train_sampling_strategy="sequential",  # the order is laid out beforehand
        logging_steps=settings.log_every,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=settings.save_every,
        save_total_limit=None if settings.select == "after" else settings.keep_checkpoints,
        report_to=tracker(settings.report_to),
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=on_cpu,
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=not on_cpu,
        ddp_find_unused_parameters=False,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m lacie_training.dpo --recipe R --run DIR`"""
    return stage_main("dpo", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
