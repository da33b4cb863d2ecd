"""How fast the training's stages are at true size, beside what one would use in their place, in the same run.

    python -m tests.benchmarks.training_size [--shapes tiny|135m|7b] [--quantize none|nf4] [--seconds 60] [--json FILE]

Random weights of true size are made on the device, and every stage's own code works on them for so many seconds:
sampling beside transformers' plain `generate`, judging, the reference, training with checkpointing and without, beside
TRL's DPOTrainer with its default arguments (the same pairs, weights and LoRA). Printed are pairs and tokens a second,
peak memory, and model FLOPs utilisation: two operations for each weight and token forward, as many for the gradients of
the activations; the frozen weights have none, and what checkpointing computes again isn't counted. Then the hours that
each recipe takes at these rates, as the recipes' README shows them.
"""

import argparse
import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from lacie_training.generators import load_generator
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.schema import Recipe
from lacie_training.stage import quiet_libraries

from tests.benchmarks.training_size_hours import hours_table
from tests.benchmarks.training_size_model import SHAPES, Shapes, write_model
from tests.benchmarks.training_size_stages import (
    Bench,
    Measured,
    judging,
    matmul_peak,
    plain_generate,
    sampling,
    training,
    trl_defaults,
)

PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 FLOPs a second by the makers' data sheets (SXM), by a part of the device's name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shapes", choices=SHAPES, default="135m")
    parser.add_argument("--quantize", choices=("none", "nf4"), default="none")
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement")
    parser.add_argument("--model", type=Path, help="a folder to keep the random weights in, or one that has them")
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="as for `lacie train`")
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args(argv)
    quiet_libraries()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    shapes = SHAPES[options.shapes]
    with tempfile.TemporaryDirectory(prefix="lacie-size-") as temporary:
        folder = Path(temporary)
        model = options.model or folder / "model"
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if not (model / "config.json").is_file():
            write_model(model, shapes, device=device)
        recipe = recipe_for(shapes, model, options.quantize, options.overrides)
        bench = Bench(recipe, folder, options.seconds, weights_of(shapes))
        found = measure(bench)
        peak, whose = peak_of(bench)
    print(table(found, peak, whose, f"{shapes.name}, {options.quantize}"))
    hours = hours_table(found, weights_of(shapes))
    print(hours)
    if options.json:
        figures = {"shapes": asdict(shapes), "quantize": options.quantize, "device": whose, "peak": peak}
        rows = [asdict(each) for each in found]
        options.json.write_text(json.dumps(figures | {"measured": rows, "hours": hours}, indent=1))
    return 0


def recipe_for(shapes: Shapes, model: Path, quantize: str, overrides: Sequence[str] = ()) -> Recipe:
    """The settings of the recipe that these shapes are like, on the random model; on a CPU without what needs CUDA."""
    settings = [
        f"speaker.model={model}",
        f"listener={{model: {model}, generator: transformers, quantize: {quantize}, batch_size: 64, context: 2048}}",
        "speaker.generator=transformers",
        f"speaker.quantize={quantize}",
        "speaker.format=plain",
        "speaker.instruction='Answer the question in one or two sentences.\n\n  Question: {question}\n\n  Answer:'",
        "speaker.dtype=auto",
        f"dpo.quantize={quantize}",
        "sample.styles=[{name: plain, count: 10}]",
    ]
    if not torch.cuda.is_available():
        settings += ["dpo.optimizer=adamw_torch", "dpo.mixed_precision=false", "dpo.dtype=float32"]
        settings += ["dpo.adapter_dtype=float32"]
    return load_recipe(shapes.like, [*settings, *overrides])


def weights_of(shapes: Shapes) -> int:
    """Parameters that a token passes through: the linear layers and the output's, not the table of embeddings."""
    width = shapes.hidden // shapes.heads
    attention = 2 * shapes.hidden * (shapes.heads + shapes.kv_heads) * width
    return shapes.layers * (attention + 3 * shapes.hidden * shapes.inner) + shapes.vocabulary * shapes.hidden


def measure(bench: Bench) -> list[Measured]:
    """All measurements, each said when it is done: what is slow is known to be at work."""
    found: list[Measured] = []

    def add(*each: Measured) -> None:
        found.extend(each)
        for one in each:
            rates = ", ".join(f"{value:.3g} {name}/s" for name, value in one.rates.items())
            print(f"{one.what}: {one.failed or rates}", flush=True)

    speaker = bench.recipe.speaker
    generator = load_generator(speaker)
    add(sampling(bench, generator))
    add(plain_generate(bench, generator, at_once=1))
    add(plain_generate(bench, generator, at_once=max(1, speaker.together // bench.recipe.sample.drawn_per_question)))
    add(judging(bench, generator))
    generator.close()
    without, reference = training(bench, checkpointing=False)
    add(reference, without)
    add(training(bench, checkpointing=True)[0])
    add(trl_defaults(bench))
    return found


def peak_of(bench: Bench) -> tuple[float, str]:
    """FLOPs a second of this device at most, and which device that is; measured where no data sheet is known."""
    device = bench.device
    if device.type == "cuda":
        name = torch.cuda.get_device_name()
        for part, peak in PEAKS.items():
            if part in name:
                return peak, f"{name}, {peak / 1e12:.0f} TFLOP/s by its data sheet"
        measured = matmul_peak(device, torch.bfloat16)
        return measured, f"{name}, {measured / 1e12:.3g} TFLOP/s measured with large matrix products"
    measured = matmul_peak(device, torch.float32)
    return measured, f"CPU, {torch.get_num_threads()} thread(s), {measured / 1e9:.3g} GFLOP/s in float32 measured"


def table(found: Sequence[Measured], peak: float, whose: str, title: str) -> str:
    """The measurements as Markdown."""
    lines = [f"\n{title}; {whose}\n"]
    lines += ["| what | pairs/s | samples/s | tokens/s | peak memory | MFU |", "|---|" + "---|" * 5]
    for each in found:
        if each.failed:
            lines.append(f"| {each.what} | {each.failed} | | | | |")
            continue
        rate = each.rates
        samples = rate.get("responses", rate.get("samples"))
        cells = [_cell(rate.get("pairs")), _cell(samples), _cell(rate.get("tokens"))]
        cells.append(f"{each.peak / 1e9:.2f} GB" if each.peak else "")
        cells.append(f"{each.flops / peak:.1%}" if each.flops else "")
        lines.append(f"| {each.what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
