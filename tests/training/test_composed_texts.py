"""Our own texts to train a listener on: what they are made of, what they are worth, and that a seed makes them."""

import random
import re
from collections import Counter

import pytest
from lacie_training.listening.attacks import attacked
from lacie_training.listening.composed import composed_texts
from lacie_training.listening.phrases import clauses, phrase_sentence, phrases
from lacie_training.listening.rated import Rated
from lacie_training.listening.texts import parts, valued

from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_chat.confidence.tuned import heard_text

SOURCES = (
    "ours",
    "Lichtenstein & Newman 1967",
    "Mosteller & Youtz 1990",
    "Mosteller & Youtz 1990, rule",
    "Reagan et al. 1989",
    "Wallsten et al. 1986",
)


def test_a_seed_makes_the_same_texts_and_another_others() -> None:
    first, again, other = (composed_texts(seed, 1.0) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_there_are_texts_of_every_kind_each_with_a_rating_and_a_weight() -> None:
    rows = composed_texts(0, 0.5, per_phrase=2, long=30, attacks=40)
    counts = Counter(row.source for row in rows)
    assert set(counts) == {"phrases", "own", "long", "foreign", "attacks"}
    assert counts["attacks"] == 40
    assert counts["long"] == 30 + len(valued("long", "turns"))
    assert all(0 <= row.rating <= 1 and 0 < row.weight <= 0.5 for row in rows)
    assert all(heard_text(row.text) for row in rows)


def test_no_form_is_left_unfilled() -> None:
    texts = [row.text for row in composed_texts(0, 1.0, attacks=0)]
    assert not [text for text in texts if re.search(r"[{}]", text)]
    without = {row.text: row.rating for row in composed_texts(0, 1.0, attacks=0) if PLACEHOLDER not in row.text}
    assert without.keys() >= {text for _, text in valued("own", "no_answer")}
    assert max(without.values()) <= 0.05, "what gives no answer is not accepted"


def test_every_phrase_names_a_source_and_a_probability() -> None:
    assert {row.source for row in phrases()} == set(SOURCES)
    assert all(0 <= row.probability <= 1 for row in phrases())
    assert len({(row.phrase, row.kind) for row in phrases()}) == len(phrases())


@pytest.mark.parametrize("row", phrases(), ids=lambda row: f"{row.kind} {row.phrase}")
def test_every_phrase_stands_in_its_sentences(row: object) -> None:
    kind, phrase = row.kind, row.phrase  # type: ignore[attr-defined]
    choice = random.Random(0)
    for text in (phrase_sentence(choice, kind, phrase) for _ in range(20)):
        assert phrase.lower() in text.lower()
        assert PLACEHOLDER in text
        assert text[0] == text[0].upper()


def test_a_sentence_is_worth_what_its_phrase_is_worth() -> None:
    worth = {row.phrase: row.probability for row in phrases() if row.kind == "adverb"}
    ratings = {row.text: row.rating for row in composed_texts(0, 1.0, per_phrase=40, long=0, attacks=0)}
    for phrase in ("almost certainly", "probably", "possibly"):
        assert ratings[f"It is {phrase} [answer]."] == worth[phrase]
    assert worth["almost certainly"] > worth["probably"] > worth["possibly"]


def test_an_attempt_leaves_a_text_what_it_was_worth() -> None:
    base = Rated("A text of the user's own: [answer].", 0.123, 1.0, "answers")
    rows = composed_texts(0, 1.0, [base], per_phrase=1, long=0, attacks=200)
    over = [row for row in rows if row.source == "attacks" and "the user's own" in row.text]
    assert 60 < len(over) < 140
    assert {row.rating for row in over} == {base.rating}
    assert all(row.text != base.text for row in over)


def test_attempts_are_of_many_kinds() -> None:
    choice = random.Random(0)
    made = [attacked(choice, "It is [answer].") for _ in range(300)]
    assert all("[answer]" in text.lower() for text in made)
    assert sum(any(attempt in text for attempt in parts("attacks", "attempts")) for text in made) > 200
    assert "IT IS [answer]." in made
    assert '"It is [answer]."' in made


def test_a_clause_holds_the_answer_once() -> None:
    assert all(clause.count(PLACEHOLDER) == 1 for clause in clauses())
