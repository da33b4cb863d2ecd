"""The typed messages that widgets and the session send to the screen."""

from typing import TYPE_CHECKING

from textual.message import Message

from lacie_chat.chat.events import ChatEvent
from lacie_chat.chat.tree import Turn

if TYPE_CHECKING:
    from lacie_chat.chat.choosing import ChoosingEvent
    from lacie_chat.tui.slash import Command
    from lacie_chat.tui.widgets.suggestions import Suggestion


class FromSession(Message):
    """Something happened in the chat; posted from the session's threads."""

    def __init__(self, event: ChatEvent) -> None:
        super().__init__()
        self.event = event


class FromChoosing(Message):
    """Something happened while another model is looked for or fetched; posted from its threads."""

    def __init__(self, event: "ChoosingEvent") -> None:
        super().__init__()
        self.event = event


class Submitted(Message):
    """The user sent `text`; `written` is what stood in the composer, where that is another."""

    def __init__(self, text: str, written: str = "") -> None:
        super().__init__()
        self.text = text
        self.written = written or text


class CommandTyped(Message):
    """The user typed a command."""

    def __init__(self, command: "Command") -> None:
        super().__init__()
        self.command = command


class SuggestionTaken(Message):
    """The user clicked on what may be meant."""

    def __init__(self, suggestion: "Suggestion") -> None:
        super().__init__()
        self.suggestion = suggestion


class TurnSelected(Message):
    """The user selected a message; `details`: and wants to know more about it."""

    def __init__(self, turn: Turn, *, details: bool = False) -> None:
        super().__init__()
        self.turn = turn
        self.details = details


class BranchWanted(Message):
    """The user wants the sibling `step` away from `turn`."""

    def __init__(self, turn: Turn, step: int) -> None:
        super().__init__()
        self.turn = turn
        self.step = step


class AnswerWanted(Message):
    """The user wants to go to an answer, wherever it is."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self.turn = turn


class FoldWanted(Message):
    """The user wants a folded answer opened, or an opened one folded again."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self.turn = turn


class ThoughtWanted(Message):
    """The user wants to see what was thought before an answer, or no more."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self.turn = turn


class EarlierWanted(Message):
    """The user wants to see earlier messages."""


class LatestWanted(Message):
    """The user wants to see the newest text."""


class EndSeen(Message):
    """The end of the conversation has come into view."""


class CopyWanted(Message):
    """The user wants a copy of what isn't saved."""


class LaterWanted(Message):
    """The user wants to see later messages, where an early part of a long conversation is shown."""
