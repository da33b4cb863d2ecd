"""What the store hands out: plain, frozen values. Times are aware datetimes in UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

Role = Literal["system", "user", "assistant"]
Status = Literal["complete", "streaming", "cancelled", "cut_off", "failed"]
"""`cancelled`: by the user. `cut_off`: its process ended in mid-answer. `failed`: the engine could not go on."""

ROLES: tuple[Role, ...] = get_args(Role)
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Conversation:
    """`leaf_id` is the last message of the branch that is shown; None while there is no message. `pinned_at`,
    `deleted_at`: since when it is pinned, or deleted. `damaged` names the columns that could not be read."""

    id: str
    title: str
    model: str
    adapter: str | None
    leaf_id: int | None
    created_at: datetime
    updated_at: datetime
    pinned_at: datetime | None
    deleted_at: datetime | None
    damaged: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class ConversationSummary(Conversation):
    """A row of the history: a conversation, how many messages it has (all branches), and how its shown branch ends."""

    messages: int
    last_line: str


@dataclass(frozen=True, slots=True)
class Message:
    """One node of the tree. `params` is what it was made with (model, adapter, sampling, seed), `usage` and `timings`
    are DESIGN.md's objects (`usage` has the `finish_reason` too), `assessment` is what `Assessment.to_dict()` wrote,
    `correct` the user's mark. `reasoning` was thought before the answer and is no part of it. `damaged` names the
    columns that could not be read."""

    id: int
    conversation_id: str
    parent_id: int | None
    role: Role
    text: str
    status: Status
    created_at: datetime
    params: dict[str, Any]
    usage: dict[str, Any] | None
    timings: dict[str, Any] | None
    assessment: dict[str, Any] | None
    correct: bool | None = None
    reasoning: str = ""
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkedAnswer:
    """An answer that the user marked right or wrong, and what calibration needs to know of it.

    `model` and `adapter` are names as the chat shows them, the REFs are what they were opened with; `fingerprint` is
    that of the files (None in conversations from before it was kept). `sampling` is how the answer was drawn.
    `assessment_version` heard the answer (None: an older one). `signals`: those that are known of it, by name; empty
    for one without a single answer to be right, of which no calibrator says anything.
    """

    message_id: int
    conversation_id: str
    question: str
    response: str
    model: str
    adapter: str | None
    model_ref: str | None
    adapter_ref: str | None
    fingerprint: str | None
    acceptance: float
    sampling: dict[str, Any]
    signals: dict[str, float]
    assessment_version: str | None
    correct: bool
    marked_at: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that a search found. `matches` are (start, end) characters of `snippet`, end exclusive."""

    conversation_id: str
    title: str
    message_id: int
    role: Role
    snippet: str
    matches: tuple[tuple[int, int], ...]
    created_at: datetime
