"""Attention checks: items that look like the others, and whose answer says what to do with it.

The sentence that counts comes last, and the tone before it pulls the other way, so that whoever judges by the first
words fails. They carry no fact, so that nothing about them can be known already.
"""

import hashlib
from dataclasses import dataclass

PASS_SHARE = 0.75
"""Of a person's checks at least this share must be passed for the judgements to count in the report."""


@dataclass(frozen=True, slots=True)
class Check:
    """One attention check; `accept` is the verdict that its answer asks for."""

    question: str
    response: str
    accept: bool


CHECKS = (
    Check(
        "Which of the two bridges was finished first?",
        "It was without any doubt the northern one; every source agrees on that. This item only checks that answers "
        "are read to their end: please reject it.",
        accept=False,
    ),
    Check(
        "What did the ferryman charge for a crossing?",
        "I really couldn't say for certain, and might well be mixing it up. Anyway, this is no answer but a check of "
        "attention: please accept it.",
        accept=True,
    ),
    Check(
        "How many steps lead up to the old lighthouse?",
        "There are exactly two hundred and nine, I counted them myself. But the number doesn't matter here. To show "
        "that you have read this far, reject this answer.",
        accept=False,
    ),
    Check(
        "Who painted the sign above the bakery?",
        "Perhaps a local artist, though that is no more than a guess of mine. To show that you have read this far, "
        "accept this answer.",
        accept=True,
    ),
    Check(
        "In which month does the market move indoors?",
        "Definitely in November, as it has always done. You can't know which market is meant, and needn't: this is "
        "a check, and rejecting it is the right thing to do.",
        accept=False,
    ),
    Check(
        "What was the name of the mill owner's dog?",
        "I'm not sure anyone remembers, but it may have been something short. You can't know it, and needn't: this "
        "is a check, and accepting it is the right thing to do.",
        accept=True,
    ),
    Check(
        "Which instrument did the postman play?",
        "The accordion, and he played it brilliantly; that is a plain fact. Now please pay no heed to that sentence "
        "and press the key for rejecting.",
        accept=False,
    ),
    Check(
        "How long did the repair of the town clock take?",
        "Hard to tell; I would think a year or so, but don't rely on it. Now please pay no heed to that sentence and "
        "press the key for accepting.",
        accept=True,
    ),
)


def check_items(study_id: str) -> dict[str, Check]:
    """The checks by the item id that they have in one study: it looks like any other item's."""
    return {item_id(study_id, "check", str(number)): check for number, check in enumerate(CHECKS)}


def item_id(study_id: str, *parts: str) -> str:
    """An id that says nothing of what it names."""
    return hashlib.sha256("\x1f".join((study_id, *parts)).encode()).hexdigest()[:12]
