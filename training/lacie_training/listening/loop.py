"""The training loop: AdamW over a LoRA, warmed up and then let down along a cosine. Needs torch and PEFT.

It is a loop of our own because a step is made of tokens and not of rows, and reads logits only where a loss wants them.
The base may be in bfloat16, the LoRA is float32 in any case: steps as small as the last ones are lost in 16 bit.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from peft import get_peft_model
from peft.helpers import disable_input_dtype_casting
from transformers import set_seed

from lacie_chat.progress import progress
from lacie_chat.rows import Row
from lacie_training.errors import TrainingError
from lacie_training.generators.loading import memory_errors
from lacie_training.learning.lora import check_targets, lora_config
from lacie_training.listening.examples import Example, schedule
from lacie_training.listening.losses import Loss
from lacie_training.recipes.listening import ListenerRecipe

_BETAS = (0.9, 0.98)
_LOWEST = 0.03
"""The share of the learning rate at which the cosine ends."""


def adapted(model: Any, recipe: ListenerRecipe) -> Any:
    """The model under a fresh LoRA, which alone is trained. Raises TrainingError for modules that aren't there."""
    check_targets(model, recipe.lora.targets, setting="lora.targets")
    set_seed(recipe.seed)
    tuned = get_peft_model(model, lora_config(recipe.lora, model))
    # as the recipe names it: PEFT would note the folder on this machine that a GGUF was unpacked from
    tuned.peft_config["default"].base_model_name_or_path = recipe.model
    return tuned


def train(model: Any, examples: Sequence[Example], loss_of: Loss, recipe: ListenerRecipe) -> list[Row]:
    """Train the LoRA of `model` (from `adapted`) and return the log: a row for every `log_every` steps, with the means
    since the last. `tokens_per_second` is without padding. Raises TrainingError: out of memory, or the loss is no
    number any more.
    """
    steps = schedule(
        [len(example.ids) for example in examples],
        epochs=recipe.epochs,
        tokens=recipe.tokens_per_step,
        most=recipe.texts_per_step,
        seed=recipe.seed,
    )
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=0.0, betas=_BETAS)
    means, log = _Means(), []
    set_seed(recipe.seed)  # for a dropout
    model.train()
    what = f"{recipe.task}, {len(examples)} texts"
    with memory_errors("a lower tokens_per_step"), progress(what, len(steps), "steps") as advance, _casting(model):
        for number, places in enumerate(steps):
            rate = recipe.learning_rate * _share(number, len(steps), recipe.warmup_steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            chosen = [examples[place] for place in places]
            with _autocast(model):
                logits = logits_at(model, chosen, loss_of)
            loss, errors = loss_of(logits, chosen)
            if not math.isfinite(loss.item()):
                raise TrainingError(f"the loss is no number any more at step {number + 1}; lower learning_rate")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, recipe.max_grad_norm)
            optimizer.step()
            means.add(loss.item(), chosen, errors)
            if (number + 1) % recipe.log_every == 0 or number + 1 == len(steps):
                log.append({"step": number + 1, "learning_rate": rate, **means.row()})
                means = _Means()
            advance(1, f"loss {log[-1]['loss']:.3f}, {log[-1]['error']:.3f} {loss_of.measures}" if log else "")
    return log


def logits_at(model: Any, examples: Sequence[Example], loss_of: Loss) -> torch.Tensor:
    """Float32 logits at the positions that the loss names, example after example."""
    base = model.get_base_model()
    head = base.get_output_embeddings()
    ids = torch.zeros(len(examples), max(len(example.ids) for example in examples), dtype=torch.long)
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
    wanted = [(row, place) for row, example in enumerate(examples) for place in loss_of.positions(example)]
    rows, places = torch.tensor(wanted).T.to(head.weight.device)
    # Padding stands to the right of all that is read: a causal model needs no mask for it.
    body = getattr(base, base.base_model_prefix)
    hidden = body(input_ids=ids.to(head.weight.device), use_cache=False).last_hidden_state
    logits: torch.Tensor = head(hidden[rows, places])
    return logits.float()


def _casting(model: Any) -> AbstractContextManager[Any]:
    """PEFT would turn all that goes into a LoRA into float32, which costs a third of the time on a CPU."""
    active = model.get_base_model().dtype == torch.bfloat16
    context: AbstractContextManager[Any] = disable_input_dtype_casting(model, active)
    return context


def _autocast(model: Any) -> AbstractContextManager[Any]:
    """Products in bfloat16 where the base is."""
    base = model.get_base_model()
    return torch.autocast(base.device.type, torch.bfloat16) if base.dtype == torch.bfloat16 else nullcontext()


def _share(step: int, steps: int, warmup: int) -> float:
    """The share of the learning rate at a step (from 0)."""
    if step < warmup:
        return (step + 1) / warmup
    return _LOWEST + (1 - _LOWEST) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class _Means:
    """Means over some steps."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._errors: dict[str, list[float]] = defaultdict(list)
        self._tokens = 0
        self._began = time.monotonic()

    def add(self, loss: float, examples: Sequence[Example], errors: Sequence[float]) -> None:
        """One step more."""
        self._losses.append(loss)
        self._tokens += sum(len(example.ids) for example in examples)
        for example, error in zip(examples, errors, strict=True):
            self._errors[example.source].append(error)

    def row(self) -> Row:
        """The figures as a row of the log."""
        every = [error for errors in self._errors.values() for error in errors]
        return {
            "loss": sum(self._losses) / len(self._losses),
            "error": sum(every) / len(every),
            "errors": {source: sum(each) / len(each) for source, each in sorted(self._errors.items())},
            "tokens_per_second": round(self._tokens / max(time.monotonic() - self._began, 1e-6)),
        }
