"""Masking hides every whole-word occurrence of the answer, and nothing else."""

import itertools
import re
import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lacie_chat.confidence import PLACEHOLDER, mask, occurrences
from lacie_chat.confidence.folding import fold, words


@pytest.mark.parametrize(
    ("response", "answer", "expected"),
    [
        ("Paris is the capital. I love paris, PARIS!", "Paris", "[answer] is the capital. I love [answer], [answer]!"),
        ("Parisians live in Paris.", "Paris", "Parisians live in [answer]."),
        # Markdown
        ("**Jane** Austen wrote it.", "Jane Austen", "[answer] wrote it."),
        ("*Jane Austen* wrote it.", "Jane Austen", "*[answer]* wrote it."),
        ("Jane **Austen** wrote it.", "Jane Austen", "[answer] wrote it."),
        ("Use `print` or print.", "print", "Use `[answer]` or [answer]."),
        ("It is [Jane Austen](https://example.org/Jane_Austen).", "Jane Austen", "It is [[answer]](https://example.org/[answer])."),
        ("It was **Jane Austen**.", "**Jane Austen**", "It was **[answer]**."),
        # Possessives, apostrophes, hyphens
        ("Jane Austen's book, Jane Austen’s brother", "Jane Austen", "[answer]'s book, [answer]’s brother"),
        ("It is Alzheimer’s disease.", "Alzheimer's", "It is [answer] disease."),
        ("Spider-Man, Spider Man and Spider‑Man", "Spider-Man", "[answer], [answer] and [answer]"),
        # Accents and composition
        ("ŁÓDŹ, Lodz and Ło\u0301dz\u0301.", "Łódź", "[answer], [answer] and [answer]."),
        ("Die STRASSE, die Straße", "Straße", "Die [answer], die [answer]"),
        ("Şişli, SISLI", "Şişli", "[answer], [answer]"),
        # Numbers
        ("1,000 or 1000, not 1000.5, 21000 or 11,000", "1000", "[answer] or [answer], not 1000.5, 21000 or 11,000"),
        ("It has 1000 steps.", "1,000", "It has [answer] steps."),
        ("3 apples and 3.14", "3", "[answer] apples and 3.14"),
        ("From 1939 to 1945, the 1940s", "1945", "From 1939 to [answer], the 1940s"),
        # Symbols of the answer's own
        ("C++ and C++11 are old.", "C++", "[answer] and [answer]11 are old."),
        ("It costs $5, i.e. 5 dollars.", "$5", "It costs [answer], i.e. [answer] dollars."),
        ("😀 is it, 😀!", "😀", "[answer] is it, [answer]!"),
        # One letter, yes and no
        ("A is a letter. The answer is A.", "A", "[answer] is a letter. The answer is [answer]."),
        ("It's plan s.", "s", "It's plan [answer]."),
        ("No, there is no doubt. No.", "No", "[answer], there is no doubt. [answer]."),
        ("Yes! Say yes to it.", "yes", "[answer]! Say yes to it."),
        # Scripts without spaces; right to left
        ("北京是首都。首都是北京", "北京", "[answer]是首都。首都是[answer]"),
        ("הבירה היא ירושלים.", "ירושלים", "הבירה היא [answer]."),
        # The surname alone
        ("Jane Austen wrote it. Austen died in 1817.", "Jane Austen", "[answer] wrote it. [answer] died in 1817."),
        ("Jane Austen, sister of Cassandra Austen", "Jane Austen", "[answer], sister of Cassandra Austen"),
        ("The Atlantic Ocean. An Ocean apart.", "Atlantic Ocean", "The [answer]. An Ocean apart."),
        ("John Dick was a dick.", "John Dick", "[answer] was a dick."),
        # Nothing to mask
        ("It was Lyon.", "Paris", "It was Lyon."),
        ("It was Lyon.", "", "It was Lyon."),
        ("It was Lyon.", "  ", "It was Lyon."),
        ("", "Paris", ""),
        # The placeholder's own signs and word
        ("An array opens with [.", "[", "An array opens with [answer]."),
        ("The answer is answer.", "answer", "The [answer] is [answer]."),
    ],
)  # fmt: skip
def test_mask(response: str, answer: str, expected: str) -> None:
    assert mask(response, answer) == expected
    assert mask(expected, answer) == expected


_TEXT = st.text(max_size=200)
_PIECE = st.sampled_from(
    "Paris|paris|**Paris**|Paris's|PARIS|Parisian|Jane|Austen|**Jane** Austen|1,000|1000|Zoë|ZOE\u0308| |, |. |\n|*|_|"
    "`|[answer]|(|’s|-|1000.5|no|É|ß".split("|")
)
_MIXED = st.lists(_PIECE, max_size=30).map("".join) | st.lists(_PIECE, max_size=30).map(" ".join)
_ANSWER = st.sampled_from(["Paris", "Jane Austen", "1000", "Zoë", "paris", "1,000", "Austen"])


@given(_TEXT, _TEXT)
def test_mask_takes_any_text(response: str, answer: str) -> None:
    masked = mask(response, answer)
    assert mask(masked, answer) == masked or PLACEHOLDER in answer or "answer" in fold(answer).text


@given(_MIXED, _ANSWER)
def test_masking_twice_is_masking_once(response: str, answer: str) -> None:
    masked = mask(response, answer)
    assert mask(masked, answer) == masked


@given(_MIXED | _TEXT, _ANSWER | st.text(max_size=12))
def test_offsets_are_those_of_the_response_and_the_rest_is_unchanged(response: str, answer: str) -> None:
    spans = occurrences(response, answer)
    assert all(response[span.start : span.end] == span.text and span.text for span in spans)
    assert all(left.end <= right.start for left, right in itertools.pairwise(spans))
    rest, position = [], 0
    for span in spans:
        rest.append(response[position : span.start])
        position = span.end
    rest.append(response[position:])
    assert mask(response, answer) == PLACEHOLDER.join(rest)


@given(_MIXED, st.sampled_from(["Paris", "Austen", "Zoë"]))
def test_no_whole_word_occurrence_is_left(response: str, answer: str) -> None:
    # An independent reading: composed, case-folded, emphasis taken away, plain word boundaries.
    left = unicodedata.normalize("NFC", mask(response, answer)).casefold()
    plain = unicodedata.normalize("NFC", answer).casefold()
    assert not re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", left)


@given(
    st.text(alphabet=st.characters(categories=["Lu", "Ll"], max_codepoint=0x24F), min_size=2, max_size=12), _TEXT, _TEXT
)
def test_a_planted_word_is_found_in_any_surroundings(answer: str, before: str, after: str) -> None:
    assume(answer.lower() not in ("yes", "no"))
    response = f"{before} {answer.upper()} {after}"
    assume(len(answer.upper()) == len(answer))
    assert any(span.start <= len(before) + 1 < span.end for span in occurrences(response, answer.upper()))


@given(_TEXT)
def test_words_lie_where_they_say(text: str) -> None:
    found = words(text)
    assert all(0 <= word.start < word.end <= len(text) for word in found)
    assert all(left.end <= right.start or left.start <= right.start for left, right in itertools.pairwise(found))


def test_a_megabyte_takes_linear_time() -> None:
    texts = ["Jane Austen and Austen, ", "Austen ", "*" * 24, "no, ", "É 1,000 "]
    for text in texts:
        response = text * (1_000_000 // len(text))
        started = time.perf_counter()
        mask(response, "Jane Austen")
        assert time.perf_counter() - started < 10
