"""Text as it is compared: without case, accents or invisible characters, each character knowing where it came from.

Masking and extraction must find "Lodz" where the response has "ŁÓDŹ" in capitals or "Ło\u0301dz" in two code
points, and then cut the *original* text. `Folded` therefore carries an index beside every folded character.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Accents of Latin, Greek and Cyrillic; and what is there but not seen (soft hyphen, zero-width characters, variation
# selectors, direction marks).
_DROPPED = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")

# Letters that Unicode does not decompose although readers take them for the plain one.
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})

# Marks that belong inside a word in scripts that write vowels as marks (Hebrew, Arabic, the Indic scripts, Thai).
_MARKS = "\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0980-\u0dff\u0e31-\u0e4e"

# A number with its thousands separators is one word, and so is a decimal: the answer 3 does not stand in 3.14.
_WORD = re.compile(
    r"\d{1,3}(?:(?:,\d{3})+|(?:[ '’]\d{3})+|(?:\.\d{3}){2,})(?:\.\d+)?(?!\d)|\d+\.\d+"
    rf"|(?:[^\W_]|[{_MARKS}])+"
)
_SEPARATORS = re.compile(r"[, '’](?=\d)")


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return _DROPPED.sub("", folded).translate(_PLAIN)


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word; `start` and `end` are offsets of the text it was folded from (end exclusive)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Folded:
    """`text[i]` came from the original's character `origin[i]`; `origin[len(text)]` is the original's length."""

    text: str
    origin: range | list[int]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stands in the original, with the accents that follow its last letter."""
        if end <= start:
            return self.origin[start], self.origin[start]
        last = self.origin[end - 1]
        following = self.origin[end]
        # Characters between the last letter and the next visible one folded to nothing: they belong to the letter.
        return self.origin[start], max(following, last + 1)


def fold(text: str) -> Folded:
    """Fold `text` for comparison; linear in its length, never raises."""
    if text.isascii():
        return Folded(text.lower(), range(len(text) + 1))
    pieces: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        folded = character.lower() if character.isascii() else _fold_character(character)
        pieces.append(folded)
        origin.extend([index] * len(folded))
    origin.append(len(text))
    return Folded("".join(pieces), origin)


def words(text: str) -> list[Word]:
    """The words of `text`, folded, with their offsets in `text`; numbers lose their thousands separators."""
    folded = fold(text)
    found = []
    for match in _WORD.finditer(folded.text):
        start, end = folded.original_span(match.start(), match.end())
        word = match.group()
        found.append(Word(_SEPARATORS.sub("", word) if word[0].isdigit() else word, start, end))
    return found
