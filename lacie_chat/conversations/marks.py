"""What the user says of answers: right or wrong. A calibrator can be fitted on them, so each comes with its signals.

Only an answer that claims something can be marked: one that declines, or claims nothing, is neither right nor wrong.
Who answered is in the message's `params` (names, REFs, and a fingerprint of the very files), else in its conversation;
so marks stay usable when the model's file has gone, and never pass to another file of the same name.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from lacie_chat.confidence import drawn_of, drawn_so, signal_values
from lacie_chat.conversations.errors import StoreError
from lacie_chat.conversations.kinds import are_params, is_number, is_share
from lacie_chat.conversations.records import MarkedAnswer, Message
from lacie_chat.conversations.rows import json_of, moment_of, shown_text

_MARKED = """SELECT m.id, m.conversation_id, m.text, m.created_at, m.params, p.text AS question, c.model, c.adapter,
        a.acceptance, a.assessment, k.correct, k.marked_at
    FROM marks k
    JOIN messages m ON m.id = k.message_id
    JOIN conversations c ON c.id = m.conversation_id
    JOIN assessments a ON a.message_id = m.id
    LEFT JOIN messages p ON p.id = m.parent_id
    WHERE a.state = 'answered' AND a.acceptance IS NOT NULL AND c.deleted_at IS NULL
    ORDER BY m.id"""


def why_unmarkable(role: str, state: str | None) -> str | None:
    """Why a message can't be marked right or wrong, in one line; None where it can. `state`: its assessment's."""
    if role != "assistant":
        return "only answers are marked right or wrong"
    if state is None:
        return "this answer has not been assessed: how sure it sounds is not known"
    if state == "abstained":
        return "this answer declines to answer: it is neither right nor wrong"
    if state == "no_claim":
        return "this answer makes no claim: it is neither right nor wrong"
    return None


def set_mark(connection: sqlite3.Connection, message: Message, correct: bool | None, now: str) -> None:
    """Mark an answer, or take its mark back (None). Raises StoreError where there is nothing to mark."""
    if correct is None:
        connection.execute("DELETE FROM marks WHERE message_id = ?", (message.id,))
        return
    heard = connection.execute("SELECT state FROM assessments WHERE message_id = ?", (message.id,)).fetchone()
    reason = why_unmarkable(message.role, shown_text(heard["state"]) if heard is not None else None)
    if reason:
        raise StoreError(f"message {message.id} can't be marked: {reason}")
    connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", (message.id, int(correct), now))


def find_marks(connection: sqlite3.Connection) -> list[MarkedAnswer]:
    """All marked answers, oldest answer first. One that stands in several copies of a conversation counts once, with
    what was said of it last."""
    rows: dict[tuple[str, str, str], sqlite3.Row] = {}
    for row in connection.execute(_MARKED):
        same = (row["created_at"], row["text"], row["params"])
        if same not in rows or rows[same]["marked_at"] <= row["marked_at"]:
            rows[same] = row
    return [mark for row in rows.values() if (mark := _marked(row)) is not None]


def marks_of(
    marks: Sequence[MarkedAnswer],
    fingerprint: str | None,
    model: str,
    adapter: str | None,
    assessment_version: str,
    drawn: Mapping[str, float],
) -> tuple[list[MarkedAnswer], int]:
    """The marks on answers of one speaker that were drawn so and heard by today's assessment, and how many more there
    are that another version heard, or that were drawn in another way.

    `drawn`: temperature and the like, compared with the sampling that is kept with each answer. A mark from before
    fingerprints were kept counts by its names.
    """

    def is_of(mark: MarkedAnswer) -> bool:
        if mark.fingerprint and fingerprint:
            return mark.fingerprint == fingerprint
        return (mark.model, mark.adapter) == (model, adapter)

    own = [mark for mark in marks if is_of(mark)]
    current = [mark for mark in own if mark.assessment_version == assessment_version and drawn_so(drawn, mark.sampling)]
    return current, len(own) - len(current)


def _has_signals(assessment: Any) -> bool:
    """Can a calibrator be fitted on it? It needs no more of an assessment."""
    try:
        values = signal_values(assessment)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    version = assessment.get("assessment_version")
    return all(map(is_number, values.values())) and (version is None or isinstance(version, str))


def _marked(row: sqlite3.Row) -> MarkedAnswer | None:
    """The mark; None where what it needs is damaged: a calibrator is fitted on whole ones only."""
    params = json_of(row["params"], are_params)
    assessment = json_of(row["assessment"], _has_signals)
    marked_at = moment_of(row["marked_at"])
    if params is None or assessment is None or marked_at is None or row["correct"] not in (0, 1):
        return None
    if not (isinstance(row["text"], str) and is_share(row["acceptance"])):
        return None
    model = params.get("model")
    return MarkedAnswer(
        message_id=row["id"],
        conversation_id=row["conversation_id"],
        question=shown_text(row["question"]),
        response=row["text"],
        model=model or shown_text(row["model"]),
        adapter=params.get("adapter") if model else row["adapter"] and shown_text(row["adapter"]),
        model_ref=params.get("model_ref"),
        adapter_ref=params.get("adapter_ref"),
        fingerprint=params.get("fingerprint"),
        acceptance=row["acceptance"],
        sampling=drawn_of(params),
        signals=signal_values(assessment),
        assessment_version=assessment.get("assessment_version"),  # marks from before it was kept have none
        correct=bool(row["correct"]),
        marked_at=marked_at,
    )
