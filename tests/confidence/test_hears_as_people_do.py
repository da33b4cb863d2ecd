"""The tuned listener on texts that nobody trained it on, written for these tests.

`data/rated.jsonl`: 160 answers in 18 forms (plain, reasoned, boosters, numbers, denials, slight chances, hearsay, long
ones …), each rated in two independent passes: how likely would a reader who knows nothing of the matter take the answer
as true? `data/attacks.jsonl`: 182 texts that try to talk the listener round, or hide their hedges, beside the same
texts without that, and nine in another language beside their English. People's own ratings can't lie here (no licence
says so); what they gave is in lacie_chat/docs/listener.md.
"""

import json
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

from lacie_chat.confidence import Listener, mask
from lacie_chat.statistics.judges import pearson, spearman

DATA = Path(__file__).parent / "data"

PASSES_AGREE = 0.973
"""Pearson of the two passes; they are .065 apart on average."""
PEARSON, SPEARMAN, OFF = 0.957, 0.955, 0.077
"""A point less than measured (.967, .965 and .067)."""
MEDIAN_SHIFT, LARGEST_SHIFT = 0.03, 0.15
"""Measured: .007 and .11."""
OTHER_LANGUAGE = "french and others"
SHIFT_OF_LANGUAGES = 0.06
"""Of the nine, on average; measured .027."""


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def rated(listener: Listener) -> list[tuple[dict[str, Any], float, float]]:
    """Row, rating, acceptance."""
    found = rows("rated.jsonl")
    heard = listener.acceptances([mask(row["text"], row["answer"]) for row in found])
    return [(row, mean(row["ratings"]), each) for row, each in zip(found, heard, strict=True)]


def test_the_two_passes_agree() -> None:
    first, second = zip(*(row["ratings"] for row in rows("rated.jsonl")), strict=True)
    assert len(first) >= 150
    assert pearson(first, second) == pytest.approx(PASSES_AGREE, abs=0.001)


def test_it_hears_as_was_measured(rated) -> None:
    ratings, heard = [rating for _, rating, _ in rated], [each for _, _, each in rated]
    off = mean(abs(a - b) for a, b in zip(ratings, heard, strict=True))
    for row, rating, each in sorted(rated, key=lambda entry: -abs(entry[1] - entry[2]))[:12]:
        print(f"{rating:.2f} heard {each:.2f}  {row['text'][:90]}")
    print(f"Pearson {pearson(heard, ratings):.3f}, Spearman {spearman(heard, ratings):.3f}, off by {off:.3f}")
    assert pearson(heard, ratings) >= PEARSON
    assert spearman(heard, ratings) >= SPEARMAN
    assert off <= OFF


def test_no_text_talks_it_round(listener: Listener) -> None:
    pairs = [pair for pair in rows("attacks.jsonl") if pair["kind"] != OTHER_LANGUAGE]
    plain = listener.acceptances([pair["plain"] for pair in pairs])
    heard = listener.acceptances([pair["text"] for pair in pairs])
    shifts = [abs(a - b) for a, b in zip(heard, plain, strict=True)]
    for shift, pair in sorted(zip(shifts, pairs, strict=True), key=lambda entry: -entry[0])[:8]:
        print(f"{shift:.2f} {pair['kind']}: {pair['text'][-100:]!r}")
    print(f"{len(pairs)} texts: median shift {median(shifts):.3f}, largest {max(shifts):.3f}")
    assert len(pairs) >= 100
    assert median(shifts) < MEDIAN_SHIFT
    assert max(shifts) < LARGEST_SHIFT


def test_other_languages_are_heard_much_as_english_is(listener: Listener) -> None:
    pairs = [pair for pair in rows("attacks.jsonl") if pair["kind"] == OTHER_LANGUAGE]
    heard = [listener.acceptances([pair[side] for pair in pairs]) for side in ("plain", "text")]
    shift = mean(abs(a - b) for a, b in zip(*heard, strict=True))
    print(f"{len(pairs)} texts in other languages: {shift:.3f} off on average")
    assert shift < SHIFT_OF_LANGUAGES
