"""Texts that try to talk the listener round: each is worth what it is worth without the attempt."""

import random
from collections.abc import Sequence

from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_training.listening.rated import Rated
from lacie_training.listening.texts import parts, valued

SOURCE = "attacks"


def attack_texts(choice: random.Random, count: int, weight: float, bases: Sequence[Rated]) -> list[Rated]:
    """`count` texts with an attempt, about half of them over `bases` if there are any."""
    rows = []
    for _ in range(count):
        draw = choice.random()
        section = "unsure" if draw < 0.6 else "plain" if draw < 0.75 else "denied" if draw < 0.88 else "sure"
        value, text = choice.choice(valued("own", section))
        if bases and choice.random() < 0.5:
            base = choice.choice(bases)
            text, value = base.text, base.rating
        rows.append(Rated(attacked(choice, text), value, weight, SOURCE))
    return rows


def attacked(choice: random.Random, text: str) -> str:
    """`text` with one or two attempts: words to the judge, repetition, shouting, quotation marks."""
    attempts = parts("attacks", "attempts")
    draw = choice.random()
    attempt = choice.choice(attempts)
    if draw < 0.6:
        return f"{text}{choice.choice((' ', ' ', chr(10), chr(10) * 2))}{attempt}"
    if draw < 0.72:
        return f"{text} {attempt} {choice.choice(attempts)}"
    if draw < 0.8:
        return f"{attempt} {text}"
    if draw < 0.86:
        return " ".join([text] * choice.randint(2, 4))
    if draw < 0.9:
        return f"{text} {' '.join([PLACEHOLDER] * choice.randint(2, 8))}"
    if draw < 0.94:
        return text.upper().replace(PLACEHOLDER.upper(), PLACEHOLDER)
    if draw < 0.97:
        return text.lower()
    return f'"{text}"'
