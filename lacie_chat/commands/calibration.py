"""`lacie calibration show|plot|fit`: how often answers are right when they sound so, by the user's own questions.

`show` and `plot` draw the marks that were made in the chat; `fit` makes a calibrator of them, or of a questions file,
and keeps it where the chat finds it. A calibrator that came with a model is never overwritten: the user's own goes
before it, and `fit --remove` takes that back.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lacie_chat.commands.argument_types import at_least, whole_number
from lacie_chat.commands.marked import (
    HOW_TO_MARK,
    MarkedSpeaker,
    marked_speakers,
    marks_to_fit,
    of_one,
)
from lacie_chat.commands.speaker import Pair, add_speaker_arguments, find_pair, listener_of
from lacie_chat.confidence import MOST_SAMPLES, Calibrator, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.stored import Asking, answers_to
from lacie_chat.models import (
    ModelError,
    keep_calibrator,
    own_calibrator,
    shipped_calibrator,
    take_back_calibrator,
)
from lacie_chat.rows import writing
from lacie_chat.statistics.diagram import Line, Role, beside, diagram, legend, percent, table, width_of
from lacie_chat.statistics.fitting import MINIMUM, FitReport, FittingError, examples, fit_calibrator
from lacie_chat.statistics.reliability import summary

LEAST = 10
"""The lowest `--minimum`: on fewer answers any figure is chance."""
DIAGRAM_HEIGHT, NARROWEST, WIDEST = 18, 30, 60
STYLES: dict[Role, str] = {
    "text": "",
    "dim": "dim",
    "bold": "bold",
    "axis": "dim",
    "diagonal": "dim",
    "shipped": "blue",
    "own": "yellow",
    "interval": "green",
    "point": "bold green",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What is fitted on: answers that can be right or wrong, by their signals. `left_out` says which others can't;
    `version` is that of the assessment that heard them."""

    signals: list[dict[str, float]]
    correct: list[bool]
    source: str
    left_out: str
    sampling: WayOfDrawing
    version: str

    def fit(self, pair: Pair, minimum: int) -> FitReport:
        """Raises FittingError, one line."""
        if not self.signals:
            raise FittingError(f"no answer is left to fit a calibrator on: at least {minimum} are needed")
        return fit_calibrator(
            self.signals,
            self.correct,
            model_fingerprint=pair.fingerprint,
            source=self.source,
            sampling=self.sampling,
            version=self.version,
            minimum=minimum,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The three actions and their options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    show = actions.add_parser("show", help="draw your marks and what the calibrators say, here in the terminal")
    plot = actions.add_parser("plot", help="the same as a PNG (needs the extra 'plots')")
    fit = actions.add_parser("fit", help="fit a calibrator on your marks or on a questions file")
    for action in (show, plot, fit):
        add_speaker_arguments(action, context=False)
    for action in (show, plot):
        action.set_defaults(model=None)  # none named: all that are marked
    show.add_argument("--json", action="store_true", help="print a JSON list")
    plot.add_argument("--out", metavar="FILE", type=Path, default=Path("calibration.png"), help="the PNG to write")
    what = fit.add_mutually_exclusive_group(required=True)
    what.add_argument("--marks", action="store_true", help="on the answers that you marked in the chat")
    what.add_argument("--questions", metavar="FILE", type=Path, help="on answers to JSON lines: id, question, answers")
    what.add_argument("--remove", action="store_true", help="take your last fit for this model back")
    fit.add_argument("--replace", action="store_true", help="let yours go before a calibrator that came with the model")
    fit.add_argument(
        "--minimum",
        metavar="N",
        type=at_least(LEAST),
        default=MINIMUM,
        help=f"refuse to fit on fewer answers (default {MINIMUM})",
    )
    fit.add_argument("--json", action="store_true", help="print the figures and the calibrator as one JSON object")
    asking = fit.add_argument_group("with --questions")
    asking.add_argument("--matcher", choices=("exact", "lenient"), help="default: as each question says")
    asking.add_argument("--temperature", type=float, default=Sampling().temperature, help="default: the chat's, 0.2")
    asking.add_argument("--max-tokens", type=int, default=128, help="length of an answer at most (default 128)")
    asking.add_argument("--batch-size", type=int, default=8, help="questions answered at once (default 8)")
    asking.add_argument("--seed", type=int, default=0)
    asking.add_argument(
        "--agreement",
        metavar="K",
        type=whole_number(0, MOST_SAMPLES),
        default=0,
        help="draw K samples of each answer, and fit on them too",
    )


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
        print(json.dumps([each.to_dict() for each in speakers], ensure_ascii=False, indent=2))
        return 0
    if not speakers:
        whose = f"no answer of {args.model} is marked" if args.model else "no answer is marked yet"
        print(f"{whose}: {HOW_TO_MARK}", file=sys.stderr)
        return 0
    console = Console(highlight=False)
    for index, each in enumerate(speakers):
        if index:
            console.print()
        for line in _drawn(each, console.width):
            console.print(Text.assemble(*((text, STYLES[role]) for text, role in line)), soft_wrap=True)
    return 0


def _drawn(speaker: MarkedSpeaker, width: int) -> list[Line]:
    """One speaker's diagram with its figures."""
    lines: list[Line] = [[(speaker.name, "bold")]]
    if speaker.marks:
        figures = summary(speaker.acceptances, speaker.correct, speaker.calibrators)
        low, high = figures["interval"]
        lines.append(
            [
                (f"{figures['right']} of {figures['n']} marked answers are right: ", "text"),
                (percent(figures["share"]), "point"),
                (f" ({low * 100:.0f}-{percent(high)})", "interval"),
            ]
        )
        right = [*table(speaker.bins, speaker.calibrators), [], *legend(speaker.calibrators), []]
        names = {"acceptance": "the acceptance", "shipped": "the shipped calibrator", "own": "your own calibrator"}
        right += [[("Off by, on average (ECE)", "bold")]]
        right += [[(f"{names[name]:<24}{value:.2f}", "text")] for name, value in figures["ece"].items()]
        if figures["auroc"] is not None:
            right.append([(f"{'told apart (AUROC)':<24}{figures['auroc']:.2f}", "text")])
        room = min(width - width_of(right) - 3, WIDEST)
        side_by_side = room >= NARROWEST
        drawn = diagram(speaker.bins, speaker.calibrators, room if side_by_side else min(width, WIDEST), DIAGRAM_HEIGHT)
        lines += [[], *(beside(drawn, right) if side_by_side else [*drawn, [], *right])]
    if speaker.others:
        line = f"{speaker.others} more marks are on answers that were drawn or heard otherwise; left out"
        lines.append([(line, "dim")])
    if speaker.note:
        lines.append([(speaker.note, "dim")])
    return lines


def _plot(args: argparse.Namespace, speakers: Sequence[MarkedSpeaker]) -> int:
    from lacie_chat.statistics.pictures import Panel, draw_marks

    shown = [each for each in speakers if each.marks]
    if not shown:
        whose = f"no answer of {args.model} is marked" if args.model else "no answer is marked"
        raise LacieError(f"{whose}, so there is nothing to draw: {HOW_TO_MARK}")
    try:
        picture = draw_marks([Panel(each.name, each.bins, each.calibrators) for each in shown])
    except ImportError as error:
        raise LacieError("drawing needs matplotlib: pip install 'lacie-chat[plots]'") from error
    path: Path = args.out.expanduser()
    with writing(path):
        path.write_bytes(picture)
    print(f"drew {', '.join(each.name for each in shown)} into {path}", file=sys.stderr)
    return 0


# -- fit ----------------------------------------------------------------------------------------------------------


def _fit(args: argparse.Namespace) -> int:
    pair, answers = _marked_answers(args) if args.marks else _asked_answers(args)
    try:
        report = answers.fit(pair, args.minimum)
        agreed = answers.fit_agreement(report.calibrator, args.minimum)
    except FittingError as error:
        raise LacieError(f"{error} ({answers.left_out})" if answers.left_out else str(error)) from None
    before = _in_use(pair, answers.version)
    calibrator = agreed.calibrator if agreed else report.calibrator
    path = keep_calibrator(calibrator, *pair.paths)
    if args.json:
        figures = {
            **report.to_dict(),
            "tells_apart": report.tells_apart,
            "agreement": agreed.to_dict() if agreed else None,
            "calibrator": calibrator.to_dict(),
            "until_now": before.to_dict() if before else None,
            "path": str(path),
        }
        print(json.dumps(figures, indent=2))
        return 0
    _report(pair, report, before, answers.left_out)
    if agreed:
        with_it, without = agreed.log_loss["two_inputs"], agreed.log_loss["one_input"]
        what = "used where samples are drawn" if agreed.helps else "not used"
        print(
            f"agreement of samples, {agreed.n} answers: log loss {with_it:.3f} with it, {without:.3f} without; {what}"
        )
    print(f"kept in {path}; a chat that is open takes it up when it is started again", file=sys.stderr)
    print(f"take it back: lacie calibration fit --remove{_options(args)}", file=sys.stderr)
    return 0


def _marked_answers(args: argparse.Namespace) -> tuple[Pair, Answers]:
    pair, speaker = marks_to_fit(_marked_speakers(args), args)
    _check_shipped(pair, args, speaker.version)
    left_out = f"{speaker.others} more were drawn or heard otherwise" if speaker.others else ""
    agreements = [mark.agreement for mark in speaker.marks]
    way = WayOfDrawing.of(Sampling())  # the chat draws in no other
    return pair, Answers(speaker.acceptances, speaker.correct, agreements, "own marks", left_out, way, speaker.version)


def _asked_answers(args: argparse.Namespace) -> tuple[Pair, Answers]:
    sampling = Sampling(temperature=args.temperature, max_tokens=args.max_tokens)
    asking = Asking(sampling, args.seed, args.batch_size, args.agreement)
    pair = find_pair(args, download=True)
    listener = listener_of(args, pair.model)
    _check_shipped(pair, args, listener.version)
    rows = answers_to(args.questions.expanduser(), pair.model, pair.adapter, listener, asking, matcher=args.matcher)
    claims = [row for row in rows if row["state"] == "answered" and row["acceptance"] is not None]
    answers = Answers(
        acceptances=[row["acceptance"] for row in claims],
        correct=[bool(row["correct"]) for row in claims],
        agreements=[(row.get("agreement") or {}).get("value") for row in claims],
        source=f"own questions ({args.questions.name})",
        left_out=f"{len(rows) - len(claims)} of {len(rows)} claimed nothing" if len(claims) < len(rows) else "",
        sampling=WayOfDrawing.of(sampling),
        version=listener.version,
    )
    return pair, answers


def _check_shipped(pair: Pair, args: argparse.Namespace, version: str) -> None:
    """Refuse to go before a calibrator that came with the model without being told to; an own one is replaced."""
    try:
        own = own_calibrator(*pair.paths, version)
    except ModelError:
        return  # a damaged one of the user's own: a new fit is the way out
    shipped = shipped_calibrator(*pair.paths, version)
    if shipped is not None and own is None and not args.replace:
        raise LacieError(
            f"{pair.name} came with a calibrator ({shipped.kind}, n = {shipped.n}); to let yours go before it add "
            "--replace (it stays in its file, and fit --remove brings it back)"
        )


def _in_use(pair: Pair, version: str) -> Calibrator | None:
    try:
        return own_calibrator(*pair.paths, version) or shipped_calibrator(*pair.paths, version)
    except ModelError:
        return None


def _report(pair: Pair, report: FitReport, before: Calibrator | None, left_out: str) -> None:
    """What the fit found, and what it changes. A calibrator until now gets no ECE: it may have seen these answers."""
    console = Console(highlight=False)
    head = f"{pair.name}: {report.method}, fitted on {report.n} answers, {report.right} of them right"
    console.print(Text(f"{head}; {left_out}" if left_out else head, style="bold"))
    loss = report.log_loss
    figures = Table.grid(padding=(0, 3))
    figures.add_row("", "acceptance", "calibrated", style="dim")
    figures.add_row("ECE", f"{report.ece['before']:.3f}", f"{report.ece['after']:.3f}")
    figures.add_row("log loss", f"{loss['before']:.3f}", f"{report.log_loss_after:.3f}")
    console.print(figures)
    console.print(
        f"calibrated: held out, {report.folds} folds. Log loss of Platt {loss['platt']:.3f}, "
        f"isotonic {loss['isotonic']:.3f}, the share of right answers alone {loss['share']:.3f}",
        style="dim",
    )
    shown = Table.grid(padding=(0, 3))
    shown.add_row("acceptance", *(percent(x) for x, _ in examples(report.calibrator)), style="dim")
    if before is not None:
        shown.add_row("until now", *(percent(y) for _, y in examples(before)))
    shown.add_row("from now on", *(percent(y) for _, y in examples(report.calibrator)), style="bold")
    console.print(shown)
    if report.log_loss_after >= loss["before"]:
        console.print(
            "On answers that it hasn't seen it does no better than the bare acceptance: fit it on more answers.",
            style="yellow",
        )
    elif not report.tells_apart:
        console.print(
            "It says no more than the share of right answers does: how sure this model sounds tells little.",
            style="yellow",
        )


def _remove(args: argparse.Namespace) -> int:
    pair = find_pair(args, download=False)
    earlier = take_back_calibrator(*pair.paths)
    shipped = shipped_calibrator(*pair.paths)
    if earlier is not None:
        now = f"your one before is in use again ({earlier.kind}, n = {earlier.n})"
    elif shipped is not None:
        now = f"the one that came with it is in use again ({shipped.kind}, n = {shipped.n})"
    else:
        now = "the acceptance is shown again"
    print(f"took your calibrator of {pair.name} back: {now}", file=sys.stderr)
    return 0


def _options(args: argparse.Namespace) -> str:
    model = "" if args.model == "embedded" else f" --model {args.model}"
    return model + (" --baseline" if args.baseline else f" --adapter {args.adapter}" if args.adapter else "")
