"""What a calibration found, for people: what was asked, what is kept, how good it is, what it goes by.

All figures but those of the bare acceptance are held out: said of each answer by a fit that didn't see it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lacie_chat.commands.fitted_on import UNANSWERABLE, Fitted
from lacie_chat.commands.speaker import speaker_options
from lacie_chat.confidence import MEANINGS
from lacie_chat.console import make_console, show
from lacie_chat.cut_off import count_cut_off
from lacie_chat.errors import LacieError
from lacie_chat.installed import install_extra
from lacie_chat.loudness import note
from lacie_chat.paths import expanded
from lacie_chat.printable import exact_json
from lacie_chat.rows import writing
from lacie_chat.statistics.diagram import Line, Role, beside, diagram, figures_table, legend, percent, table, width_of
from lacie_chat.statistics.metrics import FIGURES
from lacie_chat.statistics.reliability import Bins, Figure, Telling, all_bins, summary

DIAGRAM_HEIGHT, NARROWEST, WIDEST = 18, 30, 60
STYLES: dict[Role, str] = {
    "text": "",
    "dim": "dim",
    "bold": "bold",
    "axis": "dim",
    "diagonal": "dim",
    "acceptance": "green",
    "shipped": "blue",
    "own": "yellow",
}
NAMES: dict[Figure, str] = {"acceptance": "how sure it sounds", "own": "P(right), held out"}
ROWS = {
    "p_right": "P(right)",
    "wording": "wording alone",
    "acceptance": "bare acceptance",
    "share": "share of right",
}
NOT_MEASURED: tuple[Line, ...] = (
    [("Measured on short questions and answers alone. Of other topics, other languages and long answers it", "dim")],
    [("says nothing: there it may be right more often, or less.", "dim")],
)


def report(fitted: Fitted, args: argparse.Namespace) -> None:
    """Print what a fit found, as `--json` asks; what is kept where, and how to take it back, on standard error."""
    if args.json:
        print(exact_json(fitted.to_dict(), indent=2))
        return
    console = make_console()
    _print(console, [*_asked(fitted), _kept(fitted), []])
    show(_figures(fitted.report.figures))
    _print(console, [[("held out, but for the bare acceptance; 95 % intervals", "dim")], []])
    _print(console, [*_goes_by(fitted), *map(_sentence, fitted.tellings), []])
    said, correct = fitted.said, fitted.answers.correct
    _print(console, picture(all_bins(said, correct), NAMES, summary(said, correct), console.width))
    _print(console, [[], *NOT_MEASURED])
    note(f"kept in {fitted.path}; a chat that is open takes it up when it is started again")
    if fitted.shipped is not None:
        note("it goes before the one that came with the model, which stays in its file")
    note(f"take it back: lacie calibration fit --remove {speaker_options(args)}".rstrip())


def picture(bins: Bins, names: dict[Figure, str], figures: dict[str, Any], width: int) -> list[Line]:
    """The diagram with its table and legend, beside it where there is room."""
    right = [*table(bins), *figures_table(figures["auroc"], figures["ece"]), [], *legend(bins, names)]
    room = min(width - width_of(right) - 3, WIDEST)
    if room >= NARROWEST:
        return beside(diagram(bins, room, DIAGRAM_HEIGHT), right)
    return [*diagram(bins, min(width, WIDEST), DIAGRAM_HEIGHT), [], *right]


def print_lines(lines: Sequence[Line]) -> None:
    """Lines of a diagram on standard output, styled."""
    _print(make_console(), lines)


def write_picture(panels: Sequence[tuple[str, Bins, dict[Figure, str]]], path: Path) -> None:
    """Write the same pictures, by title, as one PNG. Raises LacieError, one line, where that can't be."""
    from lacie_chat.statistics.pictures import Panel, draw_calibration

    try:
        drawn = draw_calibration([Panel(*panel) for panel in panels])
    except ImportError as error:
        raise LacieError(f"drawing needs matplotlib: {install_extra('plots')}") from error
    path = expanded(path)
    with writing(path):
        path.write_bytes(drawn)
    note(f"drew {', '.join(title for title, *_ in panels)} into {path}")


def _print(console: Console, lines: Sequence[Line]) -> None:
    for line in lines:
        shown = Text.assemble(*((text, STYLES[role]) for text, role in line))
        if not console.is_terminal:
            shown.rstrip()  # what fills a diagram's line
        console.print(shown, soft_wrap=True)


def _asked(fitted: Fitted) -> list[Line]:
    asked, marks = fitted.answers.asked, fitted.answers.marks
    lines: list[Line] = [[(fitted.pair.name, "bold")]]
    if asked.rows:
        text = f"{len(asked.rows)} questions: {asked.answered} answered, {asked.declined} declined, "
        lines.append([(f"{text}{asked.no_answer} without an answer to be right or wrong", "text")])
        grades = [
            f"declined {counts['declined']} of {counts['n']} {grade}"
            if grade == UNANSWERABLE
            else f"{counts['right']} of {counts['n']} {grade} ({percent(counts['right'] / counts['n'])})"
            for grade, counts in asked.grades().items()
        ]
        if grades:
            lines.append([(f"right: {', '.join(grades)}", "text")])
        if cut := count_cut_off(asked.rows):
            lines.append([(f"{_count(cut, 'answer')} stopped where --max-tokens cut {_them(cut)} off", "text")])
        if not asked.tokens_known:
            known = "its tokens can't be set beside its text, so P(right) goes by the wording alone"
            lines.append([(f"How probable it finds its own words is not known: {known}.", "text")])
    elif fitted.answers.left_out:
        lines.append([(f"{fitted.answers.left_out}; left out", "dim")])
    if marks and asked.rows:
        lines.append([(f"{_count(marks, 'answer')} that you marked in the chat {_verb(marks)} too", "text")])
    return lines


def _kept(fitted: Fitted) -> Line:
    found, before = fitted.report, fitted.before
    text = f"calibrator: fitted on {found.n} answers, {found.right} of them right ({percent(found.right / found.n)})"
    if before is not None:
        text += f"; until now one fitted on {before.n} ({before.source})"
    return [(text, "text")]


def _figures(figures: dict[str, dict[str, Any]]) -> Table:
    heads = {"auroc": "AUROC", "log_loss": "log loss", "brier": "Brier", "ece": "ECE"}
    shown = Table.grid(padding=(0, 2))
    shown.add_row("", *(heads[name] for name in FIGURES), style="dim")
    for row, title in ROWS.items():
        cells = ["–" if (row, name) == ("share", "auroc") else _with_interval(figures[row][name]) for name in FIGURES]
        shown.add_row(title, *cells, style="bold" if row == "p_right" else "")
    return shown


def _with_interval(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    low, high = figure["interval"] or (0.0, -1.0)
    if not low <= figure["value"] <= high:  # resampled answers are never calibrated to the last digit: an ECE of 0
        return _short(figure["value"])
    return f"{_short(figure['value'])} ({_short(low)}-{_short(high)})"


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _goes_by(fitted: Fitted) -> list[Line]:
    found = fitted.report
    if not found.tells_apart:
        share = percent(found.right / found.n)
        return [
            [(f"It tells right answers from wrong ones no better than chance: it says about {share} of all.", "bold")],
            [("Nothing that is known of an answer tells which of this model's answers are right.", "text")],
        ]
    lines: list[Line] = [[("It goes by:", "text")]]
    for name, part in sorted(found.carries.items(), key=lambda each: -each[1]):
        lines.append([(f"{percent(part):>6}  {MEANINGS[name]}", "text")])
    if found.log_loss("p_right") >= found.log_loss("acceptance"):
        line = "On answers that it hasn't seen it does no better than the bare acceptance: ask more questions."
        lines.append([(line, "own")])
    return lines


def _sentence(telling: Telling) -> Line:
    said = f"{percent(telling.limit)} or {'more' if telling.at_least else 'less'}"
    return [
        (
            f"When it says {said}, {telling.right} of {telling.n} {'was' if telling.right == 1 else 'were'} right.",
            "bold",
        )
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _them(number: int) -> str:
    return "it" if number == 1 else "them"


def _verb(number: int) -> str:
    return "counts" if number == 1 else "count"
