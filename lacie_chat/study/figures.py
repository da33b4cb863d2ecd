"""What a study found: each figure with its n and a 95 % interval.

Judgements of one question hang together, whoever gave them and whichever speaker answered. So intervals come from
drawing questions again, with all that was said of them (percentile bootstrap, clustered by question); differences
between the speakers are taken within a draw, so they use that both speakers were asked the same questions. McNemar's
test pairs them by question: what the majority of its judges said of either answer. A question that no one judged of one
of the speakers, or on which the judges are split evenly, has no such pair.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacie_chat.confidence import ACCEPT_THRESHOLD
from lacie_chat.statistics.judges import Level, alpha_of_counts, pearson, spearman, tally
from lacie_chat.statistics.metrics import Bools, Floats, auroc
from lacie_chat.statistics.paired import mcnemar_of
from lacie_chat.study.records import SPEAKERS, SpeakerName

COUNTS = ("true_accepts", "false_accepts", "true_rejects", "false_rejects")
RATES = (
    "accuracy",
    "verdict_accuracy",
    "accept_rate",
    "false_accept_rate",
    "false_reject_rate",
    "precision",
    "recall",
    "f1",
    "sureness",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One judgement, and what the study knows of the answer that was judged."""

    person: str
    question_id: str
    speaker: SpeakerName
    accepted: bool
    sure: int
    known: bool
    correct: bool
    abstained: bool
    acceptance: float | None

    @property
    def graded(self) -> float:
        """Verdict and sureness as one number: 0 (certainly rejected) to 1 (certainly accepted)."""
        return 0.5 + (self.sure if self.accepted else -self.sure) / 10


@dataclass(frozen=True, slots=True)
class Table:
    """Judgements as columns of one length, to be drawn again."""

    accepted: Bools
    correct: Bools
    lacie: Bools
    graded: Floats
    acceptance: Floats
    """NaN where the answer was empty."""

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> "Table":
        return cls(
            np.array([each.accepted for each in judged], dtype=bool),
            np.array([each.correct for each in judged], dtype=bool),
            np.array([each.speaker == "lacie" for each in judged], dtype=bool),
            np.array([each.graded for each in judged], dtype=float),
            np.array([math.nan if each.acceptance is None else each.acceptance for each in judged], dtype=float),
        )

    def take(self, index: NDArray[np.int64] | Bools) -> "Table":
        return Table(
            self.accepted[index], self.correct[index], self.lacie[index], self.graded[index], self.acceptance[index]
        )

    def __len__(self) -> int:
        return len(self.accepted)


Measure = Callable[[Table], dict[str, float]]


def verdicts(table: Table) -> dict[str, float]:
    """Counts and rates of some judgements; a rate over nothing is NaN. `accuracy`: right answers among those judged (as
    in evaluations); `verdict_accuracy`: verdicts that were right; `sureness`: mean, 1 to 5.
    """
    true_accepts = int((table.accepted & table.correct).sum())
    false_accepts = int((table.accepted & ~table.correct).sum())
    false_rejects = int((~table.accepted & table.correct).sum())
    true_rejects = len(table) - true_accepts - false_accepts - false_rejects
    return {
        "true_accepts": true_accepts,
        "false_accepts": false_accepts,
        "true_rejects": true_rejects,
        "false_rejects": false_rejects,
        "accuracy": _share(true_accepts + false_rejects, len(table)),
        "verdict_accuracy": _share(true_accepts + true_rejects, len(table)),
        "accept_rate": _share(true_accepts + false_accepts, len(table)),
        "false_accept_rate": _share(false_accepts, false_accepts + true_rejects),
        "false_reject_rate": _share(false_rejects, false_rejects + true_accepts),
        "precision": _share(true_accepts, true_accepts + false_accepts),
        "recall": _share(true_accepts, true_accepts + false_rejects),
        "f1": _share(2 * true_accepts, 2 * true_accepts + false_accepts + false_rejects),
        "sureness": float(np.abs(table.graded - 0.5).mean()) * 10 if len(table) else math.nan,
    }


def difference(table: Table) -> dict[str, float]:
    """The rates of LACIE's answers less those of the baseline's."""
    lacie, baseline = verdicts(table.take(table.lacie)), verdicts(table.take(~table.lacie))
    return {key: lacie[key] - baseline[key] for key in RATES}


def with_listener(table: Table) -> dict[str, float]:
    """How well the listener's acceptance foretells what people did: `auroc` and `point_biserial` with their verdict,
    `spearman` with verdict and sureness as one number, `phi` of its own verdict at the threshold with theirs, and how
    often the two verdicts are the same.
    """
    heard = table.take(~np.isnan(table.acceptance))
    listener_accepts = heard.acceptance >= ACCEPT_THRESHOLD
    return {
        "auroc": auroc(heard.acceptance, heard.accepted),
        "point_biserial": pearson(heard.acceptance, heard.accepted),
        "spearman": spearman(heard.acceptance, heard.graded),
        "phi": pearson(listener_accepts, heard.accepted),
        "same_verdict": _share(int((listener_accepts == heard.accepted).sum()), len(heard)),
    }


def set_figures(judged: Sequence[Judged], *, bootstrap: int = 1000, seed: int = 0) -> dict[str, Any]:
    """All figures of one set of judgements."""
    table = Table.of(judged)
    clusters = _clusters([each.question_id for each in judged])
    samples = [table.take(drawn) for drawn in _draw(clusters, bootstrap, seed)]

    def intervals(measure: Measure) -> dict[str, list[float] | None]:
        return _intervals([measure(sample) for sample in samples], list(measure(table)))

    speakers = {}
    for speaker in SPEAKERS:
        of_speaker = table.lacie if speaker == "lacie" else ~table.lacie
        figures = verdicts(table.take(of_speaker))
        edges = intervals(lambda part, lacie=speaker == "lacie": verdicts(part.take(part.lacie == lacie)))  # type: ignore[misc]
        speakers[speaker] = {"n": int(of_speaker.sum()), **_plain(figures), "intervals": edges}
    heard = table.take(~np.isnan(table.acceptance))
    return {
        "n": len(judged),
        "questions": len(clusters),
        "people": len({each.person for each in judged}),
        "speakers": speakers,
        "difference": {**_plain(difference(table)), "intervals": intervals(difference)},
        "mcnemar": {
            "false_accepts": paired_test(judged, lambda each: each.accepted and not each.correct),
            "false_rejects": paired_test(judged, lambda each: not each.accepted and each.correct),
        },
        "between_people": {
            "verdict": between_people(judged, lambda each: float(each.accepted), "nominal", bootstrap, seed),
            "verdict_and_sureness": between_people(judged, lambda each: each.graded, "ordinal", bootstrap, seed),
        },
        "listener": {
            "n": len(heard),
            "threshold": ACCEPT_THRESHOLD,
            **_plain(with_listener(table)),
            "intervals": intervals(with_listener),
        },
    }


def paired_test(judged: Sequence[Judged], outcome: Callable[[Judged], bool]) -> dict[str, Any]:
    """McNemar's test of an outcome of the two speakers, paired by question: `n` pairs, on how many of them the outcome
    is true of one speaker alone, and p (None without pairs).
    """
    votes: dict[str, dict[SpeakerName, list[bool]]] = {}
    for each in judged:
        votes.setdefault(each.question_id, {speaker: [] for speaker in SPEAKERS})[each.speaker].append(outcome(each))
    pairs = []
    for by_speaker in votes.values():
        majority = [_majority(by_speaker[speaker]) for speaker in SPEAKERS]
        if majority[0] is not None and majority[1] is not None:
            pairs.append((majority[0], majority[1]))
    test = mcnemar_of([one for one, _ in pairs], [other for _, other in pairs])
    defined = bool(pairs)
    return {
        "n": len(pairs),
        "baseline": sum(one for one, _ in pairs),
        "lacie": sum(other for _, other in pairs),
        "only_baseline": test.only_left,
        "only_lacie": test.only_right,
        "p": test.p if defined else None,
        "chi_square": test.chi_square if defined else None,
        "chi_square_p": test.chi_square_p if defined else None,
    }


def between_people(
    judged: Sequence[Judged], value: Callable[[Judged], float], level: Level, bootstrap: int, seed: int
) -> dict[str, Any]:
    """Krippendorff's alpha over the answers that two people or more judged; None where it isn't defined."""
    units: dict[tuple[str, SpeakerName], list[float]] = {}
    for each in judged:
        units.setdefault((each.question_id, each.speaker), []).append(value(each))
    shared = [(question_id, unit) for (question_id, _), unit in units.items() if len(unit) > 1]
    counts, values = tally([unit for _, unit in shared])
    clusters = _clusters([question_id for question_id, _ in shared])
    samples = [{"alpha": alpha_of_counts(counts[drawn], values, level)} for drawn in _draw(clusters, bootstrap, seed)]
    return {
        "level": level,
        "n": len(shared),
        "judgements": sum(len(unit) for _, unit in shared),
        "alpha": _none_if_nan(alpha_of_counts(counts, values, level)),
        "interval": _intervals(samples, ["alpha"])["alpha"],
    }


def _clusters(question_ids: Sequence[str]) -> list[NDArray[np.int64]]:
    """The rows of each question."""
    rows: dict[str, list[int]] = {}
    for row, question_id in enumerate(question_ids):
        rows.setdefault(question_id, []).append(row)
    return [np.array(each, dtype=np.int64) for each in rows.values()]


def _draw(clusters: Sequence[NDArray[np.int64]], repeats: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Rows of as many questions, drawn with replacement; the same draws for the same questions and seed."""
    generator = np.random.default_rng(seed)
    for _ in range(repeats if clusters else 0):
        drawn = generator.integers(0, len(clusters), len(clusters))
        yield np.concatenate([clusters[place] for place in drawn])


def _intervals(samples: Sequence[dict[str, float]], keys: Sequence[str]) -> dict[str, list[float] | None]:
    """None where fewer than half of the draws define a figure."""
    result: dict[str, list[float] | None] = {}
    for key in keys:
        values = np.array([sample[key] for sample in samples], dtype=float)
        defined = values[~np.isnan(values)]
        enough = len(defined) and len(defined) >= len(values) / 2
        result[key] = [float(edge) for edge in np.quantile(defined, [0.025, 0.975])] if enough else None
    return result


def _majority(votes: Sequence[bool]) -> bool | None:
    """What most say; None for no votes, and for as many for either."""
    for_it = sum(votes)
    return None if 2 * for_it == len(votes) else 2 * for_it > len(votes)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    return {key: _none_if_nan(value) for key, value in figures.items()}


def _none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
