"""The conversations: a tree of messages in SQLite that survives crashes, with search and export."""

from lacie_chat.conversations.errors import StoreError
from lacie_chat.conversations.filters import EXAMPLES, FilterError, Query, parse_query
from lacie_chat.conversations.keeping import DELETED_DAYS
from lacie_chat.conversations.marks import marks_of, why_unmarkable
from lacie_chat.conversations.records import (
    Conversation,
    ConversationSummary,
    Hit,
    MarkedAnswer,
    Message,
    Role,
    Status,
)
from lacie_chat.conversations.store import Store
from lacie_chat.conversations.wording import (
    SAID_NOTHING,
    STOPPED_THINKING,
    all_damage_words,
    damage_words,
    duration,
    is_thought_only,
    no_answer_text,
    thought_seconds,
    thought_size,
    thought_text,
)

__all__ = [
    "DELETED_DAYS",
    "EXAMPLES",
    "SAID_NOTHING",
    "STOPPED_THINKING",
    "Conversation",
    "ConversationSummary",
    "FilterError",
    "Hit",
    "MarkedAnswer",
    "Message",
    "Query",
    "Role",
    "Status",
    "Store",
    "StoreError",
    "all_damage_words",
    "damage_words",
    "duration",
    "is_thought_only",
    "marks_of",
    "no_answer_text",
    "parse_query",
    "thought_seconds",
    "thought_size",
    "thought_text",
    "why_unmarkable",
]
