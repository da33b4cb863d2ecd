"""What a speaker knew of its own draws: their ranks, and the pairs on which that and truth agree."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from lacie_training.errors import TrainingError
from lacie_training.pairs import make_pairs
from lacie_training.recipes.schema import PairSettings
from lacie_training.samples.knowledge import likelihood_ranks


def draw(number: int, correct: bool, logprob: float | None, question: str = "") -> dict[str, Any]:
    """One draw, and how probable each of its two tokens was to the speaker."""
    signals = None
    if logprob is not None:
        own = {"span_sum": 2 * logprob, "span_lowest": logprob, "span_first": logprob, "mean": logprob}
        signals = {**own, "span_tokens": 2, "tokens": 9}
    return {
        "id": f"q{number}#plain0",
        "question_id": question or f"q{number}",
        "style": "plain",
        "prompt": "?",
        "response": "It is Lyon.",
        "answer_span": "Lyon",
        "state": "answered",
        "acceptance": 0.9,
        "finish": "stop",
        "correct": correct,
        "signals": signals,
    }


def many(count: int = 400) -> list[dict[str, Any]]:
    """Draws that are the likelier right the more probable they were, but for chance."""
    numbers = np.random.default_rng(7)
    found = []
    for number in range(count):
        logprob = -float(numbers.exponential(1.5))
        found.append(draw(number, bool(numbers.random() < np.exp(logprob)), logprob))
    return found


def with_doubt(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The draw, and what it says with doubt."""
    name = row["id"].replace("plain", "mild")
    twin = {**row, "id": name, "style": "mild", "response": "It is Lyon, perhaps.", "acceptance": 0.4, "signals": None}
    return [{**row, "draw": row["id"]}, {**twin, "draw": row["id"]}]


def test_the_more_probable_the_words_of_an_answer_the_nearer_to_the_top() -> None:
    rows = many()
    ranks = likelihood_ranks(rows, seed=0)
    assert sorted(ranks.values()) == [place / 400 for place in range(400)]
    # each is ranked by a fit that didn't see it, so the order is that of the probabilities but for the folds' seams
    sums = [row["signals"]["span_sum"] for row in rows]
    order = np.argsort(np.argsort([-each for each in sums])) / 400
    assert np.corrcoef(order, [ranks[row["id"]] for row in rows])[0, 1] > 0.99
    assert ranks == likelihood_ranks(rows[::-1], seed=0)


def test_draws_of_one_question_are_ranked_by_a_fit_that_saw_none_of_them() -> None:
    """A question whose draws are all right though improbable, against all others: it can't teach that of itself."""
    rows = many()
    odd = [draw(1000 + number, True, -9.0, question="odd") for number in range(60)]
    ranks = likelihood_ranks([*rows, *odd], seed=0)
    assert min(ranks[row["id"]] for row in odd) > 0.8


def test_draws_without_an_answer_or_probabilities_have_no_rank() -> None:
    silent = {**draw(900, False, -1.0), "state": "abstained", "answer_span": None}
    ranks = likelihood_ranks([*many(), silent, draw(901, True, None)], seed=0)
    assert silent["id"] not in ranks and "q901#plain0" not in ranks and len(ranks) == 400


def test_what_can_t_be_ranked_is_one_line() -> None:
    with pytest.raises(TrainingError, match="probabilities of the speaker's tokens, which these samples don't have"):
        likelihood_ranks([draw(number, True, None) for number in range(100)], seed=0)
    with pytest.raises(TrainingError, match="leave top out of pairs"):
        likelihood_ranks([draw(number, False, -1.0) for number in range(100)], seed=0)


def test_pairs_are_those_on_which_truth_and_knowledge_agree() -> None:
    rows = [twin for row in many() for twin in with_doubt(row)]
    ranks = likelihood_ranks([row for row in rows if row["style"] == "plain"], seed=0)
    rung = {"sure": "plain", "unsure": "mild", "wrong_per_right": 0.01, "top": 0.3}

    def paired(**settings: Any) -> tuple[list[dict[str, Any]], Counter[str]]:
        options = PairSettings(ladder=[{**rung, **settings}])
        pairs, report = make_pairs(rows, options, objective="lacie", seed=0)
        return pairs, report.dropped_pairs

    right, dropped = paired()
    assert right and all(ranks[pair["id"].split(">")[0]] < 0.3 for pair in right if pair["kind"].startswith("right"))
    wrong, _ = paired(wrong_per_right=1.0)
    assert all(ranks[pair["id"].split(">")[1]] >= 0.3 for pair in wrong if pair["kind"].startswith("wrong"))
    against = sum(row["correct"] != (ranks[row["id"]] < 0.3) for row in rows if row["style"] == "plain")
    assert dropped["right or wrong against all that the speaker knew"] == against > 0
    _, everything = paired(top=None)
    assert "right or wrong against all that the speaker knew" not in everything
