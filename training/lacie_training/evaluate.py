"""Stage `evaluate`, and `lacie evaluate`: how well acceptance tells right answers from wrong ones.

The stage measures the baseline and the adapter on every test set of the recipe, under the same conditions, into
`evaluation/SET/SIDE/`, and sums up in `metrics.json`, plots and `report.md`. `lacie evaluate` measures a GGUF on one
questions file, by the same functions, and never loads torch. Both go on where they stopped.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lacie_chat.commands.speaker import adapter_ref
from lacie_chat.confidence import MOST_SAMPLES, Calibrator
from lacie_chat.confidence.reader import Reader
from lacie_chat.evaluation.answering import answer_rows
from lacie_chat.models import find_calibrator, pair_fingerprint, resolve, resolve_adapter
from lacie_chat.progress import progress
from lacie_chat.rows import writing
from lacie_chat.statistics.metrics import listener_metrics
from lacie_chat.statistics.sampled_agreement import agreement_metrics
from lacie_training.agreement import add_agreement
from lacie_training.errors import TrainingError
from lacie_training.generators import Generator, load_generator, load_listener
from lacie_training.questions.splits import Question, load_questions, read_question_file
from lacie_training.recipes.errors import first_problem
from lacie_training.recipes.schema import Draw, EvaluateSettings, SpeakerSettings
from lacie_training.run_folder import Row, RowFile, RunFolder, locked, read_rows, to_do, write_json
from lacie_training.stage import stage_main

SIDES = ("baseline", "adapter")


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions that both sides answer, and where their rows are kept: `FOLDER/SIDE/rows.jsonl`."""

    name: str
    questions: list[Question]
    folder: Path

    def file(self, side: str) -> RowFile:
        return RowFile(self.folder / side / "rows.jsonl")


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
    samples: int = 0,
    label: str = "evaluate",
) -> list[Row]:
    """Answer the questions that `file` hasn't yet, in chunks of the speaker's batch size; returns their rows.

    With `samples`, so many more of each answer are drawn, and the rows have an `agreement`.
    """
    todo = [questions[chunk] for chunk in to_do(file, [each.id for each in questions], speaker.batch_size)]
    left = sum(len(chunk) for chunk in todo)
    with progress(label, len(questions), "questions", already=len(questions) - left) as advance:
        for chunk in todo:
            rows = answer_rows(generator, reader, chunk, speaker=speaker, draw=draw, seed=seed, calibrator=calibrator)
            if samples:
                rows = add_agreement(rows, generator, reader, speaker=speaker, k=samples, calibrator=calibrator)
            # answers of a batch are drawn together: none has timings of its own
            file.append([{**row, **names, "timings": {}} for row in rows])
            advance(len(chunk))
    return rows_of(file, questions)


def rows_of(file: RowFile, questions: Sequence[Question]) -> list[Row]:
    """The rows of these questions, in their order, out of a file that has them all."""
    rows = {row["id"]: row for row in read_rows(file.path)}
    return [rows[question.id] for question in questions]


def run(folder: RunFolder) -> None:
    """The stage: both sides on every test set, TruthfulQA where the recipe asks for it, calibrator, report and plots.

    Models are loaded only where something is still to be answered, so that a finished run can be looked at anew
    (another listener, another calibration set) at the cost of that alone.
    """
    from lacie_training.evaluation import truthfulqa  # here, so that `lacie evaluate` doesn't load them
    from lacie_training.evaluation.calibrator import calibration_questions, fit, keep
    from lacie_training.evaluation.other_listeners import other_listeners
    from lacie_training.evaluation.summary import summarise

    recipe = folder.recipe
    adapter = folder.path / "adapter"
    if not (adapter / "adapter_config.json").is_file():
        raise TrainingError(f"{adapter} is not there yet; run the stage 'dpo' first")
    listeners = other_listeners(recipe)
    tests = load_questions(folder.path, recipe).test
    asked = [Asked(name, questions, folder.path / "evaluation" / name) for name, questions in tests.items()]
    name, questions = calibration_questions(folder)
    calibration = Asked("calibration", questions, folder.path / "calibration" / name)
    truthful: Asked | None = None
    if recipe.evaluate.truthfulqa.judges != "none":
        truthful = Asked("truthfulqa", truthfulqa.questions(recipe), folder.path / "evaluation" / "truthfulqa")
    everything = [*asked, calibration, *([truthful] if truthful else [])]
    _answer_sides(folder, everything, adapter)
    rows = {each.name: {side: rows_of(each.file(side), each.questions) for side in SIDES} for each in everything}
    fitted = {side: fit(folder, side, rows["calibration"][side]) for side in SIDES}
    print(f"evaluate: {keep(folder, fitted['adapter'])}")
    judged = truthfulqa.judge(folder, rows["truthfulqa"]) if truthful else {}
    summarise(folder, {each.name: rows[each.name] for each in asked}, judged, fitted, listeners)


def _answer_sides(folder: RunFolder, asked: Sequence[Asked], adapter: Path) -> None:
    """Baseline and adapter, each loaded once, under the same conditions; the listener is loaded for both."""
    recipe = folder.recipe.measured()
    speaker = recipe.speaker.with_adapter()
    with ExitStack() as stack:

        @cache
        def reader() -> Reader:
            found, listener = load_listener(recipe)
            stack.callback(listener.close)
            return found

        for side in SIDES:
            todo = [each for each in asked if each.file(side).missing(question.id for question in each.questions)]
            if not todo:
                continue
            reader()
            generator = load_generator(speaker, adapter=adapter if side == "adapter" else None)
            try:
                for each in todo:
                    answer_all(
                        each.file(side),
                        each.questions,
                        generator,
                        reader(),
                        speaker=speaker,
                        draw=recipe.evaluate,
                        seed=recipe.seed,
                        names={"model": speaker.model, "adapter": "adapter" if side == "adapter" else None},
                        label=f"evaluate {each.name}, {side}",
                    )
            finally:
                generator.close()


def measure(
    rows: Sequence[Row],
    settings: EvaluateSettings,
    seed: int,
    *,
    threshold: float,
    calibrator: Calibrator | None = None,
) -> dict[str, Any]:
    """All figures of some rows; with a calibrator also what it makes of ECE and Brier score, under `calibrated`."""
    figures = _figures(rows, settings, seed, threshold)
    if calibrator is not None:
        mapped = [
            {**row, "acceptance": None if row["acceptance"] is None else calibrator(row["acceptance"])} for row in rows
        ]
        after = _figures(mapped, settings, seed, threshold)
        figures["calibrated"] = _calibration_of(after)
        figures["without_abstentions"]["calibrated"] = _calibration_of(after["without_abstentions"])
    return figures


def _figures(rows: Sequence[Row], settings: EvaluateSettings, seed: int, threshold: float) -> dict[str, Any]:
    return listener_metrics(rows, threshold=threshold, bins=settings.bins, bootstrap=settings.bootstrap, seed=seed)


def _calibration_of(figures: dict[str, Any]) -> dict[str, Any]:
    keys = ("ece", "brier")
    return {
        **{key: figures[key] for key in keys},
        "intervals": {key: figures["intervals"].get(key) for key in keys},
    }


def one_line(figures: dict[str, Any]) -> str:
    """The main figures, to read."""
    keys = ("accuracy", "auroc", "ece", "f1", "abstention_rate")
    shown = ", ".join(f"{key} {'n/a' if figures[key] is None else format(figures[key], '.3f')}" for key in keys)
    after = f", ece calibrated {figures['calibrated']['ece']:.3f}" if "calibrated" in figures else ""
    agreement = figures.get("agreement", {}).get("auroc")
    after += f", auroc of agreement {agreement:.3f}" if agreement is not None else ""
    return f"n {figures['n']}, {shown}{after}"


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
    parser.add_argument(
        "--agreement", metavar="K", type=int, default=0, help="draw K samples of each answer: how many agree with it?"
    )
    parser.add_argument("--json", action="store_true", help="print metrics.json")


def evaluate_command(args: argparse.Namespace) -> int:
    """`lacie evaluate`: `args` also has `model`, `adapter`, `baseline`. Raises LacieError."""
    questions = [
        Question(each.id, each.question, each.answers, args.matcher) for each in read_question_file(args.questions)
    ]
    model = resolve(args.model)
    wanted = adapter_ref(args)
    adapter = resolve_adapter(wanted) if wanted else None
    if args.with_baseline and adapter is None:
        raise TrainingError("--with-baseline goes with an adapter: without one, the model is the baseline")
    if not 0 <= args.agreement <= min(MOST_SAMPLES, args.batch_size):
        raise TrainingError(
            f"--agreement takes 0 to {MOST_SAMPLES} samples, and at most --batch-size ({args.batch_size}), "
            f"not {args.agreement}"
        )
    try:
        speaker = SpeakerSettings(
            model=str(model.path), generator="llama_cpp", format="chat", batch_size=args.batch_size, context=2048
        )
        settings = EvaluateSettings(
            temperature=args.temperature, top_p=0.95, top_k=40, max_new_tokens=args.max_tokens, threshold=args.threshold
        )
    except ValidationError as error:
        raise TrainingError(first_problem(error, EvaluateSettings)) from error
    sides = [("adapter" if adapter else "baseline", adapter, args.out)]
    if args.with_baseline:
        sides.append(("baseline", None, args.out / "baseline"))
    measured: dict[str, dict[str, Any]] = {}
    rows: dict[str, list[Row]] = {}
    with locked(args.out, "evaluate"):
        for side, side_adapter, out in sides:
            adapter_path = side_adapter.path if side_adapter else None
            names = {"model": model.ref, "adapter": side_adapter.ref if side_adapter else None}
            identity = {
                **names,
                "fingerprint": pair_fingerprint(model.path, adapter_path),
                "questions": questions_digest(questions),
                "matcher": args.matcher,
                "seed": args.seed,
                "batch_size": args.batch_size,
                "agreement": args.agreement or None,
                **settings.model_dump(include={"temperature", "max_new_tokens"}),
            }
            same_evaluation(out, identity)
            file, calibrator = RowFile(out / "rows.jsonl"), find_calibrator(model.path, adapter_path)
            if file.missing(question.id for question in questions):
                generator = load_generator(speaker, adapter=adapter_path)
                try:
                    answer_all(
                        file,
                        questions,
                        generator,
                        generator.reader,
                        speaker=speaker,
                        draw=settings,
                        seed=args.seed,
                        names=names,
                        calibrator=calibrator,
                        samples=args.agreement,
                        label=f"evaluate, {side}",
                    )
                finally:
                    generator.close()
            rows[side] = rows_of(file, questions)
            measured[side] = measure(rows[side], settings, args.seed, threshold=args.threshold, calibrator=calibrator)
            if args.agreement:
                agreed = agreement_metrics(rows[side], bootstrap=settings.bootstrap, seed=args.seed)
                measured[side]["agreement"] = agreed
            write_json(out / "metrics.json", measured[side])
        _draw(rows, args.out / "reliability.png", settings)
    if args.json:
        print(json.dumps(measured[sides[0][0]] if len(sides) == 1 else measured, indent=2))
    else:
        for side, figures in measured.items():
            print(f"{side}: {one_line(figures)}")
        print(f"see {args.out}")
    return 0


def questions_digest(questions: Sequence[Question]) -> str:
    """A short identity of questions and accepted answers."""
    asked = [(question.id, question.question, question.answers) for question in questions]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


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
    """`python -m lacie_training.evaluate --recipe R --run DIR`"""
    return stage_main("evaluate", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
