"""`lacie calibration show|plot|fit`: how often answers are right when they sound so, by the user's own marks.

`show` and `plot` draw the marks that were made in the chat; `fit` makes a calibrator of them alone, or of a questions
file, and keeps it where the chat finds it (`lacie calibrate` needs neither). A calibrator that came with a model is
never overwritten: the user's own goes before it, and `fit --remove` takes that back.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lacie_chat.commands.fit_report import picture, print_lines, report, write_picture
from lacie_chat.commands.fitted_on import (
    Answers,
    add_asking_arguments,
    add_fitting_arguments,
    ask,
    asking_of,
    fit_and_keep,
)
from lacie_chat.commands.marked import HOW_TO_MARK, MarkedSpeaker, marked_speakers, marks_to_fit, of_one
from lacie_chat.commands.settled import sampling_of, settings_of
from lacie_chat.commands.speaker import Pair, add_speaker_arguments, find_pair, listener_of
from lacie_chat.confidence import WayOfDrawing
from lacie_chat.console import make_console
from lacie_chat.conversations import Store
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.answering import matched
from lacie_chat.evaluation.own_questions import questions_from
from lacie_chat.loudness import note
from lacie_chat.models import ModelError, own_calibrator, shipped_calibrator, take_back_calibrator
from lacie_chat.paths import expanded
from lacie_chat.printable import exact_json
from lacie_chat.statistics.diagram import Line, names_of, percent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The three actions and their options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    show = actions.add_parser("show", help="draw your marks and what the calibrators say, here in the terminal")
    plot = actions.add_parser("plot", help="the same as a PNG (needs the extra 'plots')")
    fit = actions.add_parser("fit", help="fit a calibrator on your marks or a questions file alone; take one back")
    for action in (show, plot):
        add_speaker_arguments(action, machine=False)
    add_speaker_arguments(fit, context=False)
    for action in (show, plot):
        action.set_defaults(fills_from_file=False)  # no model named: all that are marked
    show.add_argument("--json", action="store_true", help="print a JSON list")
    plot.add_argument("--out", metavar="FILE", type=Path, default=Path("calibration.png"), help="the PNG to write")
    what = fit.add_mutually_exclusive_group(required=True)
    what.add_argument("--marks", action="store_true", help="on the answers that you marked in the chat")
    what.add_argument("--questions", metavar="FILE", type=Path, help="on answers to JSON lines: id, question, answers")
    what.add_argument("--remove", action="store_true", help="take the last calibrator of yours for this model back")
    fit.add_argument("--replace", action="store_true", help="let yours go before a calibrator that came with the model")
    add_fitting_arguments(fit)
    add_asking_arguments(fit.add_argument_group("with --questions"))


def run(args: argparse.Namespace) -> int:
    """Do the one action that `args.action` names."""
    if args.action == "fit":
        return _remove(args) if args.remove else _fit(args)
    speakers = _marked_speakers(args)
    if args.model or args.adapter or args.baseline:
        args.model = args.model or "embedded"
        speakers = of_one(speakers, args)
    speakers = [each for each in speakers if each.marks or each.others]
    return _plot(args, speakers) if args.action == "plot" else _show(args, speakers)


def _marked_speakers(args: argparse.Namespace) -> list[MarkedSpeaker]:
    version = listener_of(args).version if args.listener else None
    with Store.open() as store:
        return marked_speakers(store.marks(), version)


# -- show and plot ------------------------------------------------------------------------------------------------


def _show(args: argparse.Namespace, speakers: Sequence[MarkedSpeaker]) -> int:
    if args.json:
        print(exact_json([each.to_dict() for each in speakers], indent=2))
        return 0
    if not speakers:
        whose = f"no answer of {args.model} is marked" if args.model else "no answer is marked yet"
        note(f"{whose}: {HOW_TO_MARK}")
        return 0
    width = make_console().width
    for index, each in enumerate(speakers):
        if index:
            print()
        print_lines(_drawn(each, width))
    return 0


def _drawn(speaker: MarkedSpeaker, width: int) -> list[Line]:
    """One speaker's diagram with its figures."""
    lines: list[Line] = [[(speaker.name, "bold")]]
    if speaker.marks:
        figures = speaker.summary
        low, high = figures["interval"]
        share = f"{percent(figures['share'])} ({low * 100:.0f}-{percent(high)})"
        lines.append([(f"{figures['right']} of {figures['n']} marked answers are right: ", "text"), (share, "bold")])
        lines += [[], *picture(speaker.bins, names_of(speaker.calibrators), figures, width)]
    if speaker.others:
        line = f"{speaker.others} more marks are on answers that were drawn or heard otherwise; left out"
        lines.append([(line, "dim")])
    if speaker.seen_by_own:
        lines.append([("yours was fitted on marks, perhaps on these: it may look better here than it is", "dim")])
    if speaker.note:
        lines.append([(speaker.note, "dim")])
    return lines


def _plot(args: argparse.Namespace, speakers: Sequence[MarkedSpeaker]) -> int:
    shown = [each for each in speakers if each.marks]
    if not shown:
        whose = f"no answer of {args.model} is marked" if args.model else "no answer is marked"
        raise LacieError(f"{whose}, so there is nothing to draw: {HOW_TO_MARK}")
    panels = [(f"{each.name}, n = {len(each.marks)}", each.bins, names_of(each.calibrators)) for each in shown]
    write_picture(panels, args.out)
    return 0


# -- fit ----------------------------------------------------------------------------------------------------------


def _fit(args: argparse.Namespace) -> int:
    pair, answers = _marked_answers(args) if args.marks else _asked_answers(args)
    report(fit_and_keep(pair, answers, args.minimum), args)
    return 0


def _marked_answers(args: argparse.Namespace) -> tuple[Pair, Answers]:
    pair, speaker = marks_to_fit(_marked_speakers(args), args)
    _check_shipped(pair, args, speaker.version)
    usable = [mark for mark in speaker.marks if mark.signals]
    without = len(speaker.marks) - len(usable)
    left_out = [
        f"{speaker.others} more were drawn or heard otherwise" if speaker.others else "",
        f"{without} more have no single answer to be right or wrong" if without else "",
    ]
    settings = settings_of(args)  # as the chat draws
    return pair, Answers(
        signals=[mark.signals for mark in usable],
        correct=[mark.correct for mark in usable],
        source="own marks",
        sampling=WayOfDrawing.of(sampling_of(settings, pair.model.path), settings.system_prompt()),
        version=speaker.version,
        left_out="; ".join(filter(None, left_out)),
        marks=len(usable),
    )


def _asked_answers(args: argparse.Namespace) -> tuple[Pair, Answers]:
    questions = matched(questions_from([expanded(args.questions)]), args.matcher)
    pair = find_pair(args, download=True)
    asking = asking_of(args, pair)
    listener = listener_of(args, pair.model)
    _check_shipped(pair, args, listener.version)
    return pair, ask(pair, listener, questions, asking, f"own questions ({args.questions.name})")


def _check_shipped(pair: Pair, args: argparse.Namespace, version: str) -> None:
    """Refuse to go before a calibrator that came with the model without being told to; an own one is replaced."""
    try:
        own = own_calibrator(*pair.paths, version)
    except ModelError:
        return  # a damaged one of the user's own: a new fit is the way out
    shipped = shipped_calibrator(*pair.paths, version)
    if shipped is not None and own is None and not args.replace:
        raise LacieError(
            f"{pair.name} came with a calibrator (n = {shipped.n}); to let yours go before it add "
            "--replace (it stays in its file, and fit --remove brings it back)"
        )


def _remove(args: argparse.Namespace) -> int:
    pair = find_pair(args, download=False)
    earlier = take_back_calibrator(*pair.paths)
    shipped = shipped_calibrator(*pair.paths)
    if earlier is not None:
        now = f"your one before is in use again (n = {earlier.n}, {earlier.source})"
    elif shipped is not None:
        now = f"the one that came with it is in use again (n = {shipped.n})"
    else:
        now = "how likely its answers are right is not known again (lacie calibrate)"
    note(f"took your calibrator of {pair.name} back: {now}")
    return 0
