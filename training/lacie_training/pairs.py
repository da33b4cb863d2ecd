"""Stage `pairs`: judged samples become preferences, `judged.jsonl` -> `pairs.jsonl` (with `pairs_report.json`).

`make_pairs` is a pure function of rows, settings and seed; METHOD's rules are its whole content. Two departures
from the reference code, both deliberate: the cap per question is a real cap, and the truthful-only baseline is
balanced by the same kinds as the main run, so that the two differ in their preference and in nothing else.
"""

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby, takewhile
from typing import Any

from lacie_chat.evaluation.matching import normalise
from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import PairSettings, Recipe
from lacie_training.row_kinds import JUDGED, check_rows
from lacie_training.run_folder import Row, RunFolder, read_rows, write_json, write_rows
from lacie_training.samples.ladder import ladder_preferences
from lacie_training.samples.rewording import LEFT_OUT, draw_of, is_drawn
from lacie_training.samples.threshold import accept_threshold
from lacie_training.stage import stage_main

EVERYDAY = "everyday plain > hedged"


@dataclass(slots=True)
class PairReport:
    """What became of the samples and their pairs."""

    samples: int = 0
    threshold: float = 0.0
    dropped_samples: Counter[str] = field(default_factory=Counter)
    dropped_pairs: Counter[str] = field(default_factory=Counter)
    kinds_before_balancing: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "accept_threshold": self.threshold,
            "dropped_samples": dict(self.dropped_samples),
            "dropped_pairs": dict(self.dropped_pairs),
            "kinds_before_balancing": dict(sorted(self.kinds_before_balancing.items())),
            "kinds": dict(sorted(self.kinds.items())),
            "pairs": sum(self.kinds.values()),
        }

    def why(self) -> str:
        """The counts in one line, for the error when nothing is left."""
        dropped = ", ".join(f"{count} {why}" for why, count in (self.dropped_samples + self.dropped_pairs).items())
        return f"{self.samples} samples, dropped: {dropped or 'none'}"


def make_pairs(
    rows: Sequence[Mapping[str, Any]], settings: PairSettings, *, objective: str, seed: int, separator: str = ""
) -> tuple[list[Row], PairReport]:
    """Preferences from judged samples, balanced by kind, in a random order that hangs on the seed.

    `rows` are those of `judged.jsonl`. Kinds are named `correct&accepted > incorrect&rejected` and so on.
    `separator` stands between prompt and completion: a space after a plain prompt, nothing after a chat template.
    """
    everyday = [row for row in rows if not row.get("answers", True)]
    rows = [row for row in rows if row.get("answers", True) and row["state"] != LEFT_OUT]
    report = PairReport(samples=len(rows))
    usable = [row for row in rows if not _drop(row, settings, report)]
    report.threshold = accept_threshold(rows, settings)
    if settings.ladder and objective == "lacie":
        declining = [row for row in rows if row["state"] == "abstained" and not is_drawn(row)]
        pairs = _by_ladder([*usable, *declining], settings, seed, separator, report)
    else:
        if settings.ladder:  # truth has no use for degrees of sureness: samples in their own words
            usable = [row for row in usable if is_drawn(row)]
        pairs = _by_scores(usable, settings, objective, seed, separator, report)
    if objective == "lacie":  # truth alone has nothing to say about them
        draw = random.Random(f"everyday {seed}")
        more = _everyday_pairs(everyday, separator)
        pairs += more if settings.everyday is None else draw.sample(more, min(len(more), settings.everyday))
        draw.shuffle(pairs)
    report.kinds = Counter(pair["kind"] for pair in pairs)
    report.dropped_pairs += Counter()  # drops the zeros
    return pairs, report


def _by_scores(
    usable: list[Mapping[str, Any]],
    settings: PairSettings,
    objective: str,
    seed: int,
    separator: str,
    report: PairReport,
) -> list[Row]:
    """METHOD's rules: any two samples of a question that differ in their score, capped and balanced."""
    pairs: list[Row] = []
    for question_id, group in groupby(sorted(usable, key=_question_id), key=_question_id):
        candidates = _candidates(list(group), settings, objective, report)
        draw = random.Random(f"pairs {seed} {question_id}")
        kept = draw.sample(candidates, min(len(candidates), settings.per_question))
        report.dropped_pairs["over the cap per question"] += len(candidates) - len(kept)
        pairs += [_pair(chosen, rejected, report.threshold, separator) for chosen, rejected in kept]
    report.kinds_before_balancing = Counter(pair["kind"] for pair in pairs)
    return _balance(pairs, settings.balance, seed, report)


def _by_ladder(
    usable: list[Mapping[str, Any]], settings: PairSettings, seed: int, separator: str, report: PairReport
) -> list[Row]:
    """The rungs of `lacie_training.samples.ladder`; kinds are named by style."""
    preferred, report.kinds_before_balancing = ladder_preferences(
        usable, settings, seed=seed, dropped=report.dropped_pairs
    )
    pairs = []
    for kind, chosen, rejected in preferred:
        pair = {**_pair(chosen, rejected, report.threshold, separator), "kind": kind}
        twins = draw_of(chosen) == draw_of(rejected) and "abstained" not in (chosen["state"], rejected["state"])
        pairs.append(parted(pair) if twins and settings.part_twins else pair)
    return pairs


def parted(pair: Row) -> Row:
    """The pair with the words that both texts begin with moved into the prompt.

    They cancel out of DPO's difference, but not out of a likelihood term on the chosen text, which would teach the
    answers themselves, wrong ones too: so what is learned of twins is what they end with, given what was said.
    """
    chosen, rejected = pair["chosen"], pair["rejected"]
    both = zip(chosen, rejected, strict=False)
    shared = "".join(one for one, _ in takewhile(lambda letters: letters[0] == letters[1], both))
    if any(text[len(shared) : len(shared) + 1].isalnum() for text in (chosen, rejected)):
        shared = re.sub(r"\w*$", "", shared)
    shared = shared.rstrip()
    return {
        **pair,
        "prompt": pair["prompt"] + shared,
        "chosen": chosen[len(shared) :],
        "rejected": rejected[len(shared) :],
    }


def _everyday_pairs(rows: Sequence[Mapping[str, Any]], separator: str) -> list[Row]:
    """What was drawn for a prompt that asks for no fact, preferred to its rewordings (see `everyday`)."""
    drawn = {row["id"]: row for row in rows if is_drawn(row)}
    return [
        {**_pair(drawn[row["draw"]], row, 0.0, separator), "kind": EVERYDAY}
        for row in rows
        if row["id"] not in drawn and row["response"] != drawn[row["draw"]]["response"]
    ]


def _question_id(row: Mapping[str, Any]) -> str:
    return str(row["question_id"])


def _are_twins(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the two are one sample, plain and reworded, and heard as such: both right or both wrong."""
    return bool(draw_of(one) == draw_of(other) and one["correct"] == other["correct"])


def _drop(row: Mapping[str, Any], settings: PairSettings, report: PairReport) -> bool:
    reason = None
    if row["answer_span"] is None or row["state"] != "answered" or row["acceptance"] is None:
        reason = "without an answer"
    elif settings.drop_bare_answers and normalise(row["response"]) == normalise(row["answer_span"]):
        reason = "nothing but the answer"
    if reason:
        report.dropped_samples[reason] += 1
    return reason is not None


def _label(row: Mapping[str, Any], threshold: float) -> str:
    return f"{'correct' if row['correct'] else 'incorrect'}&{'accepted' if _accepts(row, threshold) else 'rejected'}"


def _accepts(row: Mapping[str, Any], threshold: float) -> bool:
    return row["acceptance"] is not None and bool(row["acceptance"] >= threshold)


def score(row: Mapping[str, Any], threshold: float, settings: PairSettings, objective: str) -> float:
    """The worth of one sample: by the recipe's table, or by truth alone."""
    if objective == "truthful_only":
        return 1.0 if row["correct"] else 0.0
    return float(getattr(settings.scores, _label(row, threshold).replace("&", "_")))


def _candidates(
    samples: list[Mapping[str, Any]], settings: PairSettings, objective: str, report: PairReport
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    candidates = []
    for one, other in combinations(samples, 2):
        difference = score(one, report.threshold, settings, objective) - score(
            other, report.threshold, settings, objective
        )
        if settings.twins_only and not _are_twins(one, other):
            report.dropped_pairs["not twins"] += 1
        elif difference == 0:
            report.dropped_pairs["of equal score"] += 1
        elif objective == "lacie" and abs(one["acceptance"] - other["acceptance"]) < settings.margin:
            report.dropped_pairs["within the margin of acceptance"] += 1
        else:
            candidates.append((one, other) if difference > 0 else (other, one))
    return candidates


def _pair(chosen: Mapping[str, Any], rejected: Mapping[str, Any], threshold: float, separator: str) -> Row:
    return {
        "id": f"{chosen['id']}>{rejected['id']}",
        "question_id": chosen["question_id"],
        "kind": f"{_label(chosen, threshold)} > {_label(rejected, threshold)}",
        "prompt": chosen["prompt"],
        "chosen": separator + chosen["response"],
        "rejected": separator + rejected["response"],
        "chosen_finished": chosen["finish"] == "stop",
        "rejected_finished": rejected["finish"] == "stop",
        "chosen_acceptance": chosen["acceptance"],
        "rejected_acceptance": rejected["acceptance"],
    }


def _balance(pairs: list[Row], limit: float | None, seed: int, report: PairReport) -> list[Row]:
    draw = random.Random(f"balance {seed}")
    draw.shuffle(pairs)
    if limit is None or not pairs:
        return pairs
    most = int(limit * min(report.kinds_before_balancing.values()))
    taken: Counter[str] = Counter()
    kept = []
    for pair in pairs:
        if taken[pair["kind"]] < most:
            taken[pair["kind"]] += 1
            kept.append(pair)
    report.dropped_pairs["by balancing the kinds"] += len(pairs) - len(kept)
    return kept


def _all_judged(folder: RunFolder) -> list[Row]:
    """The judged samples. Raises TrainingError while some are missing: their median and balance would be others."""
    rows = read_rows(folder.file("judged.jsonl"))
    samples = folder.path / "samples.jsonl"
    count = len(read_rows(samples)) if samples.is_file() else len(rows)
    if len(rows) < count:
        raise TrainingError(f"only {len(rows)} of {count} samples are judged; run the stage 'judge' to its end first")
    check_rows(rows, folder.path / "judged.jsonl", JUDGED)
    return rows


def run(folder: RunFolder) -> None:
    """The stage: reads `judged.jsonl`, writes `pairs.jsonl` and the counts."""
    recipe: Recipe = folder.recipe
    rows = _all_judged(folder)
    separator = " " if recipe.speaker.format == "plain" else ""
    pairs, report = make_pairs(rows, recipe.pairs, objective=recipe.objective, seed=recipe.seed, separator=separator)
    write_json(folder.path / "pairs_report.json", report.to_dict())
    if not pairs:
        raise TrainingError(f"no pairs are left after filtering ({report.why()}); sample more, or lower pairs.margin")
    write_rows(folder.path / "pairs.jsonl", pairs)
    print(f"pairs: {len(pairs)} pairs, acceptance threshold {report.threshold:.3f}; {report.why()}")
    for kind, count in sorted(report.kinds.items()):
        print(f"pairs: {count:6} {kind} (of {report.kinds_before_balancing[kind]})")


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m lacie_training.pairs --recipe R --run DIR`"""
    return stage_main("pairs", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
