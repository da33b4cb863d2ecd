"""Do two answer spans name the same thing? The one notion of it: for agreement of samples, comparison and study.

Two spans are the same if their words are, without case, accents, punctuation, articles, and with small numbers in
digits; or, since extraction cuts a span now longer, now shorter, if one stands whole inside the other ("Vienna" in
"Vienna, Austria") and the words around it don't make it another thing ("Korea" and "North Korea", 3 and 3 million).

Whether an answer is *right* is another question, and a stricter one: see evaluation/matching.py, whose `normalise` is
the data sets' own normal form. "The same" is no equivalence relation ("Paris, Texas" and "Paris, France" are each the
same as "Paris", and not as each other), so groups are made by what doesn't hang on the order of the spans: the
commonest answer is the one that most spans agree with, and different answers are counted as sets that nothing links.
"""

from collections import Counter
from collections.abc import Sequence

from lacie_chat.confidence.folding import words

_ARTICLES = frozenset(("a", "an", "the"))
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
_OTHER_THING = frozenset(
    "not no never non neither except north south east west northern southern eastern western central new upper lower "
    "hundred thousand million billion trillion percent minus half or".split()
)


def same_answer(one: str, other: str) -> bool:
    """Whether two answer spans name the same thing, as far as their words tell."""
    left, right = _words(one), _words(other)
    if not left or not right:
        return False
    if left == right:
        return True
    shorter, longer = sorted((left, right), key=len)
    size = len(shorter)
    for start in range(len(longer) - size + 1):
        if longer[start : start + size] == shorter:
            around = longer[:start] + longer[start + size :]
            is_number = all(word.isdigit() for word in shorter)
            return not _OTHER_THING.intersection(around) and not (is_number and any(w.isdigit() for w in around))
    return False


def _words(text: str) -> list[str]:
    found = [_NUMBERS.get(word.text, word.text) for word in words(text)]
    return [word for word in found if word not in _ARTICLES] or found


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
