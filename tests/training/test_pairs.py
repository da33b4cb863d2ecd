"""Pairs against cases worked by hand: scores, margin, what is dropped, the cap, the balance."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lacie_training.errors import TrainingError
from lacie_training.pairs import make_pairs, run, score
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.schema import PairSettings
from lacie_training.run_folder import RunFolder, read_rows, write_rows

CA, CR, IA, IR = (True, 0.9), (True, 0.2), (False, 0.8), (False, 0.1)
KIND = {
    CA: "correct&accepted",
    CR: "correct&rejected",
    IA: "incorrect&accepted",
    IR: "incorrect&rejected",
}


def row(number: int, correct: bool, acceptance: float | None, *, question: str = "q", **more: Any) -> dict[str, Any]:
    return {
        "id": f"{question}#{number}",
        "question_id": question,
        "prompt": f"{question}:",
        "response": f"It is answer {number}.",
        "answer_span": f"answer {number}",
        "state": "answered",
        "finish": "stop",
        "correct": correct,
        "acceptance": acceptance,
        **more,
    }


def pairs_of(*samples: tuple[bool, float], objective: str = "lacie", **settings: Any) -> list[dict[str, Any]]:
    options = PairSettings(**{"threshold": 0.5, "per_question": 99, "balance": None, **settings})
    rows = [row(number, *sample) for number, sample in enumerate(samples)]
    return make_pairs(rows, options, objective=objective, seed=0)[0]


# the method's table of scores
@pytest.mark.parametrize(("sample", "worth"), [(CA, 1.0), (IR, 1.0), (CR, -0.5), (IA, -1.0)])
def test_scores(sample: tuple[bool, float], worth: float) -> None:
    assert score(row(0, *sample), 0.5, PairSettings(), "lacie") == worth
    assert score(row(0, *sample), 0.5, PairSettings(), "truthful_only") == float(sample[0])


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (CA, IA, "correct&accepted > incorrect&accepted"),
        (CA, CR, "correct&accepted > correct&rejected"),
        (IR, IA, "incorrect&rejected > incorrect&accepted"),
        (IR, CR, "incorrect&rejected > correct&rejected"),
        (CR, IA, "correct&rejected > incorrect&accepted"),
        (CA, IR, None),  # both are as they should be
        (CA, (True, 0.7), None),
        (IR, (False, 0.3), None),
    ],
)
def test_each_pair_of_samples(one: tuple[bool, float], other: tuple[bool, float], kind: str | None) -> None:
    for first, second in ((one, other), (other, one)):
        # acceptances .9 and .8 lie on the margin; the table is about scores
        found = pairs_of(first, second, margin=0.05)
        assert [pair["kind"] for pair in found] == ([kind] if kind else [])


def test_truthful_only_prefers_correct_whatever_the_listener_says() -> None:
    samples = (CA, CR, IA, IR)
    found = {pair["kind"] for pair in pairs_of(*samples, objective="truthful_only")}
    assert found == {f"{KIND[good]} > {KIND[bad]}" for good in (CA, CR) for bad in (IA, IR)}
    assert pairs_of((True, 0.9), (False, 0.9), objective="truthful_only"), "the margin is the listener's: not applied"


def test_the_margin_drops_pairs_that_sound_alike() -> None:
    assert pairs_of((False, 0.45), (False, 0.54)) == []
    assert len(pairs_of((False, 0.45), (False, 0.56))) == 1


def test_threshold_is_the_median_of_all_samples_also_of_those_that_are_dropped() -> None:
    rows = [row(n, False, value) for n, value in enumerate((0.1, 0.2, 0.3, 0.9))]
    rows.append(row(9, False, 0.8, answer_span=None, state="abstained"))
    _, report = make_pairs(rows, PairSettings(balance=None), objective="lacie", seed=0)
    assert report.threshold == 0.3
    _, fixed = make_pairs(rows, PairSettings(balance=None, threshold=0.66), objective="lacie", seed=0)
    assert fixed.threshold == 0.66


def test_samples_without_an_answer_and_bare_answers_are_dropped_and_counted() -> None:
    rows = [
        row(0, *CA),
        row(1, *IA),
        row(2, False, 0.1, answer_span=None, state="abstained"),
        row(3, False, None, answer_span=None, state="no_claim"),
        row(4, True, 0.2, response="Answer 4!", answer_span="answer 4"),
    ]
    settings = PairSettings(threshold=0.5, margin=0.05, balance=None)
    pairs, report = make_pairs(rows, settings, objective="lacie", seed=0)
    assert len(pairs) == 1
    assert report.dropped_samples == {"without an answer": 2, "nothing but the answer": 1}
    keep_bare = settings.model_copy(update={"drop_bare_answers": False})
    assert len(make_pairs(rows, keep_bare, objective="lacie", seed=0)[0]) == 3


def test_the_cap_per_question_is_a_cap() -> None:
    """The reference code's break left only the inner loop, so a question could have far more than three pairs."""
    rows = [row(n, *sample, question=q) for q in ("a", "b", "c") for n, sample in enumerate((CA, IA) * 5)]
    settings = PairSettings(threshold=0.5, margin=0.05, balance=None)
    pairs, report = make_pairs(rows, settings, objective="lacie", seed=0)
    assert Counter(pair["question_id"] for pair in pairs) == {"a": 3, "b": 3, "c": 3}
    assert report.dropped_pairs["over the cap per question"] == 3 * (25 - 3)
    one = settings.model_copy(update={"per_question": 1})
    assert len(make_pairs(rows, one, objective="lacie", seed=0)[0]) == 3


def balanced(limit: float | None) -> Counter[str]:
    samples = {"a": (IR, IA), "b": (IR, IA), "c": (IR, IA), "d": (IR, IA), "e": (CA, IA)}
    rows = [row(n, *sample, question=q) for q, pair in samples.items() for n, sample in enumerate(pair)]
    settings = PairSettings(threshold=0.5, margin=0.05, balance=limit)
    return Counter(pair["kind"] for pair in make_pairs(rows, settings, objective="lacie", seed=0)[0])


def test_kinds_are_balanced_to_the_rarest_or_to_a_multiple_of_it() -> None:
    common, rare = "incorrect&rejected > incorrect&accepted", "correct&accepted > incorrect&accepted"
    assert balanced(1.0) == {common: 1, rare: 1}
    assert balanced(2.5) == {common: 2, rare: 1}
    assert balanced(None) == {common: 4, rare: 1}


def test_the_texts_carry_the_answer_unmasked_and_the_separator() -> None:
    rows = [row(0, *CA), row(1, *IA, finish="length")]
    settings = PairSettings(threshold=0.5, margin=0.05, balance=None)
    [pair] = make_pairs(rows, settings, objective="lacie", seed=0, separator=" ")[0]
    assert (pair["prompt"], pair["chosen"], pair["rejected"]) == ("q:", " It is answer 0.", " It is answer 1.")
    assert pair["chosen_finished"] and not pair["rejected_finished"]


def test_same_seed_same_pairs_other_seed_other_pairs() -> None:
    rows = [row(n, *sample) for n, sample in enumerate((CA, IA) * 6)]
    settings = PairSettings(threshold=0.5, margin=0.05)
    assert (
        make_pairs(rows, settings, objective="lacie", seed=1)[0]
        == make_pairs(rows, settings, objective="lacie", seed=1)[0]
    )
    assert (
        make_pairs(rows, settings, objective="lacie", seed=1)[0]
        != make_pairs(rows, settings, objective="lacie", seed=2)[0]
    )


def test_pairs_wait_until_all_samples_are_judged(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, load_recipe("smoke"))
    rows = [row(n, *sample) for n, sample in enumerate((CA, IA, IR))]
    write_rows(tmp_path / "samples.jsonl", rows)
    write_rows(tmp_path / "judged.jsonl", rows[:2])
    with pytest.raises(TrainingError, match="only 2 of 3 samples are judged; run the stage 'judge' to its end first"):
        run(folder)
    write_rows(tmp_path / "judged.jsonl", rows)
    run(folder)
    assert read_rows(tmp_path / "pairs.jsonl")


def test_no_acceptance_at_all_is_an_error() -> None:
    with pytest.raises(TrainingError, match="no sample has an acceptance"):
        make_pairs([row(0, False, None)], PairSettings(), objective="lacie", seed=0)
