"""The measurements of the benchmark: each stage's real code against a clock, and what one would use in its place.

Each warms up once, then works until its seconds are over. Memory is the peak that torch has allocated on a GPU; on a
CPU it is what the process holds at most (sampled twenty times a second), weights, libraries and all.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil
import torch
from lacie_training import dpo
from lacie_training.errors import TrainingError
from lacie_training.generators import prompted
from lacie_training.generators.loading import load_model, load_tokenizer, memory_errors, torch_device, torch_dtype
from lacie_training.judge import judge_rows
from lacie_training.learning.lora import lora_config
from lacie_training.learning.tokens import tokenise_pairs, training_order
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import Row, RunFolder
from lacie_training.sample import chunks, sample_rows
from transformers import TrainerCallback

from lacie_chat.evaluation.prompts import prompt_text
from tests.benchmarks import training_size_model as made


@dataclass(slots=True)
class Measured:
    """One measurement: units a second by name, peak memory in bytes, model FLOPs a second; or why there is none."""

    what: str
    rates: dict[str, float] = field(default_factory=dict)
    peak: int = 0
    flops: float = 0.0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share."""

    recipe: Recipe
    folder: Path
    seconds: float
    weights: int
    """Parameters that a token passes through: all but the table of embeddings."""

    @property
    def device(self) -> torch.device:
        return torch_device(self.recipe.dpo.device, setting="dpo.device")


def measured(what: str, bench: Bench, work: Callable[[Measured], None]) -> Measured:
    """Run one measurement with memory watched; running out of it is a result, too."""
    found = Measured(what)
    gc.collect()
    with _peak(bench.device, found):
        try:
            with memory_errors("a smaller batch"):
                work(found)
        except TrainingError as error:
            found.failed = str(error)
    gc.collect()
    if bench.device.type == "cuda":
        torch.cuda.empty_cache()
    return found


@contextmanager
def _peak(device: torch.device, found: Measured) -> Iterator[None]:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        yield
        found.peak = torch.cuda.max_memory_allocated()
        return
    process, over = psutil.Process(), threading.Event()
    held: list[int] = [process.memory_info().rss]

    def watch() -> None:
        while not over.wait(0.05):
            held.append(process.memory_info().rss)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        found.peak = max(held)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _timed(bench: Bench, once: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What `once` counts, a second: after one call to warm up, calls until the seconds are over, at least one."""
    once()
    totals: dict[str, float] = {}
    started = _now(bench.device)
    while True:
        for name, count in once().items():
            totals[name] = totals.get(name, 0.0) + count
        took = _now(bench.device) - started
        if took >= bench.seconds:
            return {name: count / took for name, count in totals.items()}


def sampling(bench: Bench, generator: Any) -> Measured:
    """Stage `sample`: chunks of questions, as the stage hands them over."""

    def work(found: Measured) -> None:
        per_chunk = max(1, bench.recipe.speaker.together // bench.recipe.sample.drawn_per_question)
        endless = chunks(_endless_questions(), per_chunk)

        def once() -> dict[str, float]:
            asked = next(endless)
            rows = sample_rows(generator, bench.recipe, asked)
            drawn = [row for row in rows if row["draw"] == row["id"]]
            return {"questions": len(asked), "responses": len(drawn), "tokens": sum(row["tokens"] for row in drawn)}

        found.rates = _timed(bench, once)
        found.flops = 2 * bench.weights * found.rates["tokens"]

    return measured("sampling", bench, work)


def plain_generate(bench: Bench, generator: Any, *, at_once: int) -> Measured:
    """transformers' own `generate`, so many questions at once, with the recipe's sampling."""
    settings = bench.recipe.sample

    def work(found: Measured) -> None:
        tokenizer, model = generator.tokenizer, generator.model
        tokenizer.padding_side = "left"
        endless = chunks(_endless_questions(), at_once)

        def once() -> dict[str, float]:
            asked = [prompt_text(generator, bench.recipe.speaker.form(), each.question) for each in next(endless)]
            batch = tokenizer(asked, return_tensors="pt", padding=True).to(model.device)
            with torch.inference_mode():
                drawn = model.generate(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    do_sample=True,
                    temperature=settings.temperature,
                    top_p=settings.top_p,
                    top_k=settings.top_k,
                    max_new_tokens=settings.max_new_tokens,
                    num_return_sequences=settings.drawn_per_question,
                )
            written = drawn[:, batch["input_ids"].shape[1] :]
            tokens = int((written != tokenizer.pad_token_id).sum())
            return {"questions": len(asked), "responses": len(written), "tokens": tokens}

        found.rates = _timed(bench, once)
        found.flops = 2 * bench.weights * found.rates["tokens"]

    return measured(f"generate, {at_once} question{'s' if at_once > 1 else ''} at once", bench, work)


def _endless_questions() -> Any:
    return cycle(made.questions())


def judging(bench: Bench, generator: Any) -> Measured:
    """Stage `judge`, with the model as its own listener, by a prompt."""
    recipe = bench.recipe

    def work(found: Measured) -> None:
        listener = prompted(generator.sharing(recipe.listener).reader, recipe)
        size = recipe.listener.chunk or 4 * recipe.listener.together
        endless = cycle(made.answers(20 * size))

        def once() -> dict[str, float]:
            rows = judge_rows(list(islice(endless, size)), listener)
            heard = sum(row["acceptance"] is not None for row in rows)
            return {"samples": len(rows), "heard": heard}

        found.rates = _timed(bench, once)

    return measured("judging", bench, work)


class _Clock(TrainerCallback):
    """Notes the end of each step, and stops the training when the seconds are over (not before the third step)."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.ends = bench, []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.ends.append(_now(self.bench.device))
        if len(self.ends) >= 3 and self.ends[-1] - self.ends[0] >= self.bench.seconds:
            control.should_training_stop = True
            control.should_save = False

    def rate(self, per_step: int) -> float:
        """Pairs a second, without the first step."""
        return (len(self.ends) - 1) * per_step / (self.ends[-1] - self.ends[0])


def training(bench: Bench, *, checkpointing: bool) -> tuple[Measured, Measured]:
    """Stage `dpo`: the reference's log-probabilities, and the steps, each with its own rate."""
    update = {"gradient_checkpointing": checkpointing, "select": "last", "save_every": 10**9, "steps": 10**6}
    recipe = bench.recipe.model_copy(update={"dpo": bench.recipe.dpo.model_copy(update=update)})
    reference = Measured("reference")
    rows = _tokenised(recipe)
    length = sum(_length(row) for row in rows) / len(rows)

    def work(found: Measured) -> None:
        from lacie_training.learning.trainer import PairTrainer

        folder = RunFolder(bench.folder / f"run-{checkpointing}", recipe)
        folder.path.mkdir()
        used, _ = training_order(rows, recipe.dpo.model_copy(update={"steps": 5}), recipe.seed)
        order = [place % len(used) for place in range(recipe.dpo.pairs_per_step * 1000)]
        took: list[float] = []

        class Timed(PairTrainer):
            def _precompute_ref_logps(self, *given: Any) -> Any:
                started = _now(bench.device)
                computed = super()._precompute_ref_logps(*given)
                took.append(_now(bench.device) - started)
                return computed

        model = dpo.base_model(recipe)
        trainer = Timed(
            model=model,
            args=dpo.training_arguments(folder),
            rows=used,
            order=order,
            reference_file=folder.path / "reference.jsonl",
            tokenizer=load_tokenizer(recipe.speaker.model),
            lora=lora_config(recipe.dpo.lora, model),
            adapter_dtype=recipe.dpo.adapter_dtype,
        )
        reference.rates = {"pairs": len(used) / sum(took)}
        reference.flops = 2 * bench.weights * length * reference.rates["pairs"]
        clock = _Clock(bench)
        trainer.add_callback(clock)
        trainer.train()
        found.rates = {"pairs": clock.rate(recipe.dpo.pairs_per_step)}
        found.rates["tokens"] = found.rates["pairs"] * length
        found.flops = 4 * bench.weights * found.rates["tokens"]

    name = f"training, {'with' if checkpointing else 'without'} checkpointing"
    return measured(name, bench, work), reference


def trl_defaults(bench: Bench) -> Measured:
    """TRL's own DPOTrainer with its default arguments, on the same pairs, weights and LoRA."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    recipe = bench.recipe
    texts = made.pairs(made.answers(300), recipe.speaker.instruction)

    def work(found: Measured) -> None:
        arguments = DPOConfig(
            output_dir=str(bench.folder / "trl"),
            max_steps=10**6,
            save_strategy="no",
            report_to="none",
            use_cpu=bench.device.type == "cpu",
            disable_tqdm=True,
        )
        model = load_model(
            recipe.speaker,
            dtype=torch_dtype(recipe.dpo.dtype, bench.device),
            device=bench.device,
            quantize=recipe.dpo.quantize,
        )
        columns = [{key: row[key] for key in ("prompt", "chosen", "rejected")} for row in texts]
        tokenizer = load_tokenizer(recipe.speaker.model)
        trainer = DPOTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(columns),
            processing_class=tokenizer,
            peft_config=lora_config(recipe.dpo.lora, model),
        )
        clock = _Clock(bench)
        trainer.add_callback(clock)
        trainer.train()
        per_step = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        length = sum(_length(row) for row in _tokenised(recipe)) / len(texts)
        found.rates = {"pairs": clock.rate(per_step)}
        found.rates["tokens"] = found.rates["pairs"] * length
        # each step reads the pairs with the adapter off as well
        found.flops = 6 * bench.weights * found.rates["tokens"]

    return measured("TRL's defaults", bench, work)


def _tokenised(recipe: Recipe) -> list[Row]:
    texts = made.pairs(made.answers(300), recipe.speaker.instruction)
    return tokenise_pairs(texts, load_tokenizer(recipe.speaker.model), recipe.dpo.max_length)


def _length(row: Row) -> int:
    """Tokens of both texts of a pair, each with its prompt."""
    return 2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOPs a second of large matrix products, the best of several: what this device does at most in this format."""
    size, best = (8192, 0.0) if device.type == "cuda" else (1024, 0.0)
    one = torch.randn(size, size, device=device, dtype=dtype)
    for _ in range(6):
        started = _now(device)
        one @ one
        best = max(best, 2 * size**3 / (_now(device) - started))
    return best
