"""A reliability diagram as text, for the command and the chat alike: rows of pieces with a role, which each styles.

Points are the shares of right answers, with their intervals as error bars; curves are what calibrators say. Curves are
drawn in braille, 2 x 4 dots a cell, and are told apart without colour: drawn through, dashed, and dotted (the diagonal,
on which acceptance itself would be right as often as it says).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from lacie_chat.confidence import Calibrator
from lacie_chat.statistics.reliability import ReliabilityBin

Role = Literal["text", "dim", "bold", "axis", "diagonal", "shipped", "own", "interval", "point"]
Line = list[tuple[str, Role]]

LEFT = 5  # cells of the scale on the left, its line included
AROUND = 3  # the title, and the scale below with its line
SMALLEST = (LEFT + 20, AROUND + 6)

CURVES: tuple[Role, ...] = ("shipped", "own")
_ORDER: tuple[Role, ...] = ("diagonal", *CURVES)  # later ones are seen where two share a cell
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_SAMPLES: dict[Role, str] = {"shipped": "⠤⠤⠤", "own": "⠤ ⠤", "diagonal": "⠄⠄⠄"}
_COLUMN: dict[Role, int] = {"shipped": 9, "own": 6}
NAMES = {"shipped": "shipped", "own": "your own"}


def diagram(
    bins: Sequence[ReliabilityBin], calibrators: Mapping[str, Calibrator], width: int, height: int
) -> list[Line]:
    """`height` lines of `width` cells, the first a title: share of right answers over acceptance, both 0 to 100 %.

    `calibrators` by role: `shipped`, `own`. Smaller than SMALLEST is drawn as SMALLEST.
    """
    columns, rows = max(width, SMALLEST[0]) - LEFT, max(height, SMALLEST[1]) - AROUND
    cells: list[list[tuple[str, Role]]] = [[(" ", "text")] * columns for _ in range(rows)]
    for role in _ORDER:
        if role == "diagonal" or role in calibrators:
            curve = None if role == "diagonal" else calibrators[role]
            _draw_curve(cells, curve, role)
    for entry in bins:
        column = round(entry.acceptance * (columns - 1))
        low, at, high = (_row(value, rows) for value in (entry.interval[0], entry.share, entry.interval[1]))
        for row in range(high, low + 1):
            cells[row][column] = ("┬" if row == high else "┴" if row == low else "│", "interval")
        cells[at][column] = ("●", "point")
    lines: list[Line] = [[("right, %, over acceptance, %", "dim")]]
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


def legend(calibrators: Mapping[str, Calibrator]) -> list[Line]:
    """What is what in the diagram."""
    lines: list[Line] = [[("  ●   ", "point"), ("your marks, 95\u00a0% interval", "text")]]
    for role in CURVES:
        if role in calibrators:
            fitted = calibrators[role]
            lines.append([(f" {_SAMPLES[role]}  ", role), (f"{NAMES[role]} ({fitted.kind}, n = {fitted.n})", "text")])
    lines.append([(f" {_SAMPLES['diagonal']}  ", "diagonal"), ("right as often as it sounds", "text")])
    return lines


def table(bins: Sequence[ReliabilityBin], calibrators: Mapping[str, Calibrator]) -> list[Line]:
    """The same in figures, surest first; the last columns are what calibrators say at the bin's mean acceptance."""
    shown = [role for role in CURVES if role in calibrators]
    head: Line = [(f"{'sounds':<8}{'n':>5}{'right':>6}{'95 %':>9}", "dim")]
    lines: list[Line] = [head + [(f"{NAMES[role].removeprefix('your '):>{_COLUMN[role]}}", role) for role in shown]]
    for entry in reversed(bins):
        low, high = entry.interval
        line: Line = [
            (f"{f'{entry.low * 100:.0f}-{percent(entry.high)}':<8}", "text"),
            (f"{entry.n:>5}", "text"),
            (f"{percent(entry.share):>6}", "point"),
            (f"{f'{low * 100:.0f}-{percent(high)}':>9}", "interval"),
        ]
        line += [(f"{percent(calibrators[role](entry.acceptance)):>{_COLUMN[role]}}", role) for role in shown]
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


def _draw_curve(cells: list[list[tuple[str, Role]]], calibrator: Calibrator | None, role: Role) -> None:
    """Set the dots of one curve; None is the diagonal. Its dots are at the middle of what points and labels use."""
    rows, columns = len(cells), len(cells[0])
    before: int | None = None
    for across in range(2 * columns):
        # a cell's middle is between its two dots: 0 and 1 lie in the middle of the first and last cell
        x = min(max((across - 0.5) / (2 * columns - 2), 0.0), 1.0)
        y = x if calibrator is None else calibrator(x)
        down = round((1 - y) * (rows - 1) * 4 + 1.5)
        if role == "diagonal":
            wanted = [down] if across % 4 == 0 else []
        else:
            low, high = sorted((down, before if before is not None else down))
            wanted = list(range(low + (low != high and low == before), high + 1))
            if role == "own" and across // 3 % 2:
                wanted = []
        before = down
        for dot in wanted:
            if 0 <= dot < 4 * rows:
                _set_dot(cells, across, dot, role)


def _set_dot(cells: list[list[tuple[str, Role]]], across: int, down: int, role: Role) -> None:
    row, column = down // 4, across // 2
    old, old_role = cells[row][column]
    bits = ord(old) - 0x2800 if old != " " and old_role == role else 0
    cells[row][column] = (chr(0x2800 + (bits | _DOTS[down % 4][across % 2])), role)


def _runs(cells: Sequence[tuple[str, Role]]) -> Line:
    runs: Line = []
    for text, role in cells:
        if runs and runs[-1][1] == role:
            runs[-1] = (runs[-1][0] + text, role)
        else:
            runs.append((text, role))
    return runs
