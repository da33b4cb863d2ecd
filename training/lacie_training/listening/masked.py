"""Masks the answer in texts that come without it: the listener is to judge the wording, and not what it knows.

Where people rated many wordings of the same few answers, the answer is found again: of the names, dates and numbers in
a text it is the one that most of the other texts share. A text in which nothing is shared that often stays as it is.
"""

import re
from collections import Counter
from collections.abc import Sequence

from lacie_chat.confidence.masking import PLACEHOLDER

LEAST = 8
"""So many texts must share a phrase for it to be taken for their answer."""

_NAME = re.compile(r"[A-Z0-9][\w'’.,:\-–&*]*(?:\s+(?:(?:of|the|de|and|in|&|a|to|by|at|-)\s*)?[A-Z0-9][\w'’.,:\-–&*]*)*")
_OPENER = re.compile(
    r"^(?:I[’']m|I[’']d|I|It|The|There|Perhaps|Maybe|Possibly|If|My|As|To|This|Based|Without|From|Most|All|With|He|"
    r"She|That|Don[’']t|One|Some|According)\b ?"
)


def masked_answers(texts: Sequence[str], least: int = LEAST) -> list[str]:
    """`texts` with the answer masked where it is found; the others as they are."""
    found = [_candidates(text) for text in texts]
    counts = Counter(phrase for phrases in found for phrase in set(phrases))
    masked = []
    for text, phrases in zip(texts, found, strict=True):
        best = max(phrases, key=lambda phrase: (counts[phrase], len(phrase)), default="")
        masked.append(text.replace(best, PLACEHOLDER) if best and counts[best] >= least else text)
    return masked


def _candidates(text: str) -> list[str]:
    """The names, dates and numbers of a text, without the words that open a sentence."""
    phrases = []
    for match in _NAME.finditer(text):
        phrase = _OPENER.sub("", match.group().strip(" .,*?!")).strip(" .,*?!")
        if len(phrase) > 1 and phrase[0].isalnum():
            phrases.append(phrase)
    return phrases
