"""The conversations: a tree of messages in SQLite that survives crashes, with search and export."""

from lacie_chat.conversations.errors import StoreError
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

__all__ = [
    "Conversation",
    "ConversationSummary",
    "Hit",
    "MarkedAnswer",
    "Message",
    "Role",
    "Status",
    "Store",
    "StoreError",
    "marks_of",
    "why_unmarkable",
]
