"""Recipes cut down to what a CPU does in seconds."""

from pathlib import Path

from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.schema import Recipe

FOUR_BIT = ("dpo.quantize=nf4", "dpo.dtype=bfloat16", "dpo.adapter_dtype=bfloat16")
"""What `small` takes away from the training of the 7B, 8B and 70B recipes, for the tests that are about it."""


def small(name: str, model: Path, *more: str) -> Recipe:
    """A recipe with its model, listener and sizes replaced by what a CPU does in seconds."""
    return load_recipe(name, [*small_settings(model), *more])


def small_settings(model: Path | str) -> list[str]:
    """The `--set` values that make any recipe tiny."""
    return [
        f"speaker.model={model}",
        "speaker.quantize=none",
        "speaker.dtype=float32",
        "speaker.chunk=null",
        "speaker.batch_size=4",
        f"listener.model={model}",
        "listener.generator=transformers",
        "listener.quantize=none",
        "listener.dtype=float32",
        "listener.chunk=null",
        "listener.batch_size=64",
        "questions.train={source: sample, count: 6}",
        "questions.validation={source: sample, count: 2}",
        "questions.test={sample: {source: sample, count: 3}}",
        "sample.styles=[{name: plain, count: 3}]",
        "sample.max_new_tokens=6",
        "evaluate.max_new_tokens=6",
        "evaluate.bootstrap=20",
        "evaluate.truthfulqa={judges: none}",
        "evaluate.threshold=0.66",
        "dpo.steps=2",
        "dpo.pairs_per_step=2",
        "dpo.per_device_batch=1",
        "dpo.warmup_steps=0",
        "dpo.quantize=none",
        "dpo.dtype=float32",
        "dpo.adapter_dtype=float32",
        "dpo.mixed_precision=false",
        "dpo.optimizer=adamw_torch",
        "dpo.save_every=1",
        "dpo.log_every=1",
        "dpo.validation_questions=2",
    ]
