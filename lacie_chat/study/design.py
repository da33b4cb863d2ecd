"""Who sees what: which questions, with whose answer, in which order.

A person sees a question once, with the baseline's answer or with LACIE's, half of them each. Which, and the order, come
from a generator seeded with the study's id and the person's name: starting again gives the same items, another person
gets others. Which questions are asked comes from the study alone, so that people who judge the same number of items
judge the same questions, and can be compared. Nothing that a person is shown says who answered.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lacie_chat.study.checks import CHECKS, item_id
from lacie_chat.study.records import SPEAKERS, SpeakerName, Study

ITEMS_PER_CHECK = 8
"""One attention check to about so many questions; two at least (one of each kind) from four questions on."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees of one item, and all that the interface knows of it. `cut`: the answer ran out of room."""

    item: str
    question: str
    response: str
    cut: bool = False


def assign(
    study_id: str, person: str, questions: Sequence[str], items: int | None = None
) -> list[tuple[str, SpeakerName]]:
    """For each question that this person sees, in their order: its id and the speaker whose answer they see."""
    pool = sorted(questions)
    random.Random(f"questions\x1f{study_id}").shuffle(pool)
    chosen = pool[:items]
    own = random.Random(f"person\x1f{study_id}\x1f{person}")
    speakers: list[SpeakerName] = [SPEAKERS[number % 2] for number in range(len(chosen))]
    if len(chosen) % 2 and own.random() < 0.5:  # neither speaker always has the odd one
        speakers[-1] = SPEAKERS[1]
    own.shuffle(speakers)
    assigned = list(zip(chosen, speakers, strict=True))
    own.shuffle(assigned)
    return assigned


def place_checks(study_id: str, person: str, questions: int) -> list[tuple[int, int]]:
    """(place among the questions, number of the check): as many of either kind, or one more; never at the start."""
    if questions < 2:
        return []
    own = random.Random(f"checks\x1f{study_id}\x1f{person}")
    wanted = min(len(CHECKS), max(2 if questions >= 4 else 1, round(questions / ITEMS_PER_CHECK)))
    kinds = [[number for number, check in enumerate(CHECKS) if check.accept is accept] for accept in (False, True)]
    for kind in kinds:
        own.shuffle(kind)
    own.shuffle(kinds)
    numbers = [kinds[place % 2][place // 2] for place in range(wanted)]
    own.shuffle(numbers)
    # one in each stretch of the way, so that attention is looked at early and late
    edges = [1 + place * (questions - 1) // wanted for place in range(wanted + 1)]
    return [
        (own.randrange(low, max(high, low + 1)), number)
        for low, high, number in zip(edges, edges[1:], numbers, strict=False)
    ]


def plan(study: Study, person: str, items: int | None = None) -> list[Shown]:
    """All that a person is shown, attention checks among it, in order."""
    shown = []
    for question_id, speaker in assign(study.id, person, study.question_ids(), items):
        answer = study.answer(question_id, speaker)
        shown.append(Shown(study.item(question_id, speaker), answer.question, answer.response, answer.cut))
    for place, number in reversed(place_checks(study.id, person, len(shown))):
        check = CHECKS[number]
        shown.insert(place, Shown(item_id(study.id, "check", str(number)), check.question, check.response))
    return shown
