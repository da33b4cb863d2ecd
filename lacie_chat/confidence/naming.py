"""How two ways of writing one name usually differ: first and middle names left out, and plurals.

On lists of folded words. Used by what decides whether two answers are the same (same_answer.py) and, more strictly,
whether one is right (evaluation/matching.py).
"""

from collections.abc import Sequence

_MOST_LEFT_OUT = 2
"""Words that a shorter form of a name may lack."""


def singular(word: str) -> str:
    """`cities` as `city`; a word that is none, or that only looks like a plural, as it is."""
    for ending, single in (("ies", "y"), ("oes", "o"), ("ves", "f")):
        if len(word) > 4 and word.endswith(ending):
            return word[: -len(ending)] + single
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def short_name_of(shorter: Sequence[str], longer: Sequence[str]) -> bool:
    """Whether one of two or more words is the other with first or middle names left out or as initials: the same last
    word, the rest in order. Two different initials are two people."""
    if longer[-1] != shorter[-1] or len(longer) - len(shorter) > _MOST_LEFT_OUT:
        return False
    initials = {word for word in shorter if len(word) == 1}, {word for word in longer if len(word) == 1}
    if all(initials) and initials[0] != initials[1]:
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
