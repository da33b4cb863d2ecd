"""A model that listens by a prompt separates sure from unsure wording, on answers that it has never seen.

`listener_set.jsonl` holds 112 masked answers written for this test, half sure, half not, in many forms. Its `dev` rows
chose the prompt, its `test` rows confirmed it.
"""

import json
from pathlib import Path

import pytest

from lacie_chat.confidence import PLACEHOLDER, PromptedListener
from lacie_chat.confidence.prompted import CHOICES, LISTENER_PREFIX, listener_suffix
from lacie_chat.confidence.shortening import shorten
from lacie_chat.confidence.version import PROMPTED

ROWS = [json.loads(line) for line in (Path(__file__).parent / "listener_set.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def heard(prompted: PromptedListener) -> list[float]:
    return prompted.acceptances([row["masked_response"] for row in ROWS])


def auroc(scores: list[float], labels: list[bool]) -> float:
    sure = [score for score, label in zip(scores, labels, strict=True) if label]
    unsure = [score for score, label in zip(scores, labels, strict=True) if not label]
    return sum((a > b) + (a == b) / 2 for a in sure for b in unsure) / (len(sure) * len(unsure))


def test_the_set_is_balanced_masked_and_unknown_to_the_prompt() -> None:
    assert len(ROWS) >= 60 and sum(row["sure"] for row in ROWS) * 2 == len(ROWS)
    texts = [row["masked_response"] for row in ROWS]
    assert all(PLACEHOLDER in text and f"Answer: {text}\n" not in LISTENER_PREFIX for text in texts)
    assert len(set(texts)) == len(texts)


def test_it_tells_sure_from_unsure(heard: list[float]) -> None:
    assert auroc(heard, [row["sure"] for row in ROWS]) >= 0.95


@pytest.mark.parametrize("split", ["dev", "test"])
def test_both_halves_agree(heard: list[float], split: str) -> None:
    pairs = [(score, row["sure"]) for score, row in zip(heard, ROWS, strict=True) if row["split"] == split]
    assert auroc([score for score, _ in pairs], [sure for _, sure in pairs]) >= 0.93


def test_a_half_is_a_fair_line_between_them(heard: list[float]) -> None:
    right = [(score > 0.5) == row["sure"] for score, row in zip(heard, ROWS, strict=True)]
    assert sum(right) / len(right) >= 0.8


def test_the_model_says_yes_or_no(prompted: PromptedListener) -> None:
    rows = prompted.reader.choice_probabilities(LISTENER_PREFIX, [listener_suffix(f"It is {PLACEHOLDER}.")], CHOICES)
    assert sum(rows[0]) > 0.9


def test_its_figures_are_of_a_version_of_their_own(prompted: PromptedListener) -> None:
    assert prompted.version.startswith(PROMPTED)


def test_white_space_and_length_do_not_change_the_form() -> None:
    assert listener_suffix("a\n\n b\t c") == "Answer: a b c\nHedges: none\nConfident:"
    assert listener_suffix("Maybe a\n\n b") == "Answer: Maybe a b\nHedges: Maybe\nConfident:"
    assert len(listener_suffix("word " * 300_000)) < 2000


@pytest.mark.parametrize("text", ["", "short", "a" * 10, "a b " * 40])
def test_shortening_keeps_beginning_and_end(text: str) -> None:
    cut = shorten(text, 20, 10)
    assert len(cut) <= max(len(text), 33)
    assert cut == text or (cut[:10] == text[:10] and cut[-5:] == text[-5:] and "…" in cut)
