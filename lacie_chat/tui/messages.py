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


class LaterWanted(Message):
    """The user wants to see later messages, where an early part of a long conversation is shown."""
