"""How the next answers are made: with or without the adapter, with samples, folded from which figure on."""

from typing import TYPE_CHECKING

from lacie_chat.chat.folds import next_step
from lacie_chat.confidence import percent
from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.interface_state import write_state
from lacie_chat.tui.widgets.message import AnswerView

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen

AGREEMENT = 5
"""Samples after an answer, where they are switched on by key."""


@does("chat.baseline", lambda chat: chat.session.speaker.adapter_name is not None)
def switch_baseline(chat: "ChatScreen") -> None:
    session = chat.session
    session.baseline = not session.baseline
    chat.show_speaker()
    name = "the baseline, without the adapter" if session.baseline else f"with {session.speaker.adapter_name}"
    chat.notify(f"From now on: {name}.", timeout=3, markup=False)


@does("chat.agreement")
def switch_agreement(chat: "ChatScreen") -> None:
    session = chat.session
    session.agreement = 0 if session.agreement else AGREEMENT
    chat.state.agreement = session.agreement
    write_state(chat.state)
    shown = f"{session.agreement} samples after each, to see how many agree" if session.agreement else "no samples"
    chat.notify(f"From the next answer on: {shown}.", timeout=3)


@does("chat.answer_from")
async def choose_answer_from(chat: "ChatScreen") -> None:
    folds = chat.session.folds
    folds.answer_from = chat.state.answer_from = next_step(folds.answer_from)
    write_state(chat.state)
    chat.show_setting()
    views = list(chat.transcript.query(AnswerView))
    for view in views:
        view.fold = chat.fold_of(view.turn)
    await chat.transcript.redraw(*views)
    chat.refresh_bindings()
    limit = percent(folds.answer_from).strip()
    told = f"Answers that are right less often than {limit} are folded." if folds.answer_from else "None is folded."
    chat.notify(told, timeout=3)


@does("chat.reload", lambda chat: bool(chat.session.load_error))
def reload_model(chat: "ChatScreen") -> None:
    chat.session.start()
