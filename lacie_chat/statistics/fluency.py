"""Whether a model still speaks, or recites: how much its answers begin alike, repeat their words, and hedge.

A model that is rewarded for doubt can learn one stock phrase and put it before everything. The figures here are of
wording alone; they say nothing of truth.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from lacie_chat.confidence.cues import lexical_cues

OPENING = 3
"""Words that count as an answer's opening."""


def fluency(responses: Sequence[str]) -> dict[str, float | None]:
    """`ten_commonest_openings`: the share of responses that begin with one of the ten commonest first three words;
    `distinct_2`: different pairs of neighbouring words over all such pairs (Li et al. 2016); `words`: their mean
    number; `hedged`: the share with a hedge of the lexicon. Empty responses are left out; None where none is left.

    Both of the first hang on how many responses there are, and distinct-2 on their length: compare speakers that
    answer the same questions.
    """
    said = [response for response in responses if _words(response)]
    spoken = [_words(response) for response in said]
    if not spoken:
        return {"ten_commonest_openings": None, "distinct_2": None, "words": None, "hedged": None}
    openings = Counter(tuple(words[:OPENING]) for words in spoken)
    pairs = [pair for words in spoken for pair in pairwise(words)]
    return {
        "ten_commonest_openings": sum(count for _, count in openings.most_common(10)) / len(spoken),
        "distinct_2": len(set(pairs)) / len(pairs) if pairs else None,
        "words": sum(map(len, spoken)) / len(spoken),
        "hedged": sum(bool(lexical_cues(response)[0]) for response in said) / len(said),
    }


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower())
