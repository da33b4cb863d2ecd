"""Where the context's room is short: a question that doesn't fit is sent without what doesn't."""

from typing import TYPE_CHECKING

from lacie_chat.tui.handlers.registry import does

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


@does("answer.go_on", lambda chat: chat.session.undecided is not None)
def go_on(chat: "ChatScreen") -> None:
    chat.session.send_cut()
