"""The typed messages that widgets and the session send to the screen."""

from textual.message import Message

from lacie_chat.chat.events import ChatEvent
from lacie_chat.chat.tree import Turn


class FromSession(Message):
    """Something happened in the chat; posted from the session's threads."""

    def __init__(self, event: ChatEvent) -> None:
        super().__init__()
        self.event = event


class Submitted(Message):
    """The user sent `text`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


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


class EarlierWanted(Message):
    """The user wants to see earlier messages."""
