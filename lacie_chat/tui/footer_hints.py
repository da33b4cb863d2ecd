"""What the footer names: what is most useful now, first; the table of actions has the rest of it in its order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lacie_chat.chat.comparing import why_incomparable
from lacie_chat.conversations import why_unmarkable
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.handlers import is_possible
from lacie_chat.tui.key_names import key_name, keys_now
from lacie_chat.tui.widgets.fitting_footer import Hint

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen

SEND, NEW_LINE = Hint("enter", key_name("enter", short=True), "Send"), Hint("ctrl+j", "^j", "Line")
PRESSING = ("answer.go_on", "answer.now", "answer.stop", "chat.stop_loading")
"""While something is in progress, or waits for a word."""
ANSWERED = ("answer.right", "answer.wrong", "answer.compare")
THEN = ("answer.again", "answer.copy", "chat.new", "chat.history", "chat.quit", "answer.details")
EMPTY = ("chat.history", "chat.model", "chat.settings", "chat.baseline")
UNDECIDED = {"answer.go_on": "Send cut", "answer.stop": "Don't send"}
"""What these do with a question that doesn't fit."""
WRITING = ("answer.unfold", "chat.editor")
LAST = "view.help"
"""There whatever else has room: it names all others."""


def footer_hints(chat: "ChatScreen") -> list[Hint]:
    """In the order in which they are left out from the end, but for the last."""
    writes = bool(chat.composer.text)
    pressing = _those(chat, PRESSING)
    useful = _those(chat, ["view.back"] if chat.edited is not None else [])
    if writes:
        useful += [SEND, NEW_LINE, *_those(chat, WRITING if chat.composer.has_pieces else WRITING[1:])]
    back = ["chat.baseline"] if chat.session.baseline else []  # the way back to the adapter
    rest = [action.name for action in ACTIONS if action.footer and action.name != LAST]
    useful += _those(chat, [*((*ANSWERED, *back, *THEN) if chat.has_messages else EMPTY), *rest])
    by_key: dict[str, Hint] = {}
    for hint in [*pressing, *useful]:
        by_key.setdefault(hint.key, hint)
    return [*by_key.values(), *_those(chat, [LAST])]


def _those(chat: "ChatScreen", names: Sequence[str]) -> list[Hint]:
    return [hint for name in names if (hint := _hint(chat, name)) is not None]


def _hint(chat: "ChatScreen", name: str) -> Hint | None:
    """How an action is named; None where it can't be done, or is of no use now."""
    action = next((action for action in ACTIONS if action.name == name), None)
    if action is None or not is_possible(chat, name) or not _is_useful(chat, name):
        return None
    key = keys_now(chat, name, action.keys)[0]
    return Hint(key, key_name(key, short=True), _label(chat, name) or action.label, action.help)


def _label(chat: "ChatScreen", name: str) -> str:
    """Another word for what it does now."""
    if chat.session.undecided is not None and name in UNDECIDED:
        return UNDECIDED[name]
    if name == "chat.baseline" and chat.session.baseline:
        return "Adapter"
    return "Leave edit" if name == "view.back" else ""


def _is_useful(chat: "ChatScreen", name: str) -> bool:
    answer = chat.answer
    if name in ("answer.right", "answer.wrong"):
        if answer is None or answer.phase != "done":
            return False
        return not why_unmarkable(answer.role, answer.assessment.state if answer.assessment else None)
    return name != "answer.compare" or not why_incomparable(chat.session)
