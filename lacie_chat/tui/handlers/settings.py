"""How the next answers are made: with or without the adapter, with samples, folded from which figure on."""

from typing import TYPE_CHECKING

from lacie_chat.chat.folds import next_step
from lacie_chat.confidence import percent
from lacie_chat.settings import Value
from lacie_chat.tui.handlers.once_free import once_free
from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.remembering import remember
from lacie_chat.tui.themes import Coloured
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
    _remember(chat, "agreement", session.agreement)
    shown = f"{session.agreement} samples after each, to see how many agree" if session.agreement else "no samples"
    chat.notify(f"From the next answer on: {shown}.", timeout=3)


@does("chat.answer_from")
async def choose_answer_from(chat: "ChatScreen") -> None:
    folds = chat.session.folds
    folds.answer_from = next_step(folds.answer_from)
    _remember(chat, "answer_from", folds.answer_from)
    await _refold(chat)
    limit = percent(folds.answer_from).strip()
    told = f"Answers that are right less often than {limit} are folded." if folds.answer_from else "None is folded."
    chat.notify(told, timeout=3)


async def _refold(chat: "ChatScreen") -> None:
    chat.show_setting()
    views = list(chat.transcript.query(AnswerView))
    for view in views:
        view.fold = chat.fold_of(view.turn)
    await chat.transcript.redraw(*views)
    chat.refresh_bindings()


def _remember(chat: "ChatScreen", name: str, value: Value) -> None:
    if problem := remember(chat.state, chat.session.making.settings, name, value):
        chat.notify(problem, severity="error", markup=False)


def _nothing_to_cut(chat: "ChatScreen") -> bool:
    return not chat.composer.selected_text


@does("chat.settings", _nothing_to_cut, waits=True)
async def change_settings(chat: "ChatScreen") -> None:
    """A model that is to be run otherwise is loaded again once no answer is in progress."""
    from lacie_chat.tui.screens.settings import SettingsScreen

    session = chat.session

    def apply(name: str, value: Value | None) -> None:
        """None: as it was left."""
        holds = value if value is not None else getattr(chat.state, name)
        if isinstance(chat.app, Coloured) and name == "theme":
            chat.app.show_theme(str(holds))
        elif name == "agreement":
            session.agreement = int(holds)
        elif name == "answer_from":
            session.folds.answer_from = float(holds)

    reload = await chat.app.push_screen_wait(SettingsScreen(session, apply))
    chat.composer.focus()
    await _refold(chat)

    def run_otherwise() -> None:
        session.change_speaker(session.making.run_otherwise(session.speaker))

    if reload:
        once_free(chat, "The model is loaded again", run_otherwise)


@does("chat.reload", lambda chat: bool(chat.session.load_error) or chat.session.keeper.silent)
def reload_model(chat: "ChatScreen") -> None:
    chat.session.keeper.renew()
