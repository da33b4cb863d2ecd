"""An answer span as words to compare: what is written in different ways is written in one.

Numbers in digits ("thirty-seven", "3 million", "World War II"), signs as words (50 %, $5, -3), singular for plural,
American spelling; no case, accents, punctuation, articles or titles, and none of the words that only lead to the
answer ("about 40", "in 1908").
"""

import re

from lacie_chat.confidence.folding import words
from lacie_chat.confidence.naming import singular

_SIGNS = (
    (re.compile(r"(?<![\w.,])[-\u2212](?=\d)"), " minus "),
    (re.compile(r"%|\bper cent\b"), " percent "),
    (re.compile(r"°\s*C\b"), " degree celsius "),
    (re.compile(r"°\s*F\b"), " degree fahrenheit "),
    (re.compile(r"\$\s*(\d[\d.,]*)"), r" \1 dollar "),
    (re.compile(r"€\s*(\d[\d.,]*)"), r" \1 euro "),
    (re.compile(r"£\s*(\d[\d.,]*)"), r" \1 pound "),
    (re.compile(r"&"), " and "),
    (re.compile(r"(?<=\d)(?=(?:km|cm|mm|kg|mg|ml|mph|bn)\b)"), " "),
)
_ARTICLES = frozenset(("a", "an", "the"))
_LEADING = frozenset("in on at by about around approximately roughly nearly circa ca c year".split())
_TITLES = frozenset("sir dame dr prof professor".split())
_UNITS = {
    "km": "kilometer", "kilometre": "kilometer", "m": "meter", "metre": "meter", "cm": "centimeter",
    "centimetre": "centimeter", "mm": "millimeter", "millimetre": "millimeter", "kg": "kilogram", "kilo": "kilogram",
    "mg": "milligram", "l": "liter", "litre": "liter", "ml": "milliliter", "mi": "mile", "ft": "foot", "feet": "foot",
    "lb": "pound", "hr": "hour", "min": "minute", "sec": "second", "centigrade": "celsius",
}  # fmt: skip
"""After a number."""
_SPOKEN = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {word: number for number, word in enumerate(f"{_SPOKEN} seventeen eighteen nineteen".split())}
_TENS = {
    word: 10 * number
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "bn": 10**9}
_ROMAN = {
    word: str(number)
    for number, word in enumerate("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split(), 1)
}
_MONTHS = "january february march april may june july august september october november december".split()
MONTHS = frozenset(_MONTHS)
_SHORT_MONTHS = {month[:3]: month for month in _MONTHS} | {"sept": "september"}


def answer_words(text: str) -> list[str]:
    """The words of an answer span in the one form that is compared; empty where there is none."""
    for sign, word in _SIGNS:
        text = sign.sub(word, text)
    found = _with_numbers([word.text for word in words(text)])
    plain = [_american(singular(word)) for word in found]
    plain = plain[:1] + [_roman(word, last=place == len(plain) - 1) for place, word in enumerate(plain)][1:]
    plain = _with_units(plain)
    while len(plain) > 1 and plain[0] in _LEADING:
        del plain[0]
    kept = [
        word
        for word, following in zip(plain, [*plain[1:], ""], strict=False)
        if word not in _ARTICLES or not following or (word == "a" and is_number(following))  # vitamin A, A-4
    ]
    return [word for word in kept if word not in _TITLES] or kept


def is_number(word: str) -> bool:
    """Whether a word of `answer_words` is a number."""
    return word[:1].isdigit() and word.replace(".", "", 1).isdigit()


def _american(word: str) -> str:
    """Colour as color, theatre as theater, organisation as organization."""
    for ending, other in (("our", "or"), ("tre", "ter"), ("ise", "ize"), ("isation", "ization")):
        if len(word) > 5 and word.endswith(ending):
            return word[: -len(ending)] + other
    return word


def _roman(word: str, *, last: bool) -> str:
    """The first word of a name is no ordinal, and a single letter is one only at the end: Louis V, V. Woolf."""
    return _ROMAN.get(word, word) if len(word) > 1 or last else word


def _with_units(found: list[str]) -> list[str]:
    """Units in full after a number, months in full beside one, and no endings of ordinals: 4th, 1990s stay apart."""
    plain: list[str] = []
    for place, word in enumerate(found):
        beside = found[max(0, place - 1) : place] + found[place + 1 : place + 2]
        if word in _SHORT_MONTHS and any(is_number(other) for other in beside):
            word = _SHORT_MONTHS[word]
        elif plain and is_number(plain[-1]):
            word = _UNITS.get(word, word)
        plain.append(re.sub(r"(?<=\d)(st|nd|rd|th)$", "", word))
    return plain


def _with_numbers(found: list[str]) -> list[str]:
    """Spoken numbers as one in digits: one thousand and sixty-six is 1066, 3 million 3000000."""
    plain: list[str] = []
    place = 0
    while place < len(found):
        number, after = _number_at(found, place)
        if number is None:
            plain.append(found[place])
            place += 1
        else:
            plain.append(number)
            place = after
    return plain


def _number_at(found: list[str], start: int) -> tuple[str | None, int]:
    """The number that begins at `start`, and where what follows it begins; None for no number."""
    total, whole = 0.0, True
    part: float | None = None
    place = after = start
    while place < len(found):
        word = found[place]
        scale = _SCALES.get(word)
        if scale is not None and part is not None:
            part *= scale
            if scale > 100:
                total, part = total + part, 0
        elif (spoken := _SMALL.get(word, _TENS.get(word))) is not None and _joins(part, spoken, whole):
            part = (part or 0) + spoken
        elif place == start and is_number(word) and not _SCALES.keys().isdisjoint(found[place + 1 : place + 2]):
            part, whole = float(word), False
        elif not (word == "and" and part is not None and place + 1 < len(found) and _continues(found, place)):
            break
        place += 1
        if word != "and":
            after = place
    if part is None:
        return None, start
    return f"{total + part:.10g}" if total + part < 10**10 else f"{total + part:.0f}", after


def _joins(part: float | None, spoken: int, whole: bool) -> bool:
    """Whether a spoken number goes on with one that has come to `part`: thirty seven, hundred twelve; not two three."""
    if part is None:
        return True
    if not whole:
        return False
    return part % (10 if spoken < 10 else 100) == 0 and (part == 0 or part >= 20)


def _continues(found: list[str], place: int) -> bool:
    """Whether an `and` stands inside a number: two hundred and six, not two and six."""
    following = found[place + 1]
    return found[place - 1] in _SCALES and (following in _SMALL or following in _TENS)
