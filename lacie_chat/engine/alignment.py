"""Which characters of an answer each drawn token helped to write.

Tokens are bytes: one may end in the middle of a character, hold several words, or white space that the answer is shown
without. So the bytes are decoded as the answer's text was, and every token gets the characters that any of its bytes
are part of.
"""

import codecs
from collections.abc import Sequence

from lacie_chat.confidence.signals import TokenProbability


def aligned(pieces: Sequence[tuple[bytes, float]], text: str) -> tuple[TokenProbability, ...]:
    """The tokens that wrote `text`, each with its place there and its log-probability; `pieces` are all that were
    drawn, bytes and log-probability. What was cut off before or behind `text` (white space, a stop string) has no
    place and is left out. Empty where `text` is not what the pieces spell.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole, places = "", []
    for data, _ in pieces:
        start = len(whole)
        whole += decoder.decode(data)
        places.append((start, len(whole) + bool(decoder.getstate()[0])))  # half a character belongs to both its tokens
    begin = whole.find(text)
    if begin < 0 or not text:
        return ()
    found = []
    for (start, end), (_, logprob) in zip(places, pieces, strict=True):
        first, last = max(start - begin, 0), min(end - begin, len(text))
        if first < last:
            found.append((first, last, logprob))
    return tuple(found)
