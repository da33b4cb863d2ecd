"""Stage `evaluate`, and `lacie evaluate`: how well acceptance tells right answers from wrong ones.

The stage measures the baseline and the adapter on every test set of the recipe, under the same conditions, into
`evaluation/SET/SIDE/`, and sums up in `metrics.json`, plots and `report.md`. `lacie evaluate` measures a GGUF on one
questions file, by the same functions, and never loads torch. Both go on where they stopped.
"""

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lacie_chat.confidence import Calibrator
from lacie_chat.confidence.reader import Reader
from lacie_chat.models import find_calibrator, resolve, resolve_adapter
from lacie_chat.rows import writing
from lacie_chat.statistics.metrics import listener_metrics
from training.answering import answer_rows
from training.errors import TrainingError
from training.generators import Generator, load_generator, load_listener
from training.progress import progress
from training.questions import Question, load_questions, read_question_file
from training.recipes import Draw, EvaluateSettings, Recipe, SpeakerSettings
from training.runs import Row, RowFile, RunFolder, read_rows, write_json
from training.stage import stage_main

SIDES = ("baseline", "adapter")


def answer_all(
    file: RowFile,
    questions: Sequence[Question],
    generator: Generator,
    reader: Reader,
    *,
    speaker: SpeakerSettings,
    draw: Draw,
    seed: int,
    names: dict[str, str | None],
    calibrator: Calibrator | None = None,
    label: str = "evaluate",
) -> list[Row]:
    """Answer the questions that `file` hasn't yet, in chunks of the speaker's batch size; returns all rows."""
    size = speaker.batch_size
    chunks = [questions[start : start + size] for start in range(0, len(questions), size)]
    todo = [chunk for chunk in chunks if file.missing(question.id for question in chunk)]
    left = sum(len(chunk) for chunk in todo)
    with progress(label, len(questions), "questions", already=len(questions) - left) as advance:
        for chunk in todo:
            rows = answer_rows(generator, reader, chunk, speaker=speaker, draw=draw, seed=seed, calibrator=calibrator)
            # answers of a batch are drawn together: none has timings of its own
            file.append([{**row, **names, "timings": {}} for row in rows])
            advance(len(chunk))
    return read_rows(file.path)


def run(folder: RunFolder) -> None:
    """The stage: both sides on every test set, TruthfulQA where the recipe asks for it, report and plots."""
    recipe = folder.recipe
    adapter = folder.path / "adapter"
    if not (adapter / "adapter_config.json").is_file():
        raise TrainingError(f"{adapter} is not there yet; run the stage 'dpo' first")
    splits = load_questions(folder.path, recipe)
    from training import truthfulqa  # here, so that `lacie evaluate` doesn't load it

    rows: dict[str, dict[str, list[Row]]] = {name: {} for name in splits.test}
    truthful: dict[str, Any] = {}
    speaker = speaker_with_adapter(recipe)
    with ExitStack() as stack:
        reader, listener = load_listener(recipe)
        stack.callback(listener.close)
        for side in SIDES:
            generator = load_generator(speaker, adapter=adapter if side == "adapter" else None)
            names = {"model": speaker.model, "adapter": "adapter" if side == "adapter" else None}
            for name, questions in splits.test.items():
                rows[name][side] = answer_all(
                    RowFile(folder.path / "evaluation" / name / side / "rows.jsonl"),
                    questions,
                    generator,
                    reader,
                    speaker=speaker,
                    draw=recipe.evaluate,
                    seed=recipe.seed,
                    names=names,
                    label=f"evaluate {name}, {side}",
                )
            if recipe.evaluate.truthfulqa.judges != "none":
                truthful[side] = truthfulqa.answer(folder, side, generator, reader, speaker)
            generator.close()
    if truthful:
        truthful = {side: truthfulqa.judge(recipe, side_rows) for side, side_rows in truthful.items()}
    summarise(folder, rows, truthful)


def speaker_with_adapter(recipe: Recipe) -> SpeakerSettings:
    """The speaker as it can be run with a PEFT adapter: llama.cpp can't, so both sides then run in transformers."""
    if recipe.speaker.generator == "llama_cpp":
        return recipe.speaker.model_copy(update={"generator": "transformers"})
    return recipe.speaker


def summarise(folder: RunFolder, rows: dict[str, dict[str, list[Row]]], truthful: dict[str, Any]) -> None:
    """Write `metrics.json`, the plots and `report.md` of a run."""
    from lacie_chat.statistics.plots import draw_histograms, draw_reliability
    from training.report import write_report

    recipe = folder.recipe
    settings = recipe.evaluate
    sets: dict[str, dict[str, Any]] = {}
    for name, sides in rows.items():
        sets[name] = {side: measure(each, settings, recipe.seed) for side, each in sides.items()}
        for side, figures in sets[name].items():
            write_json(folder.path / "evaluation" / name / side / "metrics.json", figures)
        path = folder.path / f"reliability-{name}.png"
        with writing(path):
            draw_reliability(sides, path, bins=settings.bins)
            draw_histograms(
                sides, folder.path / f"acceptance-{name}.png", bins=settings.bins, threshold=settings.threshold
            )
    metrics = {"recipe": recipe.name, "objective": recipe.objective, "digest": recipe.digest(), "sets": sets}
    metrics |= {"truthfulqa": truthful} if truthful else {}
    write_json(folder.path / "metrics.json", metrics)
    counts = folder.path / "pairs_report.json"
    pairs = json.loads(counts.read_text(encoding="utf-8")) if counts.is_file() else None
    write_report(folder.path, recipe, metrics, pairs)
    for name, sides_figures in sets.items():
        for side, figures in sides_figures.items():
            print(f"evaluate: {name}, {side}: {one_line(figures)}")


def measure(rows: Sequence[Row], settings: EvaluateSettings, seed: int) -> dict[str, Any]:
    """All figures of some rows by the settings of an evaluation."""
    return listener_metrics(
        rows, threshold=settings.threshold, bins=settings.bins, bootstrap=settings.bootstrap, seed=seed
    )


def one_line(figures: dict[str, Any]) -> str:
    """The main figures, to read."""
    keys = ("accuracy", "auroc", "ece", "f1", "abstention_rate")
    shown = ", ".join(f"{key} {'n/a' if figures[key] is None else format(figures[key], '.3f')}" for key in keys)
    return f"n {figures['n']}, {shown}"


# -- lacie evaluate -----------------------------------------------------------------------------------------------


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie evaluate` beside those that name the model."""
    parser.add_argument("--questions", type=Path, required=True, help="JSON lines with id, question, answers")
    parser.add_argument("--out", type=Path, required=True, help="folder for rows.jsonl, metrics.json, reliability.png")
    parser.add_argument("--with-baseline", action="store_true", help="measure the model without its adapter as well")
    parser.add_argument("--matcher", choices=("exact", "lenient"), default="exact", help="how answers are compared")
    parser.add_argument("--temperature", type=float, default=0.2)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--threshold", type=float, default=0.66, help="accepted from this acceptance on")
    parser.add_argument("--batch-size", type=int, default=8, help="questions answered at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print metrics.json")


def evaluate_command(args: argparse.Namespace) -> int:
    """`lacie evaluate`: `args` also has `model`, `adapter`, `baseline`. Raises LacieError."""
    questions = [
        Question(each.id, each.question, each.answers, args.matcher) for each in read_question_file(args.questions)
    ]
    model = resolve(args.model)
    adapter = resolve_adapter(args.adapter) if args.adapter else None
    if args.with_baseline and adapter is None:
        raise TrainingError("--with-baseline goes with --adapter: without an adapter, the model is the baseline")
    speaker = SpeakerSettings(
        model=str(model.path), generator="llama_cpp", format="chat", batch_size=args.batch_size, context=2048
    )
    settings = EvaluateSettings(
        temperature=args.temperature, top_p=0.95, top_k=40, max_new_tokens=args.max_tokens, threshold=args.threshold
    )
    sides = [("adapter" if adapter else "baseline", adapter, args.out)]
    if args.with_baseline:
        sides.append(("baseline", None, args.out / "baseline"))
    rows: dict[str, list[Row]] = {}
    for side, side_adapter, out in sides:
        identity = {
            "model": model.ref,
            "adapter": side_adapter.ref if side_adapter else None,
            "matcher": args.matcher,
            "seed": args.seed,
            "batch_size": args.batch_size,
            **settings.model_dump(include={"temperature", "max_new_tokens"}),
        }
        same_evaluation(out, identity)
        generator = load_generator(speaker, adapter=side_adapter.path if side_adapter else None)
        try:
            rows[side] = answer_all(
                RowFile(out / "rows.jsonl"),
                questions,
                generator,
                generator.reader,
                speaker=speaker,
                draw=settings,
                seed=args.seed,
                names={"model": model.ref, "adapter": side_adapter.ref if side_adapter else None},
                calibrator=find_calibrator(model.path, side_adapter.path if side_adapter else None),
                label=f"evaluate, {side}",
            )
        finally:
            generator.close()
    measured = {side: measure(rows[side], settings, args.seed) for side, _, _ in sides}
    for side, _, out in sides:
        write_json(out / "metrics.json", measured[side])
    _draw(rows, args.out / "reliability.png", settings)
    if args.json:
        print(json.dumps(measured[sides[0][0]] if len(sides) == 1 else measured, indent=2))
    else:
        for side, figures in measured.items():
            print(f"{side}: {one_line(figures)}")
        print(f"see {args.out}")
    return 0


def same_evaluation(out: Path, identity: dict[str, Any]) -> None:
    """Refuse to go on with rows that were made in another way."""
    path = out / "evaluation.json"
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key in identity if before.get(key) != identity[key]]
        if differing:
            raise TrainingError(
                f"{out} holds another evaluation (it differs in {', '.join(differing)}); give another --out folder"
            )
    write_json(path, identity)


def _draw(rows: dict[str, list[Row]], path: Path, settings: EvaluateSettings) -> None:
    from lacie_chat.statistics.plots import draw_reliability

    try:
        with writing(path):
            draw_reliability(rows, path, bins=settings.bins)
    except ImportError as error:
        raise TrainingError("drawing needs matplotlib; install the extra `train`") from error


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m training.evaluate --recipe R --run DIR`"""
    return stage_main("evaluate", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
