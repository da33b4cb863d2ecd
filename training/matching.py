"""Is an answer right? Comparison of an answer span with the accepted answers of a question.

`exact` is the method's own: the normalised answer is among the normalised aliases. It needs full alias lists, as
TriviaQA from the Hub has them. `lenient` is for data with a single, often odd alias ("Hubert Horatio Humphrey, Jr."
for an answer "Hubert Humphrey"): it forgives what the two ways of naming one thing usually differ in, and its
precision and recall are measured in the tests on a sample labelled by hand.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = {ord(mark): " " for mark in string.punctuation + "\u2018\u2019\u201c\u201d\u00b4\u2013\u2014\u2026"}
_TITLES = """jr sr junior senior sir dame lord lady dr mr mrs ms miss prof professor saint st king queen president pope
emperor empress prince princess general captain ii iii iv of in de and"""
_KINDS = """river mount mountain lake city state sea ocean island islands republic kingdom county company film movie
novel book song band street day war battle party people language family system disease bird fish tree plant dog cat"""
_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NAME_EXTRAS = frozenset(_TITLES.split())
_GENERIC = frozenset(_KINDS.split())
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_UNITS.split())}
_NUMBER_WORDS |= {word: str(20 + 10 * number) for number, word in enumerate(_TENS.split())}

Matcher = Callable[[str | None, Sequence[str]], bool]


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces: the usual normal form of TriviaQA answers."""
    text = unicodedata.normalize("NFKC", text).lower().replace("_", " ")
    text = re.sub(r"(?<=\w)['\u2019](?=\w)", "", text)
    text = _ARTICLES.sub(" ", text.translate(_PUNCTUATION))
    return " ".join(text.split())


def exact(answer: str | None, aliases: Sequence[str]) -> bool:
    """The normalised answer is one of the normalised aliases; never for no answer."""
    if not answer:
        return False
    wanted = normalise(answer)
    return bool(wanted) and any(wanted == normalise(alias) for alias in aliases)


def lenient(answer: str | None, aliases: Sequence[str]) -> bool:
    """As `exact`, but forgiving spelling of numbers, accents, plurals, titles, middle names and qualifiers."""
    if exact(answer, aliases):
        return True
    if not answer:
        return False
    given = _words(answer)
    return bool(given) and any(_same_thing(given, _words(alias)) for alias in aliases)


def matcher(name: str) -> Matcher:
    """The matcher that a recipe names."""
    return {"exact": exact, "lenient": lenient}[name]


def _words(text: str) -> list[str]:
    """Normalised words without accents, numbers as digits, plurals and brackets' contents taken off."""
    text = re.sub(r"\([^)]*\)", " ", text)
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    words = [_NUMBER_WORDS.get(word, word) for word in normalise(plain).replace("&", " ").split()]
    return [re.sub(r"(?<=\d)(st|nd|rd|th|s)$", "", _singular(word)) for word in words]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _same_thing(given: list[str], alias: list[str]) -> bool:
    if not alias:
        return False
    if "".join(given) == "".join(alias):
        return True
    numbers = [word for word in given if word.isdigit()], [word for word in alias if word.isdigit()]
    if numbers[0] != numbers[1]:  # 1914 is not 1915, and "Apollo 11" not "Apollo"
        return False
    core_given, core_alias = _core(given), _core(alias)
    if core_given == core_alias:
        return True
    if min(len(core_given), len(core_alias)) == 0:
        return False
    shorter, longer = sorted((core_given, core_alias), key=len)
    if len(shorter) == 1:
        return _one_word_names(shorter[0], longer)
    return _in_order(shorter, longer) or _spelt_alike("".join(core_given), "".join(core_alias))


def _core(words: list[str]) -> list[str]:
    kept = [word for word in words if word not in _NAME_EXTRAS and word not in _GENERIC]
    return kept or words


def _one_word_names(word: str, longer: list[str]) -> bool:
    """A surname stands for a full name, a head word for a qualified one: only if it is the last word, and not
    short.
    """
    if len(longer) == 1:
        return _spelt_alike(word, longer[0])
    return len(word) > 3 and not word.isdigit() and len(longer) <= 4 and longer[-1] == word


def _in_order(shorter: list[str], longer: list[str]) -> bool:
    """All words of the shorter stand in the longer in order, the last one last: middle names and initials left out."""
    if longer[-1] != shorter[-1] or len(longer) - len(shorter) > 2:
        return False
    position = 0
    for word in shorter:
        while position < len(longer) and not _initial_of(word, longer[position]):
            position += 1
        if position == len(longer):
            return False
        position += 1
    return True


def _initial_of(one: str, other: str) -> bool:
    return one == other or (1 in (len(one), len(other)) and one[0] == other[0])


def _spelt_alike(one: str, other: str) -> bool:
    """One edit apart, in words long enough for that to be a spelling and not another word."""
    if min(len(one), len(other)) < 7 or abs(len(one) - len(other)) > 1 or one[0] != other[0]:
        return False
    if any(mark.isdigit() for mark in one + other):
        return False
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    shorter, longer = sorted((one, other), key=len)
    split = next((i for i, mark in enumerate(shorter) if mark != longer[i]), len(shorter))
    return shorter[split:] == longer[split + 1 :]
