"""What is looked for: words, and filters for what only we know of an answer (`is:wrong sounds:>80 model:qwen`).

All filters of an answer must hold of one and the same answer; those of a conversation (`is:pinned`, dates) of the
conversation; a word may stand in any of its messages. A minus before any of them turns it round: no such answer, no
such word. What stands in quotes is text, whatever it looks like. Figures are percents, as they are shown.
"""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from lacie_chat.conversations.kinds import are_params, is_assessment
from lacie_chat.conversations.rows import json_of
from lacie_chat.conversations.values import storable
from lacie_chat.cut_off import CUT_OFF
from lacie_chat.errors import LacieError


class FilterError(LacieError):
    """A filter that isn't understood, in one line."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition in SQL, and its values. Of `m`, `a`, `k` where it is of an answer (a message, its assessment and its
    mark), else of `c`, the conversation."""

    sql: str
    values: tuple[object, ...] = ()
    negated: bool = False


@dataclass(slots=True)
class Query:
    """What was asked for: `words` to be found, `without` those that must not occur, clauses of answers and of
    conversations."""

    words: str = ""
    without: list[str] = field(default_factory=list)
    answers: list[Clause] = field(default_factory=list)
    conversations: list[Clause] = field(default_factory=list)
    deleted: bool = False
    """Are the deleted ones asked for? They are in no other list."""


_REASONS = ", ".join(f"'{reason}'" for reason in CUT_OFF)
_OF_AN_ANSWER = {
    "abstained": "a.state = 'abstained'",
    "right": "k.correct = 1",
    "wrong": "k.correct = 0",
    "unmarked": "a.state = 'answered' AND k.correct IS NULL",
    "cut": f"""(m.status IN ('cancelled', 'cut_off', 'failed')
        OR json_extract(m.usage, '$.finish_reason') IN ({_REASONS}))""",
}
_OF_A_CONVERSATION = {"pinned": "c.pinned_at IS NOT NULL", "deleted": "c.deleted_at IS NOT NULL"}
STATES = (*_OF_AN_ANSWER, *_OF_A_CONVERSATION)
_FIGURES = {
    "sounds": "CASE a.state WHEN 'answered' THEN a.acceptance END",
    # what the calibrator in use gives it today, where there is one (Store.right_by)
    "right": "right_now(m.params, a.assessment, CASE a.confidence_kind WHEN 'calibrated' THEN a.confidence END)",
}
# JSON that is damaged says nothing; SQLite would end the whole search at it
_PARAMS = "CASE WHEN typeof(m.params) = 'text' AND json_valid(m.params) THEN m.params END"
_NAMES = {
    # an answer says who gave it; older ones leave that to their conversation
    "model": f"coalesce(json_extract({_PARAMS}, '$.model'), c.model)",
    "adapter": f"""CASE WHEN json_extract({_PARAMS}, '$.model') IS NULL THEN c.adapter
        ELSE json_extract({_PARAMS}, '$.adapter') END""",
}
_DATES = {"before": "c.updated_at < ?", "after": "c.updated_at >= ?"}
FILTERS = ("is", *_FIGURES, *_NAMES, *_DATES)
EXAMPLES = "is:wrong sounds:>80 right:<40 model:qwen after:2026-01-31"

_TOKEN = re.compile(r'(?P<minus>-?)(?:(?P<name>[A-Za-z]+):(?![:/\\]))?(?:"(?P<quoted>[^"]*)"(?!\S)|(?P<bare>\S*))')
_FIGURE = re.compile(r"(?P<sign>[<>]=?|=)?(?P<least>\d+(?:\.\d+)?)%?(?:-(?P<most>\d+(?:\.\d+)?)%?)?")


Figure = Callable[[dict[str, Any], dict[str, Any]], float | None]
"""Of an answer's parameters and its assessment: the P(right) that it has today; None: the stored one."""


def filter_right_by(connection: sqlite3.Connection, figure: Figure) -> None:
    """Let `right:` go by this figure."""

    def right_now(params: object, assessment: object, stored: float | None) -> float | None:
        made_with, heard = json_of(params, are_params), json_of(assessment, is_assessment)
        found = None if made_with is None or heard is None else figure(made_with, heard)
        return stored if found is None else found

    connection.create_function("right_now", 3, right_now)


def parse_query(text: str, *, now: datetime | None = None) -> Query:
    """The query that `text` asks for. Raises FilterError, one line with the nearest name."""
    query, words = Query(), []
    for found in _TOKEN.finditer(" ".join(storable(text).split())):
        if not (written := found[0]):
            continue
        negated, name = found["minus"] == "-", (found["name"] or "").lower()
        value = found["quoted"] if found["quoted"] is not None else found["bare"]
        if name in FILTERS or (name and value):
            _add_filter(query, name, value, negated, now or datetime.now(UTC))
        elif negated and re.match(r"[^\W_]", value) and not name:
            query.without.append(value)
        else:
            words.append(value if found["quoted"] is not None and not name and not negated else written)
    query.words = " ".join(word for word in words if word)
    return query


def _add_filter(query: Query, name: str, value: str, negated: bool, now: datetime) -> None:
    if name not in FILTERS:
        raise FilterError(
            f"there is no filter {name}:{_near(name, FILTERS, ':')}; there are {_listed(FILTERS, ':')}; "
            f'to find the text itself, put it in quotes: "{name}:{value}"'
        )
    if name == "is":
        _add_state(query, value.lower(), negated)
    elif name in _FIGURES:
        query.answers.append(_figure(name, value, negated))
    elif name in _NAMES:
        query.answers.append(_named(name, value, negated))
    else:
        moment = _moment(name, value, now)
        query.conversations.append(Clause(_DATES[name], (moment.isoformat(timespec="microseconds"),), negated))


def _add_state(query: Query, value: str, negated: bool) -> None:
    if value in _OF_AN_ANSWER:
        query.answers.append(Clause(_OF_AN_ANSWER[value], negated=negated))
    elif value in _OF_A_CONVERSATION:
        query.deleted = query.deleted or (value == "deleted" and not negated)
        query.conversations.append(Clause(_OF_A_CONVERSATION[value], negated=negated))
    elif value:
        raise FilterError(f"there is no is:{value}{_near(value, STATES)}; there are {_listed(STATES)}")
    else:
        raise FilterError(f"is: what? there are {_listed(STATES)}")


def _figure(name: str, value: str, negated: bool) -> Clause:
    found = _FIGURE.fullmatch(value)
    least, most = (float(found[each]) if found and found[each] else None for each in ("least", "most"))
    if found is None or least is None or max(least, most or 0) > 100 or (most is not None and found["sign"]):
        raise FilterError(f"{name}:{value} is no percentage; write it so: {name}:>80, {name}:<=40 or {name}:60-80")
    # as it is shown, in whole percents: what reads 80 % is neither over 80 nor under it
    figure = f"round(100 * ({_FIGURES[name]}))"
    if most is not None:
        return Clause(f"{figure} BETWEEN ? AND ?", (least, most), negated)
    return Clause(f"{figure} {found['sign'] or '='} ?", (least,), negated)


def _named(name: str, value: str, negated: bool) -> Clause:
    if not value:
        raise FilterError(f"{name}: which? write a part of its name, as in {name}:lacie, or {name}:none for no adapter")
    if name == "adapter" and value.lower() == "none":
        return Clause(f"({_NAMES[name]}) IS NULL", negated=negated)
    return Clause(f"instr(lower({_NAMES[name]}), lower(?))", (value,), negated)


def _moment(name: str, value: str, now: datetime) -> datetime:
    """The begin of a day where the user is."""
    today = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": 0, "yesterday": 1}
    try:
        if value.lower() in days:
            local = (today - timedelta(days=days[value.lower()])).replace(tzinfo=None)
        else:
            local = datetime.strptime(value, "%Y-%m-%d")
        return local.astimezone().astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise FilterError(
            f"{name}:{value} is no date; write it so: {name}:2026-01-31, {name}:today or {name}:yesterday"
        ) from None


def _near(word: str, names: tuple[str, ...], end: str = "") -> str:
    found = get_close_matches(word, names, n=1)
    found = found or [name for name in names if len(word) > 1 and name.startswith(word)][:1]
    return f"; did you mean {found[0]}{end}?" if found else ""


def _listed(names: tuple[str, ...], end: str = "") -> str:
    return ", ".join(f"{name}{end}" for name in names)
