"""Where one looks: a selection, the next doubtful answer, a page further, other colours, the help."""

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll

from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.widgets.strip import mark_of

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


@does("view.back")
def go_back(chat: "ChatScreen") -> None:
    if chat.edited is not None:
        chat.end_edit()
        chat.composer.put_away()
    elif chat.details.display:
        chat.details.display = False
    elif chat.transcript.selected is not None:
        chat.transcript.select(None)
        chat.show_strip()
    chat.composer.focus()


@does("view.answer_before", lambda chat: chat.has_messages)
async def answer_before(chat: "ChatScreen") -> None:
    await _step_answer(chat, -1)


@does("view.answer_after", lambda chat: chat.has_messages)
async def answer_after(chat: "ChatScreen") -> None:
    await _step_answer(chat, 1)


async def _step_answer(chat: "ChatScreen", step: int) -> None:
    """To the answer before or after the selected one; before any is, to the last."""
    answers, selected = chat.answers, chat.answer if chat.transcript.selected is not None else None
    place = answers.index(selected) + step if selected in answers else len(answers) - 1
    if 0 <= place < len(answers):
        await chat.go_to(answers[place])


@does("view.up")
def select_above(chat: "ChatScreen") -> None:
    chat.transcript.step(-1)


@does("view.down")
def select_below(chat: "ChatScreen") -> None:
    chat.transcript.step(1)


@does("view.next_doubtful", lambda chat: chat.has_messages)
async def next_doubtful(chat: "ChatScreen") -> None:
    await _step_doubtful(chat, 1)


@does("view.previous_doubtful", lambda chat: chat.has_messages)
async def previous_doubtful(chat: "ChatScreen") -> None:
    await _step_doubtful(chat, -1)


async def _step_doubtful(chat: "ChatScreen", step: int) -> None:
    """To the next one; beyond the last to the first, so that one key is enough. With nothing selected, the search
    begins at the end of the conversation: backwards at its last answer, forwards at its first."""
    answers = chat.answers
    selected = chat.answer if chat.transcript.selected is not None else None
    if selected in answers:
        place = answers.index(selected)
        order = [*answers[place + 1 :], *answers[: place + 1]] if step > 0 else [
            *answers[:place][::-1], *answers[place:][::-1]
        ]  # fmt: skip
    else:
        order = answers if step > 0 else answers[::-1]
    found = next((turn for turn in order if mark_of(turn).doubtful), None)
    if found is None:
        chat.notify("No answer here sounds surer than it is, or unsure.", timeout=3)
    else:
        await chat.go_to(found)


@does("view.earlier")
async def show_earlier(chat: "ChatScreen") -> None:
    await chat.transcript.show_earlier()


@does("view.latest", lambda chat: chat.has_messages)
async def go_to_newest(chat: "ChatScreen") -> None:
    await chat.transcript.action_latest()
    chat.below.display = False


@does("view.first", lambda chat: chat.has_messages)
async def go_to_first(chat: "ChatScreen") -> None:
    await chat.transcript.to_first()


@does("view.page_up")
def page_up(chat: "ChatScreen") -> None:
    _scrolled(chat).scroll_page_up(animate=False)


@does("view.page_down")
def page_down(chat: "ChatScreen") -> None:
    _scrolled(chat).scroll_page_down(animate=False)


def _scrolled(chat: "ChatScreen") -> VerticalScroll:
    return chat.details if chat.details.has_focus else chat.transcript


@does("view.theme")
def choose_theme(chat: "ChatScreen", name: str = "") -> None:
    if not name:
        chat.app.search_themes()
        return
    themes = sorted(chat.app.available_themes)
    found = next((theme for theme in themes if theme in (name.lower(), f"textual-{name.lower()}")), None)
    if found is None:
        known = ", ".join(theme.removeprefix("textual-") for theme in themes)
        chat.notify(f"There is no theme {name}; there are {known}.", severity="warning", timeout=10, markup=False)
    else:
        chat.app.theme = found


@does("view.help")
def show_help(chat: "ChatScreen") -> None:
    chat.app.push_screen(HelpScreen(chat.state))
