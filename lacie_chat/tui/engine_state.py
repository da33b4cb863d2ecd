"""What the status line says, from what the session is at: the one order of what comes first."""

from collections.abc import Callable

from lacie_chat.chat.meter import context_used
from lacie_chat.chat.session import ChatSession
from lacie_chat.tui.widgets.status import GO_ON, Meter, Status


def show_engine_state(status: Status, session: ChatSession, key_of: Callable[[str], str]) -> None:
    """`key_of` gives an action's first key."""
    pending = session.pending
    undecided = session.undecided
    if session.keeper.silent:
        status.show_silent(waits=bool(pending))
    elif undecided is not None and undecided.unfit is not None:
        status.show_unfit(undecided.unfit, (key_of(GO_ON), key_of("chat.edit"), key_of("answer.stop")))
    elif answering := [turn for turn in pending if turn.phase in ("thinking", "answering")]:
        turn, info = answering[0], session.info
        status.show_answering(turn, len(pending) - 1, Meter(turn.read + turn.drawn, info.n_ctx if info else 0))
    elif pending and session.info is not None:
        status.show_reading(0, 0)
    elif session.load_error:
        status.show_failed(session.load_error)
    elif session.info is not None and (count := session.listened_to):
        status.show_listening(count)
    elif session.info is not None:
        status.show_ready(Meter(context_used(session.tree), session.info.n_ctx))
