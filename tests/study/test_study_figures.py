"""The figures of a study: against the paper's table, by hand, and against scipy and scikit-learn."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import precision_score, recall_score, roc_auc_score

from lacie_chat.statistics.metrics import point
from lacie_chat.study.figures import COUNTS, RATES, Judged, Table, paired_test, set_figures, verdicts

DRAWS = 60


def judged(question: int, speaker: Any, accepted: bool, correct: bool, person: str = "ana", **more: Any) -> Judged:
    values = {"sure": 3, "known": False, "abstained": False, "acceptance": 0.5, **more}
    return Judged(person, f"q{question}", speaker, accepted, correct=correct, **values)


def of_counts(speaker: Any, ta: int, fa: int, tr: int, fr: int, start: int = 0) -> Iterator[Judged]:
    kinds = [(True, True)] * ta + [(True, False)] * fa + [(False, False)] * tr + [(False, True)] * fr
    for number, (accepted, correct) in enumerate(kinds):
        yield judged(start + number, speaker, accepted, correct)


def random_judgements(seed: int, questions: int = 40, people: int = 3) -> list[Judged]:
    random = np.random.default_rng(seed)
    rows = []
    for question in range(questions):
        right = {speaker: bool(random.random() < 0.4) for speaker in ("baseline", "lacie")}
        heard = {speaker: round(float(random.random()), 2) for speaker in right}
        for person in range(people):
            speaker: Any = "lacie" if random.random() < 0.5 else "baseline"
            accepted = bool(random.random() < 0.2 + 0.6 * heard[speaker])
            rows.append(
                judged(
                    question,
                    speaker,
                    accepted,
                    right[speaker],
                    f"p{person}",
                    sure=int(random.integers(1, 6)),
                    acceptance=heard[speaker],
                )
            )
    return rows


def test_the_papers_table() -> None:
    """METHOD.md: 79 and 78 items, false accepts 32 and 17, false rejects 6 and 7, precision .49 and .64."""
    rows = [*of_counts("baseline", 31, 32, 10, 6), *of_counts("lacie", 30, 17, 24, 7)]
    figures = set_figures(rows, bootstrap=DRAWS)
    baseline, lacie = figures["speakers"]["baseline"], figures["speakers"]["lacie"]
    assert (baseline["n"], lacie["n"]) == (79, 78)
    assert (baseline["false_accepts"], lacie["false_accepts"]) == (32, 17)
    assert (baseline["false_rejects"], lacie["false_rejects"]) == (6, 7)
    assert round(baseline["precision"], 2) == 0.49
    assert round(lacie["precision"], 2) == 0.64
    assert figures["difference"]["precision"] == pytest.approx(30 / 47 - 31 / 63)
    assert figures["difference"]["false_accept_rate"] == pytest.approx(17 / 41 - 32 / 42)


def test_counts_and_rates_are_those_of_evaluations_and_of_scikit_learn() -> None:
    rows = random_judgements(1)
    table = Table.of(rows)
    found = verdicts(table)
    assert sum(found[key] for key in COUNTS) == len(rows)
    assert found["precision"] == pytest.approx(precision_score(table.correct, table.accepted))
    assert found["recall"] == pytest.approx(recall_score(table.correct, table.accepted))
    from lacie_chat.statistics.metrics import Scored

    as_scored = Scored(table.accepted.astype(float), table.correct, np.zeros(len(rows), dtype=bool))
    same = point(as_scored, 0.5)
    assert {key: found[key] for key in (*COUNTS, "precision", "recall", "f1", "accuracy")} == pytest.approx(
        {key: same[key] for key in (*COUNTS, "precision", "recall", "f1", "accuracy")}
    )


def test_the_listener_against_people() -> None:
    rows = [*random_judgements(2), judged(99, "lacie", True, True, acceptance=None)]
    figures = set_figures(rows, bootstrap=DRAWS)["listener"]
    heard = rows[:-1]
    score, accepted = [each.acceptance for each in heard], [each.accepted for each in heard]
    assert figures["n"] == len(heard), "an empty answer was not heard"
    assert figures["auroc"] == pytest.approx(roc_auc_score(accepted, score))
    assert figures["point_biserial"] == pytest.approx(stats.pointbiserialr(accepted, score).statistic)
    assert figures["spearman"] == pytest.approx(stats.spearmanr(score, [each.graded for each in heard]).statistic)
    assert 0.6 < figures["auroc"] < 0.95
    low, high = figures["intervals"]["auroc"]
    assert low < figures["auroc"] < high


def test_sureness_and_verdict_in_one() -> None:
    rows = [judged(0, "lacie", accepted, True, sure=sure) for accepted in (False, True) for sure in (5, 1)]
    assert [each.graded for each in rows] == [0.0, 0.4, 1.0, 0.6]


def test_mcnemar_pairs_the_majorities() -> None:
    def wrongly_accepted(each: Judged) -> bool:
        return each.accepted and not each.correct

    rows = [
        judged(1, "baseline", True, False),  # both speakers judged, the outcome on the baseline alone
        judged(1, "lacie", False, False, "bo"),
        judged(2, "baseline", True, False),  # two of three accept the baseline's
        judged(2, "baseline", True, False, "bo"),
        judged(2, "baseline", False, False, "cy"),
        judged(2, "lacie", False, False, "di"),
        judged(3, "baseline", True, False),  # no one judged LACIE's
        judged(4, "baseline", True, False),  # as many for as against
        judged(4, "baseline", False, False, "bo"),
        judged(4, "lacie", False, False, "cy"),
        judged(5, "baseline", True, True),  # accepting what is right is no false accept
        judged(5, "lacie", True, False, "bo"),
    ]
    found = paired_test(rows, wrongly_accepted)
    assert (found["n"], found["only_baseline"], found["only_lacie"]) == (3, 2, 1)
    assert (found["baseline"], found["lacie"]) == (2, 1)
    assert found["p"] == pytest.approx(stats.binomtest(1, 3).pvalue)
    assert paired_test(rows[:1], wrongly_accepted)["p"] is None


def test_mcnemar_on_many_is_scipys_binomial_test() -> None:
    rows = random_judgements(5, questions=200)
    found = set_figures(rows, bootstrap=2)["mcnemar"]["false_accepts"]
    alone = found["only_baseline"], found["only_lacie"]
    assert min(alone) > 3
    assert found["p"] == pytest.approx(stats.binomtest(alone[0], sum(alone)).pvalue)
    assert found["chi_square_p"] == pytest.approx(stats.chi2.sf(found["chi_square"], 1))


def test_people_who_say_the_same_agree_and_others_do_not() -> None:
    same = [judged(n, "lacie", n % 2 == 0, True, person, sure=4) for n in range(8) for person in ("ana", "bo")]
    found = set_figures(same, bootstrap=DRAWS)["between_people"]
    assert found["verdict"]["alpha"] == 1.0
    assert found["verdict"]["interval"] == [1.0, 1.0]
    assert (found["verdict"]["n"], found["verdict"]["judgements"]) == (8, 16)
    apart = [replace(each, speaker="baseline") if each.person == "bo" else each for each in same]
    assert set_figures(apart, bootstrap=2)["between_people"]["verdict"]["n"] == 0, "two answers, though one question"
    against = [replace(each, accepted=not each.accepted) if each.person == "bo" else each for each in same]
    assert set_figures(against, bootstrap=2)["between_people"]["verdict"]["alpha"] < 0
    unsure = [replace(each, sure=1) if each.person == "bo" else each for each in same]
    found = set_figures(unsure, bootstrap=2)["between_people"]
    assert found["verdict"]["alpha"] == 1.0
    assert 0 < found["verdict_and_sureness"]["alpha"] < 1


def test_more_judges_of_the_same_questions_make_no_figure_surer() -> None:
    """The questions are drawn, not the judgements: saying all twice changes no interval."""
    rows = random_judgements(7)
    once, twice = (set_figures(each, bootstrap=DRAWS) for each in (rows, [*rows, *rows]))
    for key in RATES:
        assert once["speakers"]["lacie"]["intervals"][key] == pytest.approx(
            twice["speakers"]["lacie"]["intervals"][key]
        )
        assert once["difference"]["intervals"][key] == pytest.approx(twice["difference"]["intervals"][key])
    assert once["listener"]["intervals"]["auroc"] == pytest.approx(twice["listener"]["intervals"]["auroc"])


def test_an_interval_is_as_wide_as_it_should_be() -> None:
    rows = [judged(n, "lacie", n < 120, True) for n in range(200)]
    low, high = set_figures(rows, bootstrap=800)["speakers"]["lacie"]["intervals"]["accept_rate"]
    width = 2 * 1.96 * math.sqrt(0.6 * 0.4 / 200)
    assert high - low == pytest.approx(width, rel=0.12)


def test_figures_that_are_not_defined_are_none() -> None:
    figures = set_figures([judged(1, "lacie", True, True)], bootstrap=5)
    assert figures["speakers"]["baseline"]["precision"] is None
    assert figures["speakers"]["baseline"]["n"] == 0
    assert figures["difference"]["precision"] is None
    assert figures["listener"]["auroc"] is None
    assert figures["between_people"]["verdict"]["alpha"] is None
    assert set_figures([], bootstrap=5)["n"] == 0
