"""`lacie calibrate`: how often is this model right, and when?

One command for any model. It asks the questions that come with the package, whose right answers are known, adds the
answers that the user has marked in the chat, fits a calibrator and keeps it; from then on the chat says of every answer
how likely it is right. Answers are kept: a start that was interrupted goes on, and `--n 300` goes on from `--n 100`.
"""

import argparse
from pathlib import Path

from lacie_chat.commands.argument_types import at_least
from lacie_chat.commands.fit_report import NAMES, report, write_picture
from lacie_chat.commands.fitted_on import (
    add_asking_arguments,
    add_fitting_arguments,
    ask,
    asking_of,
    fit_and_keep,
    marks_beside,
)
from lacie_chat.commands.speaker import add_speaker_arguments, find_pair, listener_of
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.answering import matched
from lacie_chat.evaluation.own_questions import questions_from
from lacie_chat.loudness import note
from lacie_chat.paths import expanded
from lacie_chat.statistics.fitting import FittingError
from lacie_chat.statistics.reliability import all_bins


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie calibrate`."""
    add_speaker_arguments(parser, context=False)
    parser.add_argument(
        "--questions",
        metavar="FILE",
        type=Path,
        nargs="+",
        default=[],
        help="ask these instead of those that come with lacie; JSON lines: id, question, answers",
    )
    parser.add_argument("--n", metavar="N", type=at_least(1), help="ask so many, as hard as all of them (default: all)")
    parser.add_argument("--no-marks", action="store_true", help="leave out the answers that you marked in the chat")
    parser.add_argument("--picture", metavar="FILE", type=Path, help="draw a PNG too (needs the extra 'plots')")
    add_fitting_arguments(parser)
    add_asking_arguments(parser.add_argument_group("how it asks"))


def run(args: argparse.Namespace) -> int:
    """Ask, fit, keep, report. Raises LacieError, one line."""
    everything = questions_from([expanded(path) for path in args.questions])
    questions = matched(everything[: args.n], args.matcher)
    pair = find_pair(args, download=True)
    asking = asking_of(args, pair)
    listener = listener_of(args, pair.model)
    marks = [] if args.no_marks else marks_beside(pair, listener, questions, asking)
    if len(questions) + len(marks) < args.minimum:
        besides = f" and {len(marks)} marks" if marks else ""
        more = f"ask more: there are {len(everything)}" if len(everything) > len(questions) else "give more questions"
        few = f"{len(questions)} questions{besides} are too few"
        raise LacieError(f"{few}: a calibrator needs at least {args.minimum} answers; {more}")
    files = ", ".join(path.name for path in args.questions)
    source = f"own questions ({files})" if files else f"{len(questions)} of lacie's questions"
    answers = ask(pair, listener, questions, asking, source, marks)
    note("calibrate: looking for what tells right answers from wrong ones …")
    try:
        fitted = fit_and_keep(pair, answers, args.minimum)
    except FittingError as error:
        if len(questions) == len(everything):
            raise
        raise FittingError(f"{error}; --n took {len(questions)} questions of {len(everything)}") from None
    report(fitted, args)
    if args.picture:
        bins = all_bins(fitted.said, fitted.answers.correct)
        write_picture([(f"{pair.name}, n = {fitted.report.n}", bins, NAMES)], args.picture)
    return 0
