"""Do two answer spans name the same thing? The one notion of it: for agreement of samples, comparison and study.

Two spans are the same if their words are (answer_words.py has the form in which they are compared), or if one is a
longer way of naming the other:

- it stands whole inside the other ("Vienna" in "Vienna, Austria", "Goethe" in "Johann Wolfgang von Goethe"), since
  extraction cuts a span now longer, now shorter, and the words around it don't make it another thing ("North Korea",
  3 million, "Part II"), nor one of several ("English and French");
- it lacks first or middle names, or has them as initials ("J. R. R. Tolkien"); it is the other's initials ("NASA"),
  or a date with fewer parts ("1776" and "July 4, 1776").

A slip of spelling is another word here: Ireland and Iceland are a letter apart.

Whether an answer is *right* is another question, and a stricter one: see evaluation/matching.py, whose `normalise` is
the data sets' own normal form. "The same" is no equivalence relation ("Paris, Texas" and "Paris, France" are each the
same as "Paris", and not as each other), so groups are made by what doesn't hang on the order of the spans: the
commonest answer is the one that most spans agree with, and different answers are counted as sets that nothing links.
Which of two people "George Bush" is, no words tell: he is the same as either, and they are not each other.
"""

import re
from collections import Counter
from collections.abc import Sequence

from lacie_chat.confidence.answer_words import MONTHS, answer_words, is_number
from lacie_chat.confidence.naming import short_name_of

_OTHER_THING = frozenset(
    "not no never non neither except dont north south east west northern southern eastern western central new upper "
    "lower minus half or and both".split()
)
_BRACKET = re.compile(r"[(\[][^()\[\]]*[)\]]")
_INITIALS = re.compile(r"[A-Z](?:\.?[A-Z])+\.?")
_SMALL_WORDS = frozenset("of and for the in on to".split())
_MOST_COUNTED = 3
"""Words that may follow a number which alone is the other answer: what is counted."""
_QUALIFIED = re.compile(r"[,;(\[]")


def same_answer(one: str, other: str) -> bool:
    """Whether two answer spans name the same thing, as far as their words tell."""
    left, right = answer_words(one), answer_words(other)
    if not left or not right:
        return False
    if left == right or "".join(left) == "".join(right):
        return True
    if not MONTHS.isdisjoint([*left, *right]) and (same := _same_date(left, right)) is not None:
        return same
    (_, shorter), (long_text, longer) = sorted(((one, left), (other, right)), key=lambda each: len(each[1]))
    return (
        _stands_in(shorter, longer, _head(long_text))
        or _without_bracket(one, right)
        or _without_bracket(other, left)
        or _shorter_name(shorter, longer)
        or any(
            _initials_of(text, words, written) or _turned(text) == words
            for text, words, written in ((one, right, other), (other, left, one))
        )
    )


def _stands_in(shorter: list[str], longer: list[str], head: list[str]) -> bool:
    """Whether one stands whole inside the other, begins in its `head`, and what is around it doesn't make it another
    thing."""
    size = len(shorter)
    if size == 1 and len(shorter[0]) == 1 and not is_number(shorter[0]):
        return False  # the E of an abbreviation
    for start in range(min(len(head), len(longer) - size + 1)):
        if longer[start : start + size] == shorter:
            before, after = longer[:start], longer[start + size :]
            if after[:1] == ["s"] and len(after) > 1:
                return False  # Jupiter's moon
            if not _OTHER_THING.isdisjoint([*before, *after]) or any(is_number(word) for word in (*before, *after)):
                return False
            return not all(map(is_number, shorter)) or (MONTHS.issuperset(before) and len(after) <= _MOST_COUNTED)
    return False


def _head(text: str) -> list[str]:
    """What is said before its qualification: Vancouver, of "Vancouver, Canada"."""
    return answer_words(_QUALIFIED.split(text, maxsplit=1)[0])


def _turned(text: str) -> list[str]:
    """An index entry read straight: "Korea, South"."""
    last, comma, first = text.partition(",")
    return answer_words(f"{first} {last}") if comma and "," not in first else []


def _without_bracket(text: str, other: list[str]) -> bool:
    """Whether it is the other with something in brackets after it: "The Wailers (1963-1974)"."""
    head = _BRACKET.sub(" ", text)
    return head != text and answer_words(head) == other


def _shorter_name(shorter: list[str], longer: list[str]) -> bool:
    if len(shorter) < 2 or any(is_number(word) or word in _SMALL_WORDS for word in (*shorter, *longer)):
        return False
    if min(map(len, (*shorter, *longer))) == 1 and shorter[0][0] != longer[0][0]:
        return False  # initials are of what begins the name
    more = set(longer).symmetric_difference(shorter)
    return _OTHER_THING.isdisjoint(more) and short_name_of(shorter, longer)


def _initials_of(text: str, words: list[str], written: str) -> bool:
    """Whether a text is the initials of the other's words, the small words counted or not."""
    if not _INITIALS.fullmatch(text.strip()) or len(words) < 2:
        return False
    letters = [letter.lower() for letter in text if letter.isalpha()]
    full = [word for word in re.findall(r"[^\W\d_]+", written.lower()) if word != "the"]
    return letters in ([word[0] for word in full], [word[0] for word in full if word not in _SMALL_WORDS])


def _same_date(left: list[str], right: list[str]) -> bool | None:
    """Whether one date has the parts of the other, or fewer of them; None if one of the two is no date."""
    dates = [{word for word in each if word != "of"} for each in (left, right)]
    if not all(each and all(word in MONTHS or is_number(word) for word in each) for each in dates):
        return None
    if any(len(MONTHS & each) > 1 or sum(len(word) == 4 for word in each - MONTHS) > 1 for each in dates):
        return None  # from one to another
    fewer, more = sorted(dates, key=len)
    told = MONTHS.intersection(fewer) or any(len(word) == 4 for word in fewer)  # a day alone is none
    return bool(told) and fewer <= more


def commonest_answer(spans: Sequence[str]) -> tuple[str, int]:
    """The span that most of `spans` agree with, and how many do (itself among them); of several such the one written
    most often, then the first. Raises ValueError for none.
    """
    if not spans:
        raise ValueError("there is no answer among no spans")
    written = Counter(spans)
    agreeing = {
        span: sum(count for other, count in written.items() if other == span or same_answer(span, other))
        for span in written
    }
    best = min(written, key=lambda span: (-agreeing[span], -written[span]))
    return best, agreeing[best]


def different_answers(spans: Sequence[str]) -> int:
    """How many answers stand in `spans`: sets of spans of which no two are linked by being the same."""
    groups: list[list[str]] = []
    for span in dict.fromkeys(spans):
        linked = [group for group in groups if any(same_answer(span, other) for other in group)]
        groups = [group for group in groups if group not in linked]
        groups.append([span, *(other for group in linked for other in group)])
    return len(groups)
