"""Where room is short: a question that doesn't fit is sent without what doesn't, an answer that stopped goes on."""

from typing import TYPE_CHECKING

from lacie_chat.chat.going_on import stopped_early, why_it_stays
from lacie_chat.tui.handlers.registry import does

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


def _can_go_on(chat: "ChatScreen") -> bool:
    return chat.session.undecided is not None or (chat.answer is not None and stopped_early(chat.answer))


@does("answer.go_on", _can_go_on)
async def go_on(chat: "ChatScreen") -> None:
    if chat.session.undecided is not None:
        chat.session.send_cut()
        return
    turn = chat.answer
    if turn is None or not stopped_early(turn):
        return
    if reason := why_it_stays(chat.session, turn):
        chat.notify(reason, severity="warning", timeout=5, markup=False)
        return
    chat.session.go_on(turn)
    if view := chat.transcript.answer_view(turn):
        view.fold = None
    await chat.redraw_turn(turn)
