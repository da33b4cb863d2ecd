"""All texts that we compose, for one seed: what people's rated files seldom have in them.

Phrases of probability, our own short texts, longer answers, other languages, and attempts to talk the listener round.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_training.listening.attacks import attack_texts
from lacie_training.listening.long_texts import long_texts
from lacie_training.listening.phrases import clauses, phrase_texts, upper
from lacie_training.listening.rated import Rated
from lacie_training.listening.texts import valued

OWN, FOREIGN = "own", "foreign"
_PLAIN = 0.96
_OWN_WEIGHT = 0.8
"""Of all but the phrases, which are published figures for the most part and count 1."""
_BARE = ("it is", "it was", "it's")


def composed_texts(
    seed: int, weight: float, bases: Sequence[Rated] = (), *, per_phrase: int = 8, long: int = 420, attacks: int = 900
) -> list[Rated]:
    """Sentences for each phrase, our own short texts, so many long ones and attacks (these also on `bases`), each with
    `weight` besides its own.
    """
    choice = random.Random(f"composed {seed}")
    rows = phrase_texts(choice, per_phrase, 1.0)
    rows += _own(choice)
    rows += long_texts(choice, long, _OWN_WEIGHT)
    rows += [Rated(text, value, _OWN_WEIGHT, FOREIGN) for value, text in valued("foreign", "foreign")]
    rows += attack_texts(choice, attacks, _OWN_WEIGHT, bases)
    return [replace(row, weight=row.weight * weight) for row in rows]


def _own(choice: random.Random) -> list[Rated]:
    """Our short texts; those with a bare "it is [answer]" once more with a fuller clause."""
    pairs = [*valued("own", "plain"), *((_PLAIN, f"{upper(clause)}.") for clause in clauses())]
    pairs += valued("own", "no_answer")
    pairs += valued("idioms", "idioms")
    for section in ("sure", "unsure", "denied"):
        for value, text in valued("own", section):
            pairs.append((value, text))
            for words in _BARE:
                bare = f"{words} {PLACEHOLDER}"
                if bare in text:
                    pairs.append((value, text.replace(bare, choice.choice(clauses()))))
    return [Rated(text, value, _OWN_WEIGHT, OWN) for value, text in pairs]
