"""Full-text search over the messages: any string is a valid query, and what is found comes with where.

A query is a list of words that must all occur, the last one as a beginning (so that results appear while one types).
FTS5's own syntax is quoted away. Where the index knows no such word, the text itself is searched: that finds parts of
words, signs ("C++", "->") and languages written without spaces, which the index sees as one long word.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from lacie_chat.conversations.filters import Clause, Query
from lacie_chat.conversations.records import ROLES, Hit, Role
from lacie_chat.conversations.rows import Row, shown_text

# Noncharacters of Unicode: they mark the matches inside a snippet and never stand in real text.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MOST_WORDS = 32  # a pasted page is no query, and FTS5's parser overflows on some thousands
_SNIPPET_CHARACTERS = 120
_BEFORE_MATCH = 40

_COLUMNS = "m.conversation_id, c.title, m.id, m.role, m.created_at"


def match_expression(query: str) -> str:
    """The FTS5 expression for a user's words; empty where no word is in it."""
    found = [word for word in re.split(r"[\s\x00]+", query) if any(map(_is_word_character, word))]
    words = list(dict.fromkeys(found))[:_MOST_WORDS]
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    # "C++" is a whole word; as a beginning it would be any word with a C.
    is_beginning = bool(words) and _is_word_character(words[-1][-1])
    return " ".join(quoted) + ("*" if is_beginning else "")


def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


def find_messages(connection: sqlite3.Connection, query: Query, limit: int) -> list[Hit]:
    """The messages that match, best first: those with the words, in conversations that match; without words the answers
    that match, newest first. An empty query finds nothing."""
    where, values = condition(connection, replace(query, words=""))
    if not query.words.strip():
        return _answers(connection, query, Clause(where, values), limit)
    expression = match_expression(query.words)
    hits = _indexed(connection, expression, Clause(where, values), limit) if expression else []
    return hits or _scanned(connection, query.words.strip(), Clause(where, values), limit)


def condition(connection: sqlite3.Connection, query: Query) -> tuple[str, tuple[object, ...]]:
    """Which conversations `c` match, as SQL with its values."""
    clauses = [Clause(f"c.deleted_at IS {'NOT' if query.deleted else ''} NULL"), *query.conversations]
    held = [clause for clause in query.answers if not clause.negated]
    if held:
        clauses.append(_any_answer(held))
    for clause in query.answers:
        if clause.negated:
            clauses.append(replace(_any_answer([clause]), negated=True))
    if query.words.strip():
        clauses.append(_with_words(connection, query.words.strip()))
    clauses += [replace(_with_words(connection, word), negated=True) for word in query.without]
    sql = " AND ".join(f"{'NOT ' if clause.negated else ''}({clause.sql})" for clause in clauses)
    return sql, tuple(value for clause in clauses for value in clause.values)


_ANSWERS = "messages m LEFT JOIN assessments a ON a.message_id = m.id LEFT JOIN marks k ON k.message_id = m.id"


def _all_of(clauses: Sequence[Clause]) -> Clause:
    sql = " AND ".join(["m.role = 'assistant'", *(f"coalesce({clause.sql}, 0)" for clause in clauses)])
    return Clause(sql, tuple(value for clause in clauses for value in clause.values))


def _any_answer(clauses: Sequence[Clause]) -> Clause:
    """That one answer of the conversation fulfils them all."""
    each = _all_of(clauses)
    return Clause(f"EXISTS (SELECT 1 FROM {_ANSWERS} WHERE m.conversation_id = c.id AND {each.sql})", each.values)


def _with_words(connection: sqlite3.Connection, words: str) -> Clause:
    """That a message of the conversation has the words, or its title; as `find_messages` finds them."""
    title = Clause("instr(lower(c.title), lower(?))", (words,))
    expression = match_expression(words)
    found = "SELECT 1 FROM message_search WHERE message_search MATCH ? LIMIT 1"
    if expression and connection.execute(found, (expression,)).fetchone():
        return Clause(
            f"""{title.sql} OR c.id IN (SELECT s.conversation_id FROM message_search
                JOIN messages s ON s.id = message_search.rowid WHERE message_search MATCH ?)""",
            (*title.values, expression),
        )
    return Clause(
        f"{title.sql} OR c.id IN (SELECT conversation_id FROM messages WHERE instr(lower(text), lower(?)))",
        (*title.values, words),
    )


def _answers(connection: sqlite3.Connection, query: Query, where: Clause, limit: int) -> list[Hit]:
    if not (query.answers or query.conversations or query.without):
        return []
    held = _all_of([clause for clause in query.answers if not clause.negated])
    rows = connection.execute(
        f"""SELECT {_COLUMNS}, m.text FROM {_ANSWERS} JOIN conversations c ON c.id = m.conversation_id
            WHERE {held.sql} AND {where.sql} ORDER BY m.id DESC LIMIT ?""",
        (*held.values, *where.values, limit),
    )
    return [_hit(row, shown_text(row[5]), []) for row in rows]


def _indexed(connection: sqlite3.Connection, expression: str, where: Clause, limit: int) -> list[Hit]:
    # highlight() is linear in the matches; FTS5's own snippet() is quadratic, which a long text makes minutes.
    rows = connection.execute(
        f"""SELECT {_COLUMNS}, highlight(message_search, 0, ?, ?)
            FROM message_search JOIN messages m ON m.id = message_search.rowid
            JOIN conversations c ON c.id = m.conversation_id
            WHERE message_search MATCH ? AND {where.sql} ORDER BY rank, m.id DESC LIMIT ?""",
        (_OPEN, _CLOSE, expression, *where.values, limit),
    )
    return [_hit(row, *_unmarked(shown_text(row[5]))) for row in rows]


def _scanned(connection: sqlite3.Connection, needle: str, where: Clause, limit: int) -> list[Hit]:
    if not needle:
        return []
    rows = connection.execute(
        f"""SELECT {_COLUMNS}, m.text FROM messages m JOIN conversations c ON c.id = m.conversation_id
            WHERE instr(lower(m.text), lower(?)) AND {where.sql} ORDER BY m.id DESC LIMIT ?""",
        (needle, *where.values, limit),
    )
    pattern = re.compile(re.escape(needle), re.IGNORECASE)
    return [
        _hit(row, text, [found.span() for found in pattern.finditer(text)])
        for row in rows
        for text in [shown_text(row[5])]
    ]


def _unmarked(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its marks, and where they stood."""
    plain: list[str] = []
    matches: list[tuple[int, int]] = []
    at = start = 0
    for piece in re.split(f"([{_OPEN}{_CLOSE}])", marked):
        if piece == _OPEN:
            start = at
        elif piece == _CLOSE:
            matches.append((start, at))
        else:
            plain.append(piece)
            at += len(piece)
    return "".join(plain), matches


def _hit(row: sqlite3.Row, text: str, matches: list[tuple[int, int]]) -> Hit:
    """The hit with one line out of `text` around the first match."""
    first = max(0, matches[0][0] - _BEFORE_MATCH) if matches else 0
    last = min(len(text), first + _SNIPPET_CHARACTERS)
    prefix = "…" if first else ""
    snippet = prefix + re.sub(r"\s", " ", text[first:last]) + ("…" if last < len(text) else "")
    shift = len(prefix) - first
    shown = tuple((start + shift, min(end, last) + shift) for start, end in matches if start < last and start < end)
    read = Row(row)
    role = cast(Role, read.one_of("role", ROLES, "user"))
    return Hit(
        read.text("conversation_id"), read.text("title"), row["id"], role, snippet, shown, read.moment("created_at")
    )
