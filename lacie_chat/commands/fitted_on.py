"""What a calibrator is fitted on, and the one way to fit and keep it: for `lacie calibrate` and `calibration fit`.

Answers come from questions that a model is asked (whose right answers are known), from the user's marks on answers of
the chat, or from both. Only an answer that can be right or wrong counts; what became of the others is counted.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lacie_chat.commands.argument_types import at_least, whole_number
from lacie_chat.commands.machine import machine_of
from lacie_chat.commands.settled import sampling_of, settings_of
from lacie_chat.commands.speaker import TEMPERATURE_HELP, Pair, add_reasoning_argument, reasoning_of
from lacie_chat.confidence import MOST_SAMPLES, Calibrator, WayOfDrawing, signal_values
from lacie_chat.conversations import MarkedAnswer, Store, marks_of
from lacie_chat.engine.settings import Sampling
from lacie_chat.evaluation.questions import Question
from lacie_chat.evaluation.stored import Asking, answers_to
from lacie_chat.listener_files import ListenerFiles
from lacie_chat.loudness import note
from lacie_chat.models import ModelError, keep_calibrator, own_calibrator, shipped_calibrator
from lacie_chat.rows import Row
from lacie_chat.statistics.fitting import MINIMUM, FitReport, FittingError, fit_calibrator
from lacie_chat.statistics.reliability import Figure, Telling, all_bins, tellings

LEAST = 10
"""The lowest `--minimum`: on fewer answers any figure is chance."""
UNANSWERABLE = "unanswerable"
GRADES = ("easy", "medium", "hard", UNANSWERABLE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of the questions that were asked; each row beside its question."""

    questions: Sequence[Question]
    rows: Sequence[Row]

    @property
    def declined(self) -> int:
        return sum(row["state"] == "abstained" for row in self.rows)

    @property
    def answered(self) -> int:
        return sum(bool(signal_values(row)) for row in self.rows)

    @property
    def no_answer(self) -> int:
        """How many claim nothing, or give no single answer that could be right."""
        return len(self.rows) - self.declined - self.answered

    @property
    def tokens_known(self) -> bool:
        """Whether the speaker's own probabilities are known of any response."""
        return any(row.get("signals") for row in self.rows)

    def grades(self) -> dict[str, dict[str, int]]:
        """By grade, those of the package first: `n` questions, how many were answered `right`, how many `declined`."""
        found: dict[str, dict[str, int]] = {}
        for question, row in zip(self.questions, self.rows, strict=True):
            if question.grade is not None:
                counts = found.setdefault(question.grade, {"n": 0, "right": 0, "declined": 0})
                counts["n"] += 1
                counts["right"] += bool(row["correct"]) and bool(signal_values(row))
                counts["declined"] += row["state"] == "abstained"
        known = [grade for grade in GRADES if grade in found]
        return {grade: found[grade] for grade in [*known, *sorted(set(found) - set(known))]}

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "asked": len(self.rows),
            "answered": self.answered,
            "declined": self.declined,
            "no_answer": self.no_answer,
            "tokens_known": self.tokens_known,
            "grades": self.grades(),
        }


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers that can be right or wrong, by their signals. `marks` of them are the user's; `left_out` says which
    others don't count; `version` is that of the assessment that heard them."""

    signals: list[dict[str, float]]
    correct: list[bool]
    source: str
    sampling: WayOfDrawing
    version: str
    left_out: str = ""
    marks: int = 0
    asked: Asked = field(default_factory=lambda: Asked([], []))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrator that was fitted and kept at `path`; `before` was in use until now, `shipped` came with the model."""

    pair: Pair
    answers: Answers
    report: FitReport
    before: Calibrator | None
    shipped: Calibrator | None
    path: Path

    @property
    def said(self) -> dict[Figure, Sequence[float | None]]:
        """How sure each answer sounds, and its P(right) by a fit that didn't see it."""
        return {"acceptance": [each["acceptance"] for each in self.answers.signals], "own": self.report.held_out}

    @property
    def tellings(self) -> list[Telling]:
        """How often it was right when it said much, and when it said little; held out."""
        return tellings(self.report.held_out, self.answers.correct) if self.report.tells_apart else []

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        bins = all_bins(self.said, self.answers.correct)
        return {
            "model": self.pair.model.ref,
            "adapter": self.pair.adapter.ref if self.pair.adapter else None,
            "source": self.answers.source,
            **self.answers.asked.to_dict(),
            "marks": self.answers.marks,
            "left_out": self.answers.left_out or None,
            **self.report.to_dict(),
            "tellings": [each.to_dict() for each in self.tellings],
            "bins": {"p_right" if name == "own" else name: [each.to_dict() for each in bins[name]] for name in bins},
            "until_now": self.before.to_dict() if self.before else None,
            "path": str(self.path),
        }


def add_asking_arguments(parser: argparse._ActionsContainer) -> None:
    """How questions are asked and answers compared."""
    parser.add_argument("--matcher", choices=("exact", "lenient"), help="default: as each question says")
    parser.add_argument("--temperature", type=float, help=TEMPERATURE_HELP)
    parser.add_argument("--max-tokens", type=int, default=128, help="length of an answer at most (default 128)")
    parser.add_argument("--batch-size", type=int, default=8, help="questions answered at once (default 8)")
    parser.add_argument("--seed", type=int, default=0)
    add_reasoning_argument(parser)
    parser.add_argument(
        "--agreement",
        metavar="K",
        type=whole_number(0, MOST_SAMPLES),
        default=0,
        help="draw K samples of each answer too, and see if their agreement helps (K more answers for each question)",
    )


def add_fitting_arguments(parser: argparse.ArgumentParser) -> None:
    """How many answers are needed, and how the report is printed."""
    parser.add_argument(
        "--minimum",
        metavar="N",
        type=at_least(LEAST),
        default=MINIMUM,
        help=f"refuse to fit on fewer answers (default {MINIMUM})",
    )
    parser.add_argument("--json", action="store_true", help="print the figures and the calibrator as one JSON object")


def asking_of(args: argparse.Namespace, pair: Pair) -> Asking:
    """How the pair is asked, by the options of `add_asking_arguments`. Raises LacieError, one line."""
    sampling = replace(sampling_of(settings_of(args), pair.model.path), reasoning=reasoning_of(args, pair.model))
    return Asking(sampling, args.seed, args.batch_size, args.agreement, machine_of(args))


def ask(
    pair: Pair,
    listener: ListenerFiles,
    questions: Sequence[Question],
    asking: Asking,
    source: str,
    marks: Sequence[MarkedAnswer] = (),
) -> Answers:
    """The answers to these questions, those that were stored before among them, and these `marks` of the user's."""
    try:
        rows = answers_to(questions, pair.model, pair.adapter, listener, asking)
    except KeyboardInterrupt:
        note("")  # behind the ^C that the terminal has echoed
        note("lacie: stopped; what is answered is kept, and the same command goes on from there")
        raise
    asked = Asked(questions, rows)
    found = [(signals, bool(row["correct"])) for row in rows if (signals := signal_values(row))]
    found += [(mark.signals, mark.correct) for mark in marks]
    left = len(rows) - asked.answered
    return Answers(
        signals=[signals for signals, _ in found],
        correct=[correct for _, correct in found],
        source=f"{source} and own marks" if marks else source,
        sampling=WayOfDrawing.of(asking.sampling),
        version=listener.version,
        left_out=f"{left} of {len(rows)} gave no answer to be right or wrong" if left else "",
        marks=len(marks),
        asked=asked,
    )


def marks_beside(
    pair: Pair, listener: ListenerFiles, questions: Sequence[Question], asking: Asking
) -> list[MarkedAnswer]:
    """The user's marks that count beside answers to these questions: on answers of this very pair, heard and drawn in
    the same way, that can be right or wrong, and to none of these questions (which counts once)."""
    with Store.open() as store:
        marks = store.marks()
    adapter = pair.adapter.name if pair.adapter else None
    way = WayOfDrawing.of(asking.sampling)
    own, _ = marks_of(marks, pair.fingerprint, pair.model.name, adapter, listener.version, way.to_dict())
    if way != WayOfDrawing.of(Sampling()):
        own = [mark for mark in own if mark.sampling]  # one that doesn't say was drawn as the chat draws
    asked = {_as_asked(question.question) for question in questions}
    return [mark for mark in own if mark.signals and _as_asked(mark.question) not in asked]


def fit_and_keep(pair: Pair, answers: Answers, minimum: int) -> Fitted:
    """Fit a calibrator and make it the user's own of this pair. Raises FittingError, one line."""
    try:
        if not answers.signals:
            raise FittingError(f"no answer is left to fit a calibrator on: at least {minimum} are needed")
        report = fit_calibrator(
            answers.signals,
            answers.correct,
            model_fingerprint=pair.fingerprint,
            source=answers.source,
            sampling=answers.sampling,
            version=answers.version,
            minimum=minimum,
        )
    except FittingError as error:
        raise FittingError(f"{error} ({answers.left_out})" if answers.left_out else str(error)) from None
    own, shipped = (_readable(find, pair, answers.version) for find in (own_calibrator, shipped_calibrator))
    return Fitted(pair, answers, report, own or shipped, shipped, keep_calibrator(report.calibrator, *pair.paths))


def _readable(find: Callable[..., Calibrator | None], pair: Pair, version: str) -> Calibrator | None:
    try:
        return find(*pair.paths, version)
    except ModelError:
        return None  # damaged: nothing that was in use


def _as_asked(question: str) -> str:
    return " ".join(question.casefold().split())
