"""Sentences composed from phrases.jsonl, from per cents, parts and odds: what the phrase is worth, the text is worth.

Each phrase names its source, in short. What stands behind that (the figures are from memory, rounded: hold them against
the papers before they are cited):

- Mosteller & Youtz 1990: Quantifying Probabilistic Expressions, Statistical Science 5(1); means over some 20 studies.
  `rule`: theirs that "very" and a negation put a phrase half as far from the boundary.
- Reagan et al. 1989: Reagan, Mosteller & Youtz, Journal of Applied Psychology 74(3); medians.
- Lichtenstein & Newman 1967: Psychonomic Science 9(10); means.
- Wallsten et al. 1986: Journal of Experimental Psychology: General 115(4); centres of the membership functions.
- ours: set by us between neighbours that were published.
"""

import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_training.listening.rated import Rated
from lacie_training.listening.texts import parts, valued

SOURCE = "phrases"
_PER_CENT = tuple(map(int, "1 2 3 5 8 10 12 15 20 25 30 33 35 40 45 50 55 60 65 66 70 75 80 85 90 92 95 97 99".split()))
_PLAIN_NEGATIONS = ("not", "hardly")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase, which sentences take it (`kind`), how likely people hear it to say something is (0 to 1), and who
    says so.
    """

    phrase: str
    kind: str
    probability: float
    source: str


@cache
def phrases() -> tuple[Phrase, ...]:
    """The table, in its order."""
    lines = (Path(__file__).parent / "phrases.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Phrase(**json.loads(line)) for line in lines)


def clauses() -> tuple[str, ...]:
    """Clauses with the answer masked."""
    return tuple(clause.format(PLACEHOLDER) for clause in parts("sentences", "clauses"))


def phrase_texts(choice: random.Random, per_phrase: int, weight: float) -> list[Rated]:
    """`per_phrase` sentences for each phrase of the table, then per cents, parts and odds in like number."""
    texts: dict[str, float] = {}
    for row in phrases():
        for _ in range(per_phrase):
            texts[phrase_sentence(choice, row.kind, row.phrase)] = row.probability
    for number in _PER_CENT:
        for _ in range(per_phrase):
            form = choice.choice(parts("sentences", "percent"))
            text = _filled(choice, form.replace("{n}", str(number)).replace("{d}", f"{number / 100:g}"), "")
            texts[text] = 0.02 + 0.95 * number / 100
    for value, phrase in valued("sentences", "parts"):
        for _ in range((per_phrase + 1) // 2):
            texts[_filled(choice, choice.choice(parts("sentences", "part")), phrase)] = value
    for value, phrase in valued("sentences", "odds_phrases"):
        for _ in range((per_phrase + 1) // 2):
            form = choice.choice(parts("sentences", "odds"))
            texts[_filled(choice, form.replace("{p}", phrase), "")] = value
    return [Rated(text, value, weight, SOURCE) for text, value in texts.items()]


def phrase_sentence(choice: random.Random, kind: str, phrase: str) -> str:
    """One sentence in which `phrase` says how likely the masked answer is."""
    if kind == "negated":
        plain = phrase in _PLAIN_NEGATIONS
        form = choice.choice(parts("sentences", "negated_word" if plain else "negated"))
        return form.format(p=phrase, a=PLACEHOLDER) if plain else _filled(choice, form, phrase)
    if kind == "adverb" and choice.random() < 0.35:
        return choice.choice(parts("sentences", "adverb_short")).format(p=phrase, a=PLACEHOLDER)
    form = choice.choice(parts("sentences", kind))
    if phrase in parts("sentences", "bare_belief") and choice.random() < 0.5:
        form = form.replace(" that ", " ")
    return _filled(choice, form, phrase)


def _filled(choice: random.Random, form: str, phrase: str) -> str:
    clause = choice.choice(clauses())
    text = form.replace("{c}", clause).replace("{C}", upper(clause)).replace("{a}", PLACEHOLDER)
    text = text.replace("{p}", phrase).replace("{P}", upper(phrase))
    return upper(text.replace("whether that ", "whether ").replace("a a ", "a ").replace("a an ", "an "))


def upper(text: str) -> str:
    """`text` with a capital letter at its start."""
    return text[:1].upper() + text[1:]
