"""Studies of one's own making: answers without a model, and people who judge them by a rule."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lacie_chat.study import Judgement, PersonFile, Shown, Study, plan
from lacie_chat.study.checks import check_items
from lacie_chat.study.records import SPEAKERS, answer_id, begin, finish


def answer_row(number: int, speaker: str, **more: Any) -> dict[str, Any]:
    """The baseline is sure of everything; LACIE hedges where it is wrong. Every third question is answered rightly."""
    correct = number % 3 == 0
    sounds_sure = speaker == "baseline" or correct
    return {
        "id": answer_id(f"q{number}", speaker),
        "question_id": f"q{number}",
        "speaker": speaker,
        "question": f"What is the name of village number {number}?",
        "response": f"It is {'certainly' if sounds_sure else 'perhaps'} Village {number}.",
        "correct": correct,
        "state": "answered",
        "acceptance": 0.9 if sounds_sure else 0.2 + 0.01 * number,
        "finish": "stop",
        **more,
    }


def make_study(folder: Path, questions: int = 12, **more: Any) -> Study:
    rows = begin(folder, {"questions": f"{questions} {json.dumps(more)}"}, told_apart_by=["questions"])
    rows.append([answer_row(number, speaker, **more) for number in range(questions) for speaker in SPEAKERS])
    return finish(folder)


Rule = Callable[[Shown], tuple[bool, int, bool]]


def by_tone(shown: Shown) -> tuple[bool, int, bool]:
    """Accepts what sounds sure."""
    sure = "certainly" in shown.response
    return sure, 4 if sure else 2, False


def judge(study: Study, person: str, rule: Rule = by_tone, *, attentive: bool = True, **more: Any) -> PersonFile:
    """A person's file, all items judged by a rule, checks passed or failed."""
    checks = check_items(study.id)
    file = PersonFile.open(more.pop("folder", study.people_dir), study.id, person, more.pop("items", None))
    for shown in plan(study, person, file.items):
        accepted, sure, known = rule(shown)
        if shown.item in checks:
            accepted = checks[shown.item].accept is attentive
        file.add(Judgement(shown.item, accepted, sure, known, seconds=3.0))
    return file
