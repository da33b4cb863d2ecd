"""What is done with the code in answers: copied, a block after the other, and scrolled sideways."""

from typing import TYPE_CHECKING

from lacie_chat.tui.code_round import may_have_code
from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.widgets.code_fence import STEP, scroll_code, wide_fences

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


def _may_have_code(chat: "ChatScreen") -> bool:
    return chat.answer is not None and may_have_code(chat.answer.text)


@does("answer.copy_code", _may_have_code)
def copy_code(chat: "ChatScreen") -> None:
    if (turn := chat.answer) is not None:
        chat.code_round.copy_next(turn.text, chat, chat.transcript.answer_view(turn))


def _is_wide(chat: "ChatScreen") -> bool:
    return bool(wide_fences(chat.transcript))


@does("view.code_left", _is_wide)
def scroll_left(chat: "ChatScreen") -> None:
    scroll_code(chat.transcript, -STEP)


@does("view.code_right", _is_wide)
def scroll_right(chat: "ChatScreen") -> None:
    scroll_code(chat.transcript, STEP)
