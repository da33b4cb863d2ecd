"""Hedges and boosters: the forms, the words that only sometimes count, negation, offsets."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.confidence import lexical_cues
from lacie_chat.confidence.lexicon import BOOSTERS, HEDGES, expand


def _texts(response: str) -> tuple[list[str], list[str]]:
    hedges, boosters = lexical_cues(response)
    return [span.text for span in hedges], [span.text for span in boosters]


@pytest.mark.parametrize(
    ("response", "hedges"),
    [
        ("I think it's Paris.", ["I think"]),
        ("It may be Paris, possibly Lyon.", ["may", "possibly"]),
        ("I’m not sure, but it could be Lyon.", ["I’m not sure", "could be"]),
        ("As far as I know it is Lyon, or something like that.", ["As far as I know", "or something"]),
        ("If I had to guess, I'd say Lyon.", ["If I had to guess", "I'd say"]),
        ("Don't quote me on that, give or take.", ["Don't quote me", "give or take"]),
        ("It seems that it appears to be so.", ["seems", "it appears"]),
        ("It is *probably* **Lyon**.", ["probably"]),
        ("I *am not* sure.", ["I *am not* sure"]),
        ("PERHAPS IT IS LYON", ["PERHAPS"]),
        ("It is fairly certain.", ["fairly certain"]),
        ("It isn't necessarily Lyon.", ["isn't necessarily"]),
        ("It's not entirely clear.", ["not entirely clear"]),
        ("It is believed to be Lyon; some say Nice.", ["is believed to", "some say"]),
        ("I don't know for sure.", ["don't know for sure"]),
        ("It's kind of a mystery.", ["kind of"]),
    ],
)
def test_hedges(response: str, hedges: list[str]) -> None:
    assert _texts(response) == (hedges, [])


@pytest.mark.parametrize(
    ("response", "boosters"),
    [
        ("It is certainly Paris.", ["certainly"]),
        ("Of course it's Paris, no doubt about it.", ["Of course", "no doubt"]),
        ("Without a shadow of a doubt: Paris.", ["Without a shadow of a doubt"]),
        ("I don't doubt that it was Paris.", ["don't doubt"]),
        ("I have no doubt.", ["I have no doubt"]),
        ("There is no question about it.", ["There is no question"]),
        ("I'm absolutely sure.", ["I'm absolutely sure"]),
        ("I am 100% certain that it is.", ["I am 100% certain"]),
        ("Clearly, it is Paris.", ["Clearly"]),
        ("It is clear that Paris won.", ["It is clear"]),
        ("Everyone knows that.", ["Everyone knows"]),
        ("Undoubtedly, undeniably **obviously** Paris", ["Undoubtedly", "undeniably", "obviously"]),
        ("It must be Paris.", ["must be"]),
    ],
)
def test_boosters(response: str, boosters: list[str]) -> None:
    assert _texts(response) == ([], boosters)


@pytest.mark.parametrize(
    ("response", "hedges"),
    [
        ("I can't be certain.", ["can't be certain"]),
        ("That is not obviously so.", ["not obviously"]),
        ("It's not for certain.", ["not for certain"]),
        ("I'm not 100% sure.", ["I'm not 100% sure"]),
        ("It is hardly certain.", []),
    ],
)
def test_negation_makes_a_hedge_of_a_booster(response: str, hedges: list[str]) -> None:
    assert _texts(response) == (hedges, [])


def test_a_negation_far_away_is_another_matter() -> None:
    assert _texts("It wasn't the year of the flood; it is definitely Paris") == ([], ["definitely"])


@pytest.mark.parametrize(
    "response",
    [
        # "may" and "might"
        "It ended in May 1945.",
        "In May, flowers bloom.",
        "The fair is held every may 12.",
        "You may use a pencil.",
        "Their military might grew.",
        "He pushed with all his might.",
        # "about" and other approximators say how much, not how sure
        "It is about 40 km long.",
        "A book about the war, around the world, almost 30 pages, roughly half.",
        # nouns, names and senses that do not hedge
        "A robin is a kind of bird, this sort of thing.",
        "Call Me Maybe is a song.",
        "I believe in God.",
        "He appeared on stage.",
        "Certain people have clear water and a pretty girl.",
        "Make sure that the lid is shut.",
        "Sure! Here it is.",
        "You can see clearly from the top.",
        "The water is clear and cold.",
        "Crystal clear water.",
        "He changed the course of course material.",
        "100% of the votes, 100% cotton",
        "I suggest a restaurant.",
        "She will like it.",
        "Salt must be added.",
        "No maybe about it.",
        "It was suggested by the king.",
        # code and addresses
        "Call `maybe()` at https://perhaps.example/probably now.",
        "```\nperhaps = certainly\n```",
        "```python\nmaybe it never closes",
    ],
)
def test_words_that_do_not_count_here(response: str) -> None:
    assert _texts(response) == ([], [])


def test_the_longest_form_wins() -> None:
    assert _texts("I could be wrong.") == (["I could be wrong"], [])
    assert _texts("beyond any reasonable doubt") == ([], ["beyond any reasonable doubt"])


def test_code_ends_where_it_ends() -> None:
    assert _texts("`maybe` perhaps ```\nprobably\n``` possibly") == (["perhaps", "possibly"], [])


_FORMS = [spelling for form in (*HEDGES, *BOOSTERS) for spelling in expand(form)]


@given(
    st.lists(
        st.sampled_from([*_FORMS, "not", "don't", "Paris", "May 1945", ",", ".", "\n", "`", "*", "’"]), max_size=30
    )
)
def test_offsets_hold_and_nothing_overlaps(pieces: list[str]) -> None:
    response = " ".join(pieces)
    hedges, boosters = lexical_cues(response)
    both = sorted((*hedges, *boosters), key=lambda span: span.start)
    assert all(response[span.start : span.end] == span.text and span.text for span in both)
    assert all(left.end <= right.start for left, right in itertools.pairwise(both))
    assert list(hedges) == sorted(hedges, key=lambda span: span.start)


@given(st.text())
def test_any_text_can_be_marked(response: str) -> None:
    for span in sum(lexical_cues(response), ()):
        assert response[span.start : span.end] == span.text


def test_every_form_of_the_lexicon_is_marked_by_itself_or_guarded() -> None:
    guarded = [form for form in _FORMS if not any(lexical_cues(f"It is so, {form} that"))]
    assert len(guarded) < len(_FORMS) * 0.02, guarded


def test_a_page_takes_a_few_milliseconds() -> None:
    page = "The capital may be Paris, and I think that the river is certainly about forty metres wide there. " * 20
    best = min(_timed(page) for _ in range(5))
    assert best < 0.02  # 2 ms on an idle core; the machine may be busy
    assert _timed("`" * 200_000) < 2 and _timed("i am not " * 50_000) < 10


def _timed(text: str) -> float:
    started = time.perf_counter()
    lexical_cues(text)
    return time.perf_counter() - started
