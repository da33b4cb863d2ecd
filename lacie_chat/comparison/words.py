"""Which words two texts don't share, and a text cut into pieces by what is marked in it; for highlighting.

Words are compared as they are written (case counts: a name is not its common noun), punctuation by itself; white
space never differs. Long texts are compared by difflib's heuristic, which takes the commonest words for noise: slower
than linear is only what stays readable anyway.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from lacie_chat.confidence import Span

_TOKEN = re.compile(r"\w+(?:[.,'’-]\w+)*|[^\w\s]")
_EXACT_UP_TO = 800


def differing_words(left_text: str, right_text: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """What only the left text has, and what only the right one has: spans in the order of the text; neighbouring
    words that differ are one span."""
    left, right = _tokens(left_text), _tokens(right_text)
    matcher = SequenceMatcher(
        None,
        [token.text for token in left],
        [token.text for token in right],
        autojunk=len(left) > _EXACT_UP_TO or len(right) > _EXACT_UP_TO,
    )
    only_left: list[Span] = []
    only_right: list[Span] = []
    for change, start, end, other_start, other_end in matcher.get_opcodes():
        if change == "equal":
            continue
        only_left += _covering(left_text, left[start:end])
        only_right += _covering(right_text, right[other_start:other_end])
    return tuple(only_left), tuple(only_right)


def _tokens(text: str) -> list[Span]:
    return [Span(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def _covering(text: str, tokens: Sequence[Span]) -> list[Span]:
    if not tokens:
        return []
    start, end = tokens[0].start, tokens[-1].end
    return [Span(text[start:end], start, end)]


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text and the kinds of highlight that cover all of it."""

    text: str
    kinds: frozenset[str]


def segments(text: str, highlights: Mapping[str, Sequence[Span]]) -> list[Segment]:
    """Cut `text` wherever a highlight begins or ends; the pieces together are the text. Highlights may overlap."""
    cuts = {0, len(text)}
    for spans in highlights.values():
        for span in spans:
            cuts |= {span.start, span.end}
    places = sorted(cut for cut in cuts if 0 <= cut <= len(text))
    return [
        Segment(
            text[start:end],
            frozenset(
                kind
                for kind, spans in highlights.items()
                if any(span.start <= start and end <= span.end for span in spans)
            ),
        )
        for start, end in pairwise(places)
        if start < end
    ]
