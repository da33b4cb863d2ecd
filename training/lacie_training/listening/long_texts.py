"""Longer answers of our own: a sentence that gives the answer among others, and answers that end as they began not."""

import random

from lacie_training.listening.rated import Rated
from lacie_training.listening.texts import parts, valued

SOURCE = "long"


def long_texts(choice: random.Random, count: int, weight: float) -> list[Rated]:
    """`count` longer answers, most of two to six sentences, a few of a page; and those that turn in themselves."""
    rows = [Rated(text, value, weight, SOURCE) for value, text in valued("long", "turns")]
    return rows + [Rated(text, value, weight, SOURCE) for value, text in (_long(choice) for _ in range(count))]


def _long(choice: random.Random) -> tuple[float, str]:
    kind = choice.random()
    if kind < 0.4:
        pool = [pair for pair in valued("own", "plain") if len(pair[1]) > 25]
    elif kind < 0.75:
        pool = [pair for pair in valued("own", "unsure") if pair[1][-1] == "."]
    else:
        pool = list(valued("own", "sure" if kind < 0.85 else "denied"))
    value, text = choice.choice(pool)
    if kind < 0.4:
        draw = choice.random()
        if draw < 0.3:
            value, end = choice.choice(valued("long", "doubtful_ends"))
            return value, _built(choice, text, end)
        if draw < 0.4:
            return 0.97, _built(choice, text, choice.choice(parts("long", "sure_ends")))
        if draw < 0.55:
            return 0.89, _built(choice, text, choice.choice(parts("long", "side_doubts")), near=False)
    return value, _built(choice, text, "")


def _built(choice: random.Random, key: str, end: str, near: bool = True) -> str:
    """`key` among fillers; `end` right after it or at the very end (there always if not `near`)."""
    count = choice.choice((0, 1, 1, 2, 2, 3, 4, 6) if choice.random() < 0.93 else (10, 16))
    fillers = choice.sample(parts("long", "fillers"), count)
    at = choice.choice((0, 0, count // 2, count))
    after = [key, end] if end and near and choice.random() < 0.5 else [key]
    sentences = fillers[:at] + after + fillers[at:]
    if end and len(after) == 1:
        sentences.append(end)
    if choice.random() < 0.2:
        sentences.insert(0, choice.choice(parts("long", "openings")))
    if choice.random() < 0.2:
        sentences.append(choice.choice(parts("long", "closings")))
    form = choice.random()
    if form < 0.12:
        return "- " + "\n- ".join(sentences)
    if form < 0.2:
        return "\n\n".join(sentences)
    if form < 0.25:
        return "\n".join(f"{i}. {sentence}" for i, sentence in enumerate(sentences, 1))
    return " ".join(sentences)
