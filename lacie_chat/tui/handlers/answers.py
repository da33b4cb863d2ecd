"""What is done with one answer, or its question: again, edit, copy, mark, look closer, compare."""

from typing import TYPE_CHECKING

from lacie_chat.chat.comparing import NOTHING_TO_COMPARE, has_other_side, why_incomparable
from lacie_chat.conversations import why_unmarkable
from lacie_chat.tui import clipboard
from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.messages import FoldWanted, TurnSelected
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.others import OthersScreen
from lacie_chat.tui.screens.tokens import TokensScreen

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


def _has_answer(chat: "ChatScreen") -> bool:
    return chat.answer is not None


def _is_foldable(chat: "ChatScreen") -> bool:
    return _writes_pieces(chat) or chat.foldable is not None


def _writes_pieces(chat: "ChatScreen") -> bool:
    return chat.composer.has_focus and chat.composer.has_pieces


@does("answer.stop", lambda chat: chat.session.busy)
def stop(chat: "ChatScreen") -> None:
    chat.session.cancel()


@does("answer.again", lambda chat: chat.answer is not None and not chat.session.busy)
async def again(chat: "ChatScreen") -> None:
    if (answer := chat.answer) is not None:
        chat.transcript.select(None)
        chat.explaining.asked = chat.session.regenerate(answer)
        await chat.show_branch()


@does("chat.edit", lambda chat: chat.has_messages)
def edit(chat: "ChatScreen") -> None:
    subject = chat.subject
    question = subject if subject is not None and subject.role == "user" else chat.last("user")
    undecided = chat.session.undecided
    if undecided is not None and chat.transcript.selected is None:
        question = undecided.parent
        chat.session.cancel()  # what is asked instead takes its place
    if question is not None:
        chat.begin_edit(question)


@does("answer.copy", lambda chat: chat.has_messages)
def copy(chat: "ChatScreen") -> None:
    turn = chat.subject
    if turn is not None and turn.text:
        clipboard.copy(chat, turn.text, "the answer" if turn.role == "assistant" else "your question")


@does("answer.unfold", _is_foldable)
def unfold(chat: "ChatScreen") -> None:
    if _writes_pieces(chat):
        chat.composer.toggle_pieces()
    elif (turn := chat.foldable) is not None:
        chat.post_message(FoldWanted(turn))


@does("answer.details", lambda chat: chat.has_messages)
def show_details(chat: "ChatScreen") -> None:
    chat.details.display = not chat.details.display
    chat.show_details(chat.subject)


@does("answer.tokens", _has_answer)
def show_tokens(chat: "ChatScreen") -> None:
    if (turn := chat.answer) is not None:
        chat.app.push_screen(TokensScreen(chat.session.tree, turn, chat.state))


@does("answer.right", _has_answer)
async def mark_right(chat: "ChatScreen") -> None:
    await _mark(chat, True)


@does("answer.wrong", _has_answer)
async def mark_wrong(chat: "ChatScreen") -> None:
    await _mark(chat, False)


async def _mark(chat: "ChatScreen", correct: bool) -> None:
    """Mark the answer at hand; the same mark once more takes it back."""
    turn = chat.answer
    if turn is None:
        return
    state = turn.assessment.state if turn.assessment else None
    if turn.phase != "done":
        why = "it is being listened to" if turn.phase == "listening" else "the answer is not finished"
        chat.notify(f"Not yet: {why}.", timeout=3)
    elif reason := why_unmarkable(turn.role, state):
        chat.notify(f"{reason[0].upper()}{reason[1:]}.", severity="warning", timeout=5, markup=False)
    else:
        chat.session.tree.mark(turn, None if turn.correct is correct else correct)
        await chat.redraw_turn(turn)


@does("answer.compare", lambda chat: chat.question is not None, waits=True)
async def compare(chat: "ChatScreen") -> None:
    if (question := chat.question) is None:
        return
    if reason := why_incomparable(chat.session):
        chat.notify(reason, severity="warning", timeout=10, markup=False)
        return
    if not has_other_side(chat.session) and not await _choose_other_side(chat):
        return
    screen = CompareScreen(chat.session, question, chat.state, chat.post_message, chat.find)
    if await chat.app.push_screen_wait(screen):
        chat.transcript.select(None)
        chat.composer.focus()
    await chat.show_branch()


async def _choose_other_side(chat: "ChatScreen") -> bool:
    """Where the chat has no baseline to compare with: let the user say what else; False if that is nothing."""
    if chat.find is None:
        chat.notify(NOTHING_TO_COMPARE, severity="warning", timeout=10, markup=False)
        return False
    chosen = await chat.app.push_screen_wait(OthersScreen(chat.session, chat.find))
    if chosen is not None:
        chat.session.compared_with = chosen
    return has_other_side(chat.session)


@does("answer.previous")
async def previous_branch(chat: "ChatScreen") -> None:
    await _step_branch(chat, -1)


@does("answer.next")
async def next_branch(chat: "ChatScreen") -> None:
    await _step_branch(chat, 1)


async def _step_branch(chat: "ChatScreen", step: int) -> None:
    turn = chat.subject
    if turn is not None and chat.session.switch(turn, step):
        siblings = chat.session.tree.siblings(turn)
        await chat.show_branch()
        other = siblings[siblings.index(turn) + step]
        await chat.transcript.reach(other)
        chat.on_turn_selected(TurnSelected(other))
