"""The figures of a comparison in bulk: two sides' rows on the same questions, pair by pair.

Everything here reads rows and gives plain values; `commands/compare_file.py` makes the rows, `report.py` shows this.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lacie_chat.comparison import Difference, compare_assessments
from lacie_chat.confidence import Assessment
from lacie_chat.cut_off import count_cut_off
from lacie_chat.rows import Row
from lacie_chat.statistics.metrics import Scored, point, settled
from lacie_chat.statistics.paired import acceptance_by_truth, mcnemar_of, paired_bootstrap, paired_figures

SHOWN = 6
"""Pairs of each kind among the most changed answers."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One question's two rows, and what differs between them."""

    left: Row
    right: Row
    before: Assessment
    after: Assessment
    difference: Difference

    @property
    def id(self) -> str:
        return str(self.left["id"])

    @property
    def shift(self) -> float:
        """The shift of acceptance; 0 where a side has none."""
        return self.difference.acceptance_shift or 0.0


def pairs_of(left: Sequence[Row], right: Sequence[Row]) -> list[Pair]:
    """Rows of one id put together, in the left side's order. Raises KeyError if the right side lacks one."""
    others = {row["id"]: row for row in right}
    found = []
    for row in left:
        other = others[row["id"]]
        before, after = Assessment.from_dict(row), Assessment.from_dict(other)
        found.append(Pair(row, other, before, after, compare_assessments(before, after)))
    return found


def measure_pairs(
    pairs: Sequence[Pair], *, threshold: float, bins: int = 9, repeats: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """All figures of a comparison, as they stand in comparison.json. Each figure with `left`, `right`, `difference`
    and its `interval`; rates over nothing are None."""
    left = Scored.from_rows([pair.left for pair in pairs])
    right = Scored.from_rows([pair.right for pair in pairs])

    def whole(part: Scored) -> dict[str, float]:
        return point(part, threshold, bins)

    def answered(part: Scored) -> dict[str, float]:
        return point(part.take(~part.abstained), threshold, bins)

    return {
        "n": len(pairs),
        "accept_threshold": threshold,
        "bins": bins,
        "metrics": paired_bootstrap(left, right, whole, repeats=repeats, seed=seed),
        "without_abstentions": paired_bootstrap(left, right, answered, repeats=repeats, seed=seed),
        "figures": {
            "acceptance": {"n": len(pairs), **paired_figures(left, right, bins=bins, repeats=repeats, seed=seed)},
            "p_right": _p_right(pairs, bins, repeats, seed),
        },
        "acceptance": paired_bootstrap(left, right, acceptance_by_truth, repeats=repeats, seed=seed),
        "shift": {
            "correct_on_both": _shift(
                pairs, lambda pair: pair.left["correct"] and pair.right["correct"], repeats, seed
            ),
            "wrong_on_both": _shift(
                pairs, lambda pair: not (pair.left["correct"] or pair.right["correct"]), repeats, seed
            ),
        },
        "mcnemar": _tests(left, right, threshold),
        "changes": _changes(pairs),
        "cut_off": {
            "left": count_cut_off([pair.left for pair in pairs]),
            "right": count_cut_off([pair.right for pair in pairs]),
        },
        "abstentions": _abstentions(pairs),
        "most_changed": {kind: [pair.id for pair in shown] for kind, shown in most_changed(pairs)},
    }


def _p_right(pairs: Sequence[Pair], bins: int, repeats: int, seed: int) -> dict[str, Any] | None:
    """P(right) of both sides as metrics.json has it, over the `n` questions of which enough is known on both; None
    unless both sides have a calibrator."""
    sides = [[pair.left for pair in pairs], [pair.right for pair in pairs]]
    if not all(any(row.get("p_right") is not None for row in rows) for rows in sides):
        return None
    known = [(left, right) for left, right in zip(*sides, strict=True) if settled(left) and settled(right)]
    left, right = (Scored.of_p_right([each[side] for each in known]) for side in (0, 1))
    return {"n": len(known), **paired_figures(left, right, bins=bins, repeats=repeats, seed=seed)}


def _tests(left: Scored, right: Scored, threshold: float) -> dict[str, Any]:
    """McNemar on three outcomes of a question: a wrong answer is accepted, a right one isn't, the answer is right.

    `left` and `right` count an outcome on each side.
    """

    def outcomes(scored: Scored) -> dict[str, Any]:
        accepted = (scored.acceptance >= threshold) & ~scored.abstained
        return {
            "wrong_accepted": accepted & ~scored.correct,
            "correct_rejected": ~accepted & scored.correct,
            "correct": scored.correct,
        }

    before, after = outcomes(left), outcomes(right)
    return {
        name: {
            "left": int(before[name].sum()),
            "right": int(after[name].sum()),
            **mcnemar_of(before[name], after[name]).to_dict(),
        }
        for name in before
    }


def _shift(pairs: Sequence[Pair], wanted: Callable[[Pair], bool], repeats: int, seed: int) -> dict[str, Any]:
    """Mean shift of acceptance of the questions that both sides answer, and answer alike in truth."""
    values = np.array([p.shift for p in pairs if p.difference.acceptance_shift is not None and wanted(p)], dtype=float)
    if not len(values):
        return {"n": 0, "mean": None, "interval": None}
    draws = np.random.default_rng(seed)
    means = [values[draws.integers(0, len(values), len(values))].mean() for _ in range(repeats)]
    interval = [float(edge) for edge in np.quantile(means, [0.025, 0.975])] if means else None
    return {"n": len(values), "mean": float(values.mean()), "interval": interval}


def _changes(pairs: Sequence[Pair]) -> dict[str, int]:
    """How many answers changed, and in which way."""
    sounds = Counter(pair.difference.sounds for pair in pairs)
    declined = Counter(pair.difference.declined for pair in pairs)
    answers = Counter(pair.difference.changed_answer for pair in pairs)
    truth = Counter((bool(pair.left["correct"]), bool(pair.right["correct"])) for pair in pairs)
    return {
        "same_text": sum(pair.difference.same_text for pair in pairs),
        "same_answer": answers[False],
        "changed_answer": answers[True],
        "surer": sounds["surer"],
        "less_sure": sounds["less sure"],
        "alike": sounds["alike"],
        "declined_left_only": declined["left"],
        "declined_right_only": declined["right"],
        "declined_both": declined["both"],
        "correct_on_both": truth[True, True],
        "became_correct": truth[False, True],
        "became_wrong": truth[True, False],
        "wrong_on_both": truth[False, False],
    }


def _abstentions(pairs: Sequence[Pair]) -> dict[str, int]:
    """How many questions the right side declines, and how many of those the left side gets wrong, or declines too."""
    declined = [pair for pair in pairs if pair.right["state"] == "abstained"]
    return {"right": len(declined), "left_wrong": sum(not pair.left["correct"] for pair in declined)}


def most_changed(pairs: Sequence[Pair], shown: int = SHOWN) -> list[tuple[str, list[Pair]]]:
    """The pairs most worth reading by the kind of change, the largest shift first; no pair is of two kinds."""
    left: list[Pair] = [pair for pair in pairs if not pair.difference.same_text]
    groups: list[tuple[str, Callable[[Pair], bool]]] = [
        ("became_correct", lambda p: bool(p.right["correct"]) and not p.left["correct"]),
        ("became_wrong", lambda p: bool(p.left["correct"]) and not p.right["correct"]),
        ("declined_right_only", lambda p: p.difference.declined == "right"),
        ("declined_left_only", lambda p: p.difference.declined == "left"),
        ("less_sure", lambda p: p.difference.sounds == "less sure"),
        ("surer", lambda p: p.difference.sounds == "surer"),
        ("changed_answer", lambda p: bool(p.difference.changed_answer)),
    ]
    found = []
    for kind, belongs in groups:
        group = sorted((pair for pair in left if belongs(pair)), key=lambda pair: -abs(pair.shift))[:shown]
        if group:
            found.append((kind, group))
            taken = {pair.id for pair in group}
            left = [pair for pair in left if pair.id not in taken]
    return found
