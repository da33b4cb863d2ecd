"""A speaker that knows some answers, and a listener to go with it: for calibrations of hundreds of questions.

The real models take seconds a question. Everything but the weights is real: the questions, how they are put, stored
and gone on with, what is assessed, matched, fitted, kept and drawn.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lacie_chat.confidence import ASSESSMENT_VERSION, TunedListener, signal_values
from lacie_chat.confidence.signals import ACCEPTANCE, SPAN_SUM
from lacie_chat.engine.generator import Response
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.evaluation import stored
from lacie_chat.evaluation.own_questions import questions_from
from lacie_chat.rows import read_rows
from lacie_chat.statistics import fitting
from lacie_chat.statistics.metrics import figures_with_intervals

KNOWS = {"easy": 0.9, "medium": 0.5, "hard": 0.2, None: 0.5}


def chance(text: str) -> float:
    """A number from 0 to 1 that is ever the same for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


@dataclass
class ScriptedSpeaker:
    """Knows more of the easy questions than of the hard; finds what it knows more probable, if `tokens` are known.

    Declines a tenth of what has no answer. Stopped (as by Ctrl-C) before its batch number `stop_at`.
    """

    answers: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    tokens: bool = True
    knows: dict[str | None, float] = field(default_factory=lambda: dict(KNOWS))
    tells: bool = True
    stop_at: int | None = None
    asked: list[str] = field(default_factory=list)
    batches: int = 0

    @property
    def listener(self) -> TunedListener:
        return TunedListener(Hears(), Hears(), ASSESSMENT_VERSION)

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        return turns[-1].content

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        if self.batches == self.stop_at:
            self.stop_at = None
            raise KeyboardInterrupt
        self.batches += 1
        self.asked += prompts
        return [[self._response(prompt) for _ in each] for prompt, each in zip(prompts, seeds, strict=True)]

    def _response(self, question: str) -> Response:
        answer, grade = self.answers[question]
        if grade == "unanswerable":
            answer = "Atlantis"
            if chance(f"declines {question}") < 0.1:
                return Response("I'm sorry, but I don't know.", "stop", 8)
        right = grade != "unanswerable" and chance(f"knows {question}") < self.knows[grade]
        said = answer if right else "Atlantis"
        probable = 0.9 if right == (chance(f"tells {question}") < 0.85) else 0.3
        if not self.tells:
            probable = 0.3 + 0.6 * chance(f"probable {question}")
        text = f"{'It is' if probable > 0.5 else 'I think it is'} {said}."
        logprob = -0.1 if probable > 0.5 else -2.0
        place = text.index(said)
        pieces = ((0, place, -0.05), (place, place + len(said), logprob), (place + len(said), len(text), -0.01))
        return Response(text, "stop", 3, pieces if self.tokens else ())


class Hears:
    """Finds what follows "It is"; sounds surer where nothing is hedged."""

    def __init__(self, tells: bool = True) -> None:
        self.tells = tells

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        sure = [0.4 if "I think" in suffix and self.tells else 0.85 for suffix in suffixes]
        return [[each * 0.95, (1 - each) * 0.95] for each in sure]

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        found = [re.search(r"[Ii]t is (.+)\.\nFinal answer:", suffix) for suffix in suffixes]
        return [f" {match[1]}" if match else " none" for match in found]


def half_right(monkeypatch: pytest.MonkeyPatch, questions: Path, kept: Path) -> tuple[int, int]:
    """Make every other answer that is kept there right and the others wrong, by what the questions file accepts, and
    let so few answers be fitted on; how many answers there are, and how many of them are right."""
    monkeypatch.setattr("lacie_chat.commands.fitted_on.LEAST", 4)
    monkeypatch.setattr(fitting, "LEAST_OF_EACH", 2)
    spans = {row["question"]: row["answer_span"] for row in read_rows(kept) if signal_values(row)}
    right = list(spans)[::2]
    rows = [
        {**row, "answers": [spans[row["question"]]] if row["question"] in right else ["?"]}
        for row in read_rows(questions)
    ]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(spans), len(right)


def quick_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits over two signals, cut into folds once, with few draws for the intervals: nothing that a command does with a
    fit hangs on that."""
    monkeypatch.setattr(fitting, "FREE", (ACCEPTANCE, SPAN_SUM))
    monkeypatch.setattr(fitting, "FOLDS", 2)
    monkeypatch.setattr(fitting, "REPEATS", 1)
    monkeypatch.setattr(fitting, "figures_with_intervals", partial(figures_with_intervals, bootstrap=10))


def scripted_speaker(monkeypatch: pytest.MonkeyPatch) -> ScriptedSpeaker:
    """Puts it in the place of whatever model is named; it knows the answers to lacie's questions."""
    speaker = ScriptedSpeaker({each.question: ((each.answers or ("",))[0], each.grade) for each in questions_from()})

    @contextmanager
    def loaded(*_: object) -> Iterator[ScriptedSpeaker]:
        yield speaker

    monkeypatch.setattr(stored, "_loaded", loaded)
    return speaker


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error."""
    text = capsys.readouterr().err.strip()
    assert len(text.splitlines()) == 1, text
    return text
