"""One message of the tree, as the chat has it in memory."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lacie_chat.confidence.assessment import Assessment
from lacie_chat.confidence.signals import TokenProbability
from lacie_chat.conversations import Message, Status, damage_words, is_thought_only, thought_seconds
from lacie_chat.cut_off import left_out_words
from lacie_chat.engine.events import Alternatives, PromptSize
from lacie_chat.engine.settings import Role

Phase = Literal["waiting", "undecided", "reading", "thinking", "answering", "listening", "done"]
"""`undecided`: it doesn't fit the context, and the user has not said yet what is to be done."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An answer as it was when it stopped, while it goes on."""

    text: str
    reasoning: str
    status: Status
    usage: dict[str, Any] | None
    timings: dict[str, Any] | None
    tokens: Sequence[TokenProbability]
    alternatives: Sequence[Alternatives]


@dataclass(eq=False, repr=False)
class Turn:
    """A message of the tree; `correct` is the user's mark, `reasoning` what was thought before the text.

    `phase`, `note`, `problem`, `drawing` (samples, to see if they agree), `sentences_problem`, `heard_otherwise`
    (by another version of the assessment than this chat's) and `unheard` (left so by a program that ended) live only as
    long as the program. `tokens` and `alternatives` are the answer's own, as its `Finished` gave them; those of a
    reopened conversation are not there until `ChatTree.read_tokens`.
    """

    role: Role
    text: str
    parent: "Turn | None"
    status: Status = "complete"
    params: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, Any] | None = None
    timings: dict[str, Any] | None = None
    assessment: Assessment | None = None
    correct: bool | None = None
    children: list["Turn"] = field(default_factory=list)
    stored_id: int | None = None
    reasoning: str = ""
    unsaved: str = ""
    unsaved_thought: str = ""
    unfinished: bool = False
    unattached: bool = False
    unmarked: bool = False
    tokens_unsaved: bool = False
    phase: Phase = "done"
    note: str = ""
    problem: str = ""
    drawing: bool = False
    sentences_problem: str = ""
    heard_otherwise: bool = False
    unheard: bool = False
    elsewhere: bool = False
    """Is another chat still writing it, as far as was known when it was read?"""
    tokens: Sequence[TokenProbability] = ()
    alternatives: Sequence[Alternatives] = ()
    left_out: dict[str, Any] | None = None
    """What its prompt lacked (chat/fit.py)."""
    unfit: PromptSize | None = None
    """Why it is undecided, or was not sent."""
    earlier: Earlier | None = None
    """What it was when it stopped, while it goes on."""
    begins_again: bool = False
    """Does the store not know yet that it streams once more?"""
    read: int = 0
    """Tokens of its prompt, while it is made."""
    drawn: int = 0
    """Tokens drawn so far, while it is made; 0 where that isn't known."""
    drawn_since: float | None = None
    """When the first of them came, on the clock of `time.monotonic`."""
    stop_requested: bool = False
    answer_requested: bool = False
    """Was it asked to end its thought?"""
    thinks_since: float | None = None
    thought_until: float | None = None
    """On the clock of `time.monotonic`: from the thought's first word on, and to its end."""
    draft: bool = False
    """Not in the tree yet (see `ChatTree.draft`)."""
    current: "Turn | None" = None
    """The child on the branch that was last shown."""

    @property
    def question(self) -> str:
        """The text that this answer answers."""
        return self.parent.text if self.parent is not None else ""

    @property
    def thought_only(self) -> bool:
        """Did no answer come of its thought, and it has ended? There is nothing to hear then."""
        return self.status != "streaming" and is_thought_only(self.reasoning, self.text, self.usage)

    @property
    def thought_seconds(self) -> float | None:
        """How long it was thought, or has been so far; None where that isn't known."""
        if (measured := thought_seconds(self.timings)) is not None or self.thinks_since is None:
            return measured
        return (time.monotonic() if self.thought_until is None else self.thought_until) - self.thinks_since

    def draw(self, drawn: int) -> None:
        """So many tokens are drawn by now."""
        self.drawn = drawn
        if self.drawn_since is None:
            self.drawn_since = time.monotonic()

    def forget_stored(self) -> None:
        """It is in no store any more; all of it is to be written into one."""
        self.stored_id, self.unsaved, self.begins_again = None, "", False
        self.unsaved_thought = self.reasoning
        self.unfinished = self.status != "streaming" and self.role == "assistant"
        self.tokens_unsaved = bool(self.tokens)
        self.unattached, self.unmarked = self.assessment is not None, self.correct is not None

    @property
    def speed(self) -> float | None:
        """Tokens a second while it is made; None before that says anything."""
        seconds = 0.0 if self.drawn_since is None else time.monotonic() - self.drawn_since
        return self.drawn / seconds if seconds >= 1 and self.drawn > 1 else None

    @property
    def baseline(self) -> bool:
        """Is this answer given without the adapter? (Conversations of older versions say it as `side`.)"""
        return bool(self.params.get("baseline", self.params.get("side") == "baseline"))


def turn_of(message: Message, parent: Turn | None) -> Turn:
    """A stored message."""
    return Turn(
        role=message.role,
        text=message.text,
        parent=parent,
        # A row that still streams belongs to another chat on the same database; here it is as far as it got.
        status="cut_off" if message.status == "streaming" else message.status,
        params=dict(message.params or {}),
        usage=dict(message.usage) if message.usage else None,
        timings=dict(message.timings) if message.timings else None,
        assessment=Assessment.from_dict(message.assessment) if message.assessment else None,
        correct=message.correct,
        stored_id=message.id,
        reasoning=message.reasoning,
        elsewhere=message.status == "streaming",
        note=" ".join(
            filter(
                None,
                (
                    left_out_words((message.usage or {}).get("cut")),
                    damage_words(f"message {message.id}", message.damaged),
                ),
            )
        ),
    )
