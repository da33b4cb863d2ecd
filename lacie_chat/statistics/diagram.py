"""A reliability diagram as text, for the command and the chat alike: rows of pieces with a role, which each styles.

Across stands what a figure said, upwards how often such answers were right, with 95 % intervals: points on the dotted
diagonal are right as often as they say. How sure answers sound and P(right) stand in one picture, told apart without
colour by their marks.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from lacie_chat.confidence import Calibrator
from lacie_chat.statistics.reliability import FIGURES, Bins, Figure, ReliabilityBin

Role = Literal["text", "dim", "bold", "axis", "diagonal", "acceptance", "shipped", "own"]
Line = list[tuple[str, Role]]

LEFT = 5  # cells of the scale on the left, its line included
AROUND = 3  # the title, and the scale below with its line
SMALLEST = (LEFT + 20, AROUND + 6)

MARKS: Mapping[Figure, str] = {"acceptance": "○", "shipped": "◆", "own": "■"}
_BARS: Mapping[Figure, str] = {"acceptance": "┊", "shipped": "│", "own": "│"}
_HEADS: Mapping[Figure, str] = {"acceptance": "sounds", "shipped": "shipped", "own": "own"}
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_RANGE, _COLUMN = 8, 15


def names_of(calibrators: Mapping[Figure, Calibrator]) -> dict[Figure, str]:
    """What each figure is, in words, where these calibrators are there."""
    whose = {"shipped": "shipped", "own": "your own"}
    found: dict[Figure, str] = {"acceptance": "how sure it sounds"}
    for role, calibrator in calibrators.items():
        found[role] = f"P(right), {whose[role]} (n = {calibrator.n})"
    return found


def diagram(bins: Bins, width: int, height: int) -> list[Line]:
    """`height` lines of `width` cells, the first a title: share of right answers over what was said, both 0 to 100 %.

    Smaller than SMALLEST is drawn as SMALLEST.
    """
    columns, rows = max(width, SMALLEST[0]) - LEFT, max(height, SMALLEST[1]) - AROUND
    cells: list[list[tuple[str, Role]]] = [[(" ", "text")] * columns for _ in range(rows)]
    _draw_diagonal(cells)
    shown = [(figure, entry) for figure in FIGURES for entry in bins.get(figure, ())]
    for figure, entry in shown:
        low, high = (_row(value, rows) for value in entry.interval)
        for row in range(high, low + 1):
            end = "┬" if row == high else "┴" if row == low else _BARS[figure]
            cells[row][_column(entry, columns)] = (end, figure)
    for figure, entry in shown:  # after all bars: no point is hidden by one
        cells[_row(entry.share, rows)][_column(entry, columns)] = (MARKS[figure], figure)
    lines: list[Line] = [[("right, %, over what it says, %", "dim")]]
    for index, row_cells in enumerate(cells):
        label = {_row(value / 100, rows): str(value) for value in (0, 50, 100)}.get(index, "")
        lines.append([(f"{label:>3} ", "dim"), ("┤" if label else "│", "axis"), *_runs(row_cells)])
    ticks = {0: "┬", round((columns - 1) / 2): "┬", columns - 1: "┬"}
    lines.append([(" " * (LEFT - 1) + "└", "axis"), ("".join(ticks.get(x, "─") for x in range(columns)), "axis")])
    scale = list(" " * (LEFT + columns))
    for column, text in ((0, "0"), (round((columns - 1) / 2) - 1, "50"), (columns - 3, "100")):
        scale[LEFT + column : LEFT + column + len(text)] = text
    lines.append([("".join(scale), "dim")])
    return lines


def legend(bins: Bins, names: Mapping[Figure, str]) -> list[Line]:
    """What is what in the diagram and in the table of its figures, in words."""
    lines: list[Line] = [
        [(f"  {MARKS[figure]}   ", figure), (names[figure], "text")] for figure in FIGURES if figure in bins
    ]
    lines.append([("  │   ", "dim"), ("95\u00a0% interval: long where few", "text")])
    lines.append([(" ⠄⠄⠄  ", "diagonal"), ("right as often as it says", "text")])
    lines.append([("AUROC ", "dim"), ("tells right from wrong: 0.5 not,", "text")])
    lines.append([("      ", "dim"), ("1 always; off by: from the dots", "text")])
    return lines


def table(bins: Bins) -> list[Line]:
    """The same in figures, the surest first: how many of the answers of which so much was said were right."""
    shown = [figure for figure in FIGURES if figure in bins]
    head: Line = [(f"{'says':<{_RANGE}}", "dim")]
    head += [(f"{f'{MARKS[figure]} {_HEADS[figure]}':>{_COLUMN}}", figure) for figure in shown]
    lines = [head]
    edges = sorted({(entry.low, entry.high) for each in bins.values() for entry in each}, reverse=True)
    for low, high in edges:
        line: Line = [(f"{f'{low * 100:.0f}-{percent(high)}':<{_RANGE}}", "text")]
        for figure in shown:
            found = next((entry for entry in bins[figure] if (entry.low, entry.high) == (low, high)), None)
            text = f"{f'{found.right}/{found.n}':>8} {percent(found.share):>6}" if found else ""
            line.append((f"{text:>{_COLUMN}}", figure))
        lines.append(line)
    return lines


def figures_table(auroc: Mapping[Figure, float | None], ece: Mapping[Figure, float | None]) -> list[Line]:
    """How well each figure tells right from wrong, and how far it is off on average."""
    shown = [figure for figure in FIGURES if ece.get(figure) is not None]
    lines: list[Line] = []
    for name, values in (("AUROC", auroc), ("off by", ece)):
        line: Line = [(f"{name:<{_RANGE}}", "dim")]
        line += [(f"{'–' if (value := values[each]) is None else f'{value:.2f}':>{_COLUMN}}", each) for each in shown]
        lines.append(line)
    return lines


def percent(share: float) -> str:
    """0.42 as `42 %`, never broken over lines."""
    return f"{share * 100:.0f}\u00a0%"


def width_of(lines: Sequence[Line]) -> int:
    """Cells of the longest line."""
    return max((sum(len(text) for text, _ in line) for line in lines), default=0)


def beside(left: Sequence[Line], right: Sequence[Line], gap: int = 3) -> list[Line]:
    """Two blocks side by side."""
    width = width_of(left)
    lines: list[Line] = []
    for index in range(max(len(left), len(right))):
        line = list(left[index]) if index < len(left) else []
        if index < len(right):
            line += [(" " * (width - width_of([line]) + gap), "text"), *right[index]]
        lines.append(line)
    return lines


def _row(share: float, rows: int) -> int:
    return round((1 - share) * (rows - 1))


def _column(entry: ReliabilityBin, columns: int) -> int:
    return round(entry.said * (columns - 1))


def _draw_diagonal(cells: list[list[tuple[str, Role]]]) -> None:
    """Dots in braille, 2 x 4 a cell; 0 and 1 lie in the middle of the first and last cell, as points do."""
    rows, columns = len(cells), len(cells[0])
    for across in range(0, 2 * columns, 4):
        x = min(max((across - 0.5) / (2 * columns - 2), 0.0), 1.0)
        down = round((1 - x) * (rows - 1) * 4 + 1.5)
        if 0 <= down < 4 * rows:
            old = cells[down // 4][across // 2][0]
            bits = 0 if old == " " else ord(old) - 0x2800
            cells[down // 4][across // 2] = (chr(0x2800 + (bits | _DOTS[down % 4][across % 2])), "diagonal")


def _runs(cells: Sequence[tuple[str, Role]]) -> Line:
    runs: Line = []
    for text, role in cells:
        if runs and runs[-1][1] == role:
            runs[-1] = (runs[-1][0] + text, role)
        else:
            runs.append((text, role))
    return runs
