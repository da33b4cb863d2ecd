"""Which characters of an answer each drawn token helped to write, and how a token alone is written.

Tokens are bytes: one may end in the middle of a character, hold several words, or white space that the answer is shown
without. So the bytes are decoded as the answer's text was, and every token gets the characters that any of its bytes
are part of.
"""

import codecs
from collections.abc import Sequence

from lacie_chat.confidence.signals import TokenProbability


def _as_signs(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(f"‹0x{byte:02X}›" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("lacie-signs", _as_signs)


def written(piece: bytes) -> str:
    """The text of a token by itself; bytes that are no whole character as ‹0xE2›."""
    return piece.decode("utf-8", "lacie-signs")


def aligned(pieces: Sequence[tuple[bytes, float]], text: str) -> tuple[TokenProbability, ...]:
    """The tokens that wrote `text`, each with its place there and its log-probability; `pieces` are all that were
    drawn, bytes and log-probability. What was cut off before or behind `text` (white space, a stop string) has no
    place and is left out. Empty where `text` is not what the pieces spell.
    """
    places = characters_of([data for data, _ in pieces], text)
    return tuple((start, end, pieces[index][1]) for index, start, end in places)


def characters_of(
    pieces: Sequence[bytes], text: str, stretches: Sequence[tuple[int, int]] | None = None
) -> list[tuple[int, int, int]]:
    """The same without probabilities: which of the pieces (its index), and the characters that it had a part in.
    `stretches` (first character, length): only these of all that was written are looked at."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole, places = "", []
    for data in pieces:
        start = len(whole)
        whole += decoder.decode(data)
        places.append((start, len(whole) + bool(decoder.getstate()[0])))  # half a character belongs to both its tokens
    if stretches is not None:
        whole = "".join(whole[start : start + length] for start, length in stretches)
        places = [_within(stretches, start, end) for start, end in places]
    begin = whole.find(text)
    if begin < 0 or not text:
        return []
    found = []
    for index, (start, end) in enumerate(places):
        first, last = max(start - begin, 0), min(end - begin, len(text))
        if first < last:
            found.append((index, first, last))
    return found


def _within(stretches: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The characters from `start` to `end` as they are counted within the stretches; none of them: an empty span."""
    before, found = 0, []
    for first, length in stretches:
        begin, stop = max(start, first), min(end, first + length)
        if begin < stop:
            found += [before + begin - first, before + stop - first]
        before += length
    return (found[0], found[-1]) if found else (0, 0)
