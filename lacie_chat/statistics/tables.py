"""Figures as text, alone, with their intervals and as rows of a table: for every report that has any."""

from collections.abc import Mapping, Sequence
from typing import Any

METRICS = (
    ("accuracy", "accuracy"),
    ("auroc", "AUROC of acceptance"),
    ("ece", "ECE of acceptance"),
    ("brier", "Brier score of acceptance"),
    ("precision", "precision of acceptance"),
    ("recall", "recall of acceptance"),
    ("f1", "F1 of acceptance"),
    ("abstention_rate", "abstentions"),
    ("true_accepts", "right, accepted"),
    ("false_accepts", "wrong, accepted"),
    ("true_rejects", "wrong, not accepted"),
    ("false_rejects", "right, not accepted"),
)
"""The figures of `metrics.json`, and how they are called."""

_BOTH = (("auroc", "AUROC"), ("ece", "ECE"))

_TESTS = (
    ("wrong_accepted", "a wrong answer is accepted"),
    ("correct_rejected", "a right answer is not accepted"),
    ("correct", "the answer is right"),
)


def figure(value: float | None) -> str:
    """`0.123`, or `n/a`."""
    return "n/a" if value is None else f"{value:.3f}"


def ranged(value: float | None, interval: Sequence[float] | None) -> str:
    """`0.123 [0.100, 0.150]`; of a count, an int, `12 [9, 15]`. The value alone where there is no interval."""

    def shown(number: float | None) -> str:
        return str(round(number)) if isinstance(value, int) and number is not None else figure(number)

    return f"{shown(value)} [{shown(interval[0])}, {shown(interval[1])}]" if interval else shown(value)


def _signed(value: float, whole: bool) -> str:
    text = f"{round(value):+d}" if whole else f"{value:+.3f}"
    return text.replace("-", "−")


def difference(entry: Mapping[str, Any], whole: bool = False) -> str:
    """`−0.120 [−0.200, −0.040]`"""
    if entry["difference"] is None:
        return "n/a"
    text = _signed(entry["difference"], whole)
    if entry["interval"] is None:
        return text
    low, high = entry["interval"]
    return f"{text} [{_signed(low, whole)}, {_signed(high, whole)}]"


def p_value(p: float) -> str:
    """`p = 0.031`, or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def figure_rows(entries: Mapping[str, Any], names: Sequence[tuple[str, str]] = METRICS) -> list[tuple[str, ...]]:
    """Name, left, right, difference; `entries` are those of `paired_bootstrap`."""
    rows: list[tuple[str, ...]] = []
    for key, name in names:
        entry = entries[key]
        whole = key.endswith(("accepts", "rejects"))
        shown = [str(round(entry[side])) if whole else figure(entry[side]) for side in ("left", "right")]
        rows.append((name, *shown, difference(entry, whole)))
    return rows


def both_figures_rows(figures: Mapping[str, Any], *, intervals: bool = True) -> list[tuple[str, ...]]:
    """Name, left, right (with their `intervals`), difference: AUROC and ECE of acceptance and, where both sides have
    one, of P(right). `figures` are those of `measure_pairs`."""
    return [
        (
            f"{name} of {called}",
            *(ranged(entry[side], entry[f"{side}_interval"] if intervals else None) for side in ("left", "right")),
            difference(entry),
        )
        for key, name in _BOTH
        for what, called in (("acceptance", "acceptance"), ("p_right", "P(right)"))
        if (of := figures[what]) is not None
        for entry in [of[key]]
    ]


def mcnemar_rows(tests: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Name, left, right, only left, only right, exact p, chi-square, its p: McNemar's tests of `measure_pairs`."""
    rows: list[tuple[str, ...]] = []
    for key, name in _TESTS:
        test = tests[key]
        counts = (str(test[each]) for each in ("left", "right", "only_left", "only_right"))
        rows.append((name, *counts, p_value(test["p"]), f"{test['chi_square']:.2f}", p_value(test["chi_square_p"])))
    return rows


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, aligned: bool = False) -> str:
    """A table of Markdown; `aligned`: its columns are straight also where it is read as it is, on a terminal."""
    widths = [max(len(row[column]) if aligned else 0 for row in (head, *rows)) for column in range(len(head))]
    rule = ["-" * max(3, width) for width in widths]

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(f'{cell:<{width}}' for cell, width in zip(cells, widths, strict=True))} |"

    return "\n".join(map(line, (head, rule, *rows)))


def mcnemar_table(tests: Mapping[str, Any], left: str, right: str) -> str:
    """The rows of `mcnemar_rows` as Markdown, under their headings."""
    head = ["", left, right, f"only {left}", f"only {right}", "exact", "chi-square", "its p"]
    return table(head, mcnemar_rows(tests))
