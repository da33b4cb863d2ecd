"""Full-text search over the messages: any string is a valid query, and what is found comes with where.

A query is a list of words that must all occur, the last one as a beginning (so that results appear while one types).
FTS5's own syntax is quoted away. Where the index knows no such word, the text itself is searched: that finds parts of
words, signs ("C++", "->") and languages written without spaces, which the index sees as one long word.
"""

import re
import sqlite3
import unicodedata
from datetime import datetime

from lacie_chat.conversations.records import Hit

# Noncharacters of Unicode: they mark the matches inside a snippet and never stand in real text.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MOST_WORDS = 64  # FTS5's parser overflows on some thousands (a pasted page)
_SNIPPET_WORDS = 16
_SNIPPET_CHARACTERS = 90

_COLUMNS = "m.conversation_id, c.title, m.id, m.role, m.created_at"


def match_expression(query: str) -> str:
    """The FTS5 expression for a user's words; empty where no word is in it."""
    words = [word for word in re.split(r"[\s\x00]+", query) if any(map(_is_word_character, word))]
    quoted = ['"' + word.replace('"', '""') + '"' for word in words[:_MOST_WORDS]]
    return " ".join(quoted) + "*" if quoted else ""


def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


def find_messages(connection: sqlite3.Connection, query: str, limit: int) -> list[Hit]:
    """The messages that match, best first. An empty query finds nothing."""
    expression = match_expression(query)
    hits = _indexed(connection, expression, limit) if expression else []
    return hits or _scanned(connection, query.strip(), limit)


def _indexed(connection: sqlite3.Connection, expression: str, limit: int) -> list[Hit]:
    rows = connection.execute(
        f"""SELECT {_COLUMNS}, snippet(message_search, 0, ?, ?, '…', ?)
            FROM message_search JOIN messages m ON m.id = message_search.rowid
            JOIN conversations c ON c.id = m.conversation_id
            WHERE message_search MATCH ? ORDER BY rank, m.id DESC LIMIT ?""",
        (_OPEN, _CLOSE, _SNIPPET_WORDS, expression, limit),
    )
    return [_hit(row, *_unmarked(row[5])) for row in rows]


def _scanned(connection: sqlite3.Connection, needle: str, limit: int) -> list[Hit]:
    if not needle:
        return []
    rows = connection.execute(
        f"""SELECT {_COLUMNS}, m.text FROM messages m JOIN conversations c ON c.id = m.conversation_id
            WHERE instr(lower(m.text), lower(?)) ORDER BY m.id DESC LIMIT ?""",
        (needle, limit),
    )
    return [_hit(row, *_around(row[5], needle)) for row in rows]


def _hit(row: sqlite3.Row, snippet: str, matches: tuple[tuple[int, int], ...]) -> Hit:
    return Hit(row[0], row[1], row[2], row[3], snippet, matches, datetime.fromisoformat(row[4]))


def _unmarked(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The snippet as one line without its marks, and where they stood."""
    plain: list[str] = []
    matches: list[tuple[int, int]] = []
    start = 0
    for character in marked:
        if character == _OPEN:
            start = len(plain)
        elif character == _CLOSE:
            matches.append((start, len(plain)))
        else:
            plain.append(" " if character.isspace() else character)
    return "".join(plain), tuple(matches)


def _around(text: str, needle: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    found = re.search(re.escape(needle), text, re.IGNORECASE)
    at, end = found.span() if found else (0, 0)
    first = max(0, at - _SNIPPET_CHARACTERS // 2)
    last = max(end, first + _SNIPPET_CHARACTERS)
    prefix = "…" if first else ""
    snippet = prefix + re.sub(r"\s", " ", text[first:last]) + ("…" if last < len(text) else "")
    shift = len(prefix) - first
    return snippet, ((at + shift, end + shift),) if found else ()
