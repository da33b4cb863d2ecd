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

from lacie_chat.confidence.naming import short_name_of, singular

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = {ord(mark): " " for mark in string.punctuation + "\u2018\u2019\u201c\u201d\u00b4\u2013\u2014\u2026"}
_TITLES = """jr sr junior senior sir dame lord lady dr mr mrs ms miss prof professor saint st king queen president pope
emperor empress prince princess general admiral captain of in de and"""
_KINDS = """river mount mountain lake city state sea ocean desert island republic kingdom county company film movie
novel book song band street day war battle party people language family system disease bird fish tree plant dog cat"""
_QUALIFIERS = """north south east west northern southern eastern western central new old papua equatorial upper lower
great little american british table sea ice light dark white blue red black not no anything except but un non"""
_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_NAME_EXTRAS = frozenset(_TITLES.split())
_GENERIC = frozenset(_KINDS.split())
_DISTINGUISHING = frozenset(_QUALIFIERS.split())
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_UNITS.split())}
_NUMBER_WORDS |= {word: str(20 + 10 * number) for number, word in enumerate(_TENS.split())}
_NUMERALS = {word: str(number) for number, word in enumerate(_ROMAN.split(), start=1)}

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
    """As `exact`, but forgiving spelling, numbers as words, accents, plurals, titles and middle names."""
    if exact(answer, aliases):
        return True
    if not answer:
        return False
    given = _words(answer)
    return bool(given) and any(_same_thing(given, _words(form)) for alias in aliases for form in _forms(alias))


def _forms(alias: str) -> list[str]:
    """An alias, and the same put straight where it is an index entry ("Korea, South")."""
    before, comma, after = alias.partition(",")
    return [alias, f"{after} {before}"] if comma and after.strip() else [alias]


def matcher(name: str) -> Matcher:
    """The matcher that a recipe names."""
    return MATCHERS[name]


MATCHERS: dict[str, Matcher] = {"exact": exact, "lenient": lenient}


def _words(text: str) -> list[str]:
    """Normalised words without accents and brackets, singular, numbers and Roman numerals as digits."""
    text = re.sub(r"\([^)]*\)", " ", text)
    text = re.sub(r"(?<=\b\w)\.(?=\w\b)", "", text)  # U.S.A.
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    words = [_NUMBER_WORDS.get(word, word) for word in normalise(plain).split()]
    words = words[:1] + [_NUMERALS.get(word, word) for word in words[1:]]  # the first word is no ordinal of a name
    return [re.sub(r"(?<=\d)(st|nd|rd|th|s)$", "", singular(word)) for word in words]


def _same_thing(given: list[str], alias: list[str]) -> bool:
    if not alias:
        return False
    if "".join(given) == "".join(alias):
        return True
    for differing in (_numbers, _distinguishing):  # 1914 is not 1915, North Korea is not South Korea
        if differing(given) != differing(alias):
            return False
    core_given, core_alias = _without(given, _NAME_EXTRAS | _GENERIC), _without(alias, _NAME_EXTRAS | _GENERIC)
    if core_given == core_alias:
        return True
    names = sorted((_without(given, _NAME_EXTRAS), _without(alias, _NAME_EXTRAS)), key=len)
    return _name_of(*names, joined="and" in given + alias) or _spelt_alike(core_given, core_alias)


def _numbers(words: list[str]) -> list[str]:
    return [word for word in words if word.isdigit()]


def _distinguishing(words: list[str]) -> set[str]:
    """The words that make a thing another thing."""
    return {word for word in words if word in _DISTINGUISHING}


def _without(words: list[str], extras: frozenset[str]) -> list[str]:
    return [word for word in words if word not in extras] or words


def _name_of(shorter: list[str], longer: list[str], *, joined: bool) -> bool:
    """Whether one is the other with first or middle names left out: same last word, the rest in order."""
    if longer[-1] != shorter[-1] or joined:
        return False
    if len(shorter) == 1:
        return 1 < len(longer) <= 3 and len(shorter[0]) > 2 and shorter[0] not in _GENERIC
    return short_name_of(shorter, longer)


def _spelt_alike(one: list[str], other: list[str]) -> bool:
    """All words the same but one, which is one edit apart and long enough for that to be a slip and no other word."""
    if len(one) != len(other):
        return False
    differing = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    return len(differing) == 1 and _one_slip(*differing[0])


def _one_slip(one: str, other: str) -> bool:
    if min(len(one), len(other)) < 7 or one[0] != other[0] or any(mark.isdigit() for mark in one + other):
        return False
    one, other = (re.sub(r"(.)\1", r"\1", word) for word in (one, other))  # double letters are the usual slip
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1 or longer[:-1] == shorter:  # a last letter more is another word: Dominica(n)
        return False
    split = next(place for place, mark in enumerate(shorter) if mark != longer[place])
    return shorter[split:] == longer[split + 1 :]
