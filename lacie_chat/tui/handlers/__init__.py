"""What the actions of the chat screen do: one room a group, each a module of functions.

A function is tied to its action's name (actions.py) by `@does`; keys, footer, command palette and whatever else starts
an action go through `perform`. A function takes the chat screen and changes what it shows through its methods, so that
the screen itself stays a place where widgets stand and events arrive.
"""

from lacie_chat.tui.handlers import (
    answers,
    code,
    conversations,
    keeping,
    models,
    room,
    settings,
    thoughts,
    view,
    writing,
)
from lacie_chat.tui.handlers.registry import is_possible, names, perform

__all__ = [
    "answers",
    "code",
    "conversations",
    "is_possible",
    "keeping",
    "models",
    "names",
    "perform",
    "room",
    "settings",
    "thoughts",
    "view",
    "writing",
]
